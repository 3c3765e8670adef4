"""Looks at what `sayoo export` wrote with other people's programs, and adds up the coins itself.

    check.py FOLDER PSQL DATABASE_URL

FOCUS is looked at by focus-data-toolkit, whose own command line skips the sums; bundles that were changed must fail. Then what
those tools tolerate is held to the coin: every line, every VAT, every row once. Books are read by bean-check, the FEC by a small
reader. Its last lines are those of a test runner.
"""

import copy
import csv
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow
import pyarrow.compute
import pyarrow.parquet
from focus_data_toolkit.validate.bundle import validate_dataset_bundle

folder, psql, url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
passed, failed = 0, 0


def check(name, is_good, seen=""):
    global passed, failed
    if is_good:
        passed += 1
    else:
        failed += 1
    print(("ok" if is_good else "FAILED"), "-", name, seen if not is_good else "", flush=True)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ask(sql):
    out = subprocess.run([psql, "-qAtX", "-F", "\t", url, "-c", sql], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in out.splitlines() if line]


focus = folder / "focus"
names = {"Cost and Usage": "cost_and_usage.csv", "Invoice Detail": "invoice_detail.csv", "Billing Period": "billing_period.csv"}
bundle = {dataset: rows(focus / name) for dataset, name in names.items()}
toolkit = [sys.executable, "-m", "focus_data_toolkit"]


def lint(dataset, path, *more):
    return subprocess.run([*toolkit, "validate", "--dataset", dataset, *more, str(path)], capture_output=True, text=True)


for dataset, name in names.items():
    supports = ["--supports", "SupportsUnitPricing", "--supports", "SupportsMultiplePricingCategories"]
    more = supports if dataset == "Cost and Usage" else []
    done = lint(dataset.lower().replace(" ", "-"), focus / name, *more)
    check(f"focus-data-toolkit finds no fault in {name}", done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:])


def errors(changed):
    report = validate_dataset_bundle(changed, invoice_detail_authoritative=True, rounding_tolerance=Decimal("0.01"))
    return report.errors


found = errors(bundle)
check("the three data sets agree, to less than a coin", not found, found[:5])

usage = next(i for i, row in enumerate(bundle["Cost and Usage"]) if row["InvoiceDetailId"] and row["ChargeCategory"] == "Usage")
for name, dataset, row, column, value in [
    ("a line off by a coin and a half", "Invoice Detail", 0, "BilledCost", lambda old: str(Decimal(old) + Decimal("0.015"))),
    ("a line that is not there", "Cost and Usage", usage, "InvoiceDetailId", lambda old: old + "9"),
    ("another currency", "Cost and Usage", usage, "BillingCurrency", lambda old: "USD"),
    ("another invoice", "Cost and Usage", usage, "InvoiceId", lambda old: old + "0"),
    ("another period", "Cost and Usage", usage, "BillingPeriodStart", lambda old: "2020-01-01T00:00:00Z"),
]:
    changed = copy.deepcopy(bundle)
    changed[dataset][row][column] = value(changed[dataset][row][column])
    check(f"the toolkit sees {name}", errors(changed))

# To the coin, by our own sums.
cost, detail = bundle["Cost and Usage"], bundle["Invoice Detail"]
check("each version has its columns", (len(cost[0]), len(detail[0]), len(bundle["Billing Period"][0])) == (65, 22, 6))
lines = defaultdict(Decimal)
for row in cost:
    lines[row["InvoiceDetailId"]] += Decimal(row["BilledCost"])
wrong = [
    (row["InvoiceDetailId"], row["BilledCost"], lines[row["InvoiceDetailId"]])
    for row in detail
    if not abs(Decimal(row["BilledCost"]) - lines[row["InvoiceDetailId"]]) < Decimal("0.01")
]
check("I31: the rows of each line add up to it", detail and not wrong, wrong)
exact = ask("""
    SELECT d.number || '-' || l.line_no, CASE d.kind WHEN 'credit_note' THEN -l.quantity * l.unit_price ELSE l.quantity * l.unit_price END
      FROM document_lines l JOIN documents d ON d.id = l.document_id WHERE d.state = 'final' AND l.kind <> 'credit' AND l.kind <> 'discount'
""")
wrong = [(key, value, lines[key]) for key, value in exact if Decimal(value) != lines[key]]
check("the rows of a usage line are quantity times price, exactly", exact and not wrong, wrong)
nets = ask("""
    SELECT d.number, (CASE d.kind WHEN 'credit_note' THEN -1 ELSE 1 END * d.gross_minor / 100.0)::numeric(20, 2)
      FROM documents d WHERE d.state = 'final'
""")
gross = defaultdict(Decimal)
for row in detail:
    gross[row["InvoiceId"]] += Decimal(row["BilledCost"])
check("every document's lines and VAT are its gross, to the coin", nets and all(gross[number] == Decimal(value) for number, value in nets))
check("every document is there", set(gross) == {number for number, _ in nets})

keys = Counter((r["ResourceId"], r["SkuPriceId"], r["ChargePeriodStart"], r["ChargeClass"], r["InvoiceDetailId"], r["ChargeCategory"]) for r in cost)
check("I33: no row is there twice", max(keys.values()) == 1, keys.most_common(2))
charged = defaultdict(Decimal)
for row in cost:
    if row["SkuPriceId"]:
        charged[(row["SkuPriceId"], row["ResourceId"], row["BillingPeriodStart"], row["ChargeClass"])] += Decimal(row["PricingQuantity"])
kept = ask("SELECT sum(quantity) FROM charges")[0][0]
check("I33: every charge is there, with all of its quantity", sum(charged.values()) == Decimal(kept), (sum(charged.values()), kept))
bad = [row for row in cost if row["ListUnitPrice"] and Decimal(row["ListUnitPrice"]) * Decimal(row["PricingQuantity"]) != Decimal(row["ListCost"])]
check("price times quantity is the cost, exactly", not bad, bad[:1])
trial = [row for row in cost if row["ContractedUnitPrice"] == "0" and row["ListUnitPrice"] not in ("0", "")]
check("what a trial gave cost nothing, and says what it would have", trial and all(row["BilledCost"] == "0" and Decimal(row["ListCost"]) > 0 for row in trial))
late = [row for row in cost if row["ChargeClass"] == "Correction" and row["ChargeCategory"] == "Usage"]
check("a correction has its own time and the later bill", len(late) == 2 and all(row["ChargePeriodStart"] < row["BillingPeriodStart"] for row in late), late)
check("one of them takes back", any(Decimal(row["BilledCost"]) < 0 for row in late))

# FOCUS 1.2 says the same in its own columns.
older = rows(focus / "cost_and_usage_1_2.csv")
common = [name for name in older[0] if name in cost[0]]
check("FOCUS 1.2 has 57 columns and the same rows", len(older[0]) == 57 and len(common) == 55 and
      [[row[name] for name in common] for row in older] == [[row[name] for name in common] for row in cost])

# Parquet, read by Arrow: exact types, and what CSV says in each cell.
columns = folder / "columns"


def cell(value):
    """A value as CSV writes it, without needless zeros."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, (Decimal, int)):
        return format(Decimal(value).normalize() + 0, "f")
    return str(value)


def same(text, kind):
    if text == "":
        return ""
    if pyarrow.types.is_decimal(kind) or pyarrow.types.is_integer(kind):
        return cell(Decimal(text))
    if pyarrow.types.is_timestamp(kind):
        return cell(datetime.fromisoformat(text.replace("Z", "+00:00")))
    return text


for path in sorted(columns.glob("*.parquet")):
    csv_path = next(where / f"{path.stem}.csv" for where in (columns, focus, folder) if (where / f"{path.stem}.csv").exists())
    table, text = pyarrow.parquet.read_table(path), rows(csv_path)
    kinds = {field.name: field.type for field in table.schema}
    exact = [name for name, kind in kinds.items() if pyarrow.types.is_decimal(kind)]
    check(f"{path.name} has no floating point", not any(pyarrow.types.is_floating(kind) for kind in kinds.values()), kinds)
    check(f"{path.name} has decimals", exact or path.stem == "billing_period", kinds)
    read = [{name: cell(value) for name, value in row.items()} for row in table.to_pylist()]
    written = [{name: same(value, kinds[name]) for name, value in row.items()} for row in text]
    wrong = [(one, other) for one, other in zip(read, written) if one != other][:1]
    check(f"{path.name} says what {csv_path.name} says", text and len(read) == len(written) and not wrong, wrong)
check("there are Parquet files of all", len(list(columns.glob("*.parquet"))) == 9)
total = pyarrow.compute.sum(pyarrow.parquet.read_table(columns / "cost_and_usage.parquet")["BilledCost"]).as_py()
check("Arrow adds up billed costs to the same sum", total == sum(Decimal(row["BilledCost"]) for row in cost), total)

# Nothing that people wrote runs, or runs backwards.
for path in [*focus.glob("*.csv"), *folder.glob("*.csv")]:
    numbers = re.compile(r"-?[0-9]+(\.[0-9]+)?$")
    cells = {cell for row in rows(path) for cell in row.values() if cell and cell[0] in "=+-@\t\r"}
    bad = [cell for cell in cells if not numbers.match(cell)]
    check(f"{path.name} holds no formula", not bad, bad)
    check(f"{path.name} holds no override of direction", not re.search("[\u202a-\u202e\u2066-\u2069]", path.read_text("utf-8")))

# Manifests.
for where in [folder, focus]:
    manifest = json.loads((where / "manifest.json").read_text())
    good = [hashlib.sha256((where / name).read_bytes()).hexdigest() == entry["sha256"] for name, entry in manifest.items()]
    files = {path.name for path in where.iterdir() if path.is_file() and path.name not in ("manifest.json", ".lock")}
    check(f"the manifest of {where.name} names every file with its hash", good and all(good) and set(manifest) == files, files ^ set(manifest))

# The books, by another program.
beancheck = Path(sys.executable).parent / "bean-check"
books = next(folder.glob("books-*.beancount"))
done = subprocess.run([beancheck, str(books)], capture_output=True, text=True)
check("bean-check finds no fault in the books", done.returncode == 0, done.stdout + done.stderr)
text = books.read_text()
check("with a balance for each account and month", text.count(" balance ") >= 10)
for name, old, new in [("an entry off by a coin", r"(\n  Income:\S+  -?\d+\.\d)(\d)", lambda m: m[1] + str((int(m[2]) + 1) % 10)),
                       ("a balance off by a coin", r"( balance \S+  -?\d+\.\d)(\d)", lambda m: m[1] + str((int(m[2]) + 1) % 10))]:
    changed = folder / "changed.beancount"
    changed.write_text(re.sub(old, new, text, count=1))
    check(f"bean-check sees {name}", subprocess.run([beancheck, str(changed)], capture_output=True).returncode != 0)
    changed.unlink()
later = next((folder / "later").glob("books-*.beancount"))
done = subprocess.run([beancheck, str(later)], capture_output=True, text=True)
check("books of a later month begin with what stood there", done.returncode == 0 and '"Opening"' in later.read_text(), done.stdout + done.stderr)

# The FEC, as the law describes it.
fec = folder / "732829320FEC20261231.txt"
check("the FEC has the name that the law gives it", fec.exists())
table = [line.split("\t") for line in fec.read_bytes().decode("utf-8").split("\r\n") if line]
head, entries = table[0], table[1:]
check("the FEC has eighteen columns in each line", len(head) == 18 and head[0] == "JournalCode" and head[17] == "Idevise" and all(len(line) == 18 for line in entries))
number = lambda text: Decimal(text.replace(",", "."))
sums = defaultdict(Decimal)
for line in entries:
    sums[int(line[2])] += number(line[11]) - number(line[12])
check("its numbers have no hole and every entry adds up", list(sums) == list(range(1, len(sums) + 1)) and not any(sums.values()))
check("its dates and amounts are written as the law says", all(re.fullmatch(r"\d{8}", line[3]) and re.fullmatch(r"\d+,\d\d", line[11]) and re.fullmatch(r"\d+,\d\d", line[12]) for line in entries))
kept = ask("SELECT count(*), sum(GREATEST(p.amount_minor, 0)) FROM postings p JOIN journal_entries e ON e.id = p.entry_id JOIN sellers s ON s.id = e.seller_id WHERE s.code = 'FR'")[0]
check("it holds the books of France, to the coin", (str(len(entries)), sum(number(line[11]) for line in entries) * 100) == (kept[0], Decimal(kept[1])), kept)

alike = [(folder / "tokyo" / path.name).read_bytes() == path.read_bytes() for path in focus.glob("*.csv")]
check("files are the same in Tokyo and in Arabic", len(alike) == 4 and all(alike))

# I32: what was written of October before November was billed is there still.
before, after = (folder / "october" / "cost_and_usage.csv").read_text("utf-8"), (folder / "october-again" / "cost_and_usage.csv").read_text("utf-8")
check("I32: a closed month's file is the same after names and usage changed", before == after and before.count("\n") > 50)

print(f"# pass {passed}\n# fail {failed}")
sys.exit(failed > 0)
