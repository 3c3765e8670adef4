"""Measures `sayoo export focus` and, as its floor, PostgreSQL's COPY of the same rows. The last line is JSON."""

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAM, PSQL, URL = os.environ["SAYOO_BIN"], os.environ["PSQL"], os.environ["DATABASE_URL"]
ROUNDS = 3
AT_LEAST, AT_MOST_MB = 50_000, 200
# What one row of CostAndUsage holds, written by the database alone.
COPY = """COPY (
    SELECT part.quantity * c.unit_price, c.account_id, f.customer, c.currency, p.until_at, p.from_at, c.class, part.day, part.quantity,
           c.unit_price, f.issuer, d.number || '-' || cl.line_no, d.number, c.environment_id, n.name, n.host, n.kind, pl.code, v.version,
           c.meter, c.tier
      FROM charges c
      JOIN billing_periods p ON p.id = c.period_id
      JOIN period_facts f ON f.period_id = p.id
      JOIN environment_facts n ON n.period_id = p.id AND n.environment_id = c.environment_id
      JOIN plan_versions v ON v.id = c.plan_version_id
      JOIN plans pl ON pl.id = v.plan_id
      LEFT JOIN charge_lines cl ON cl.charge_id = c.id
      LEFT JOIN documents d ON d.id = cl.document_id
      JOIN charge_days q ON q.charge_id = c.id
     CROSS JOIN unnest(q.days, q.quantities) AS part (day, quantity)
     ORDER BY c.id
) TO STDOUT WITH (FORMAT csv)"""


def configuration(folder):
    path = folder / "sayoo.toml"
    path.write_text(f"""
installation = {{ name = "bench", data_dir = "{folder}" }}
public = {{ portal_url = "http://localhost:8080", instances_url = "http://{{name}}.localhost:8080", mode = "development" }}
database = {{ owner_url = "{URL}", web_url = "{URL}", worker_url = "{URL}", proxy_url = "{URL}" }}
web = {{ listen = "127.0.0.1:0", sso_key_file = "/none", cookie_key_file = "/none" }}
proxy = {{ listen = "127.0.0.1:0", web_upstream = "127.0.0.1:1", table_file = "{folder}/routes.json" }}
worker = {{ docker = "unix:///none", sealing_key_file = "/none", upstream_address = "127.0.0.1", sso_public_key_file = "/none" }}
tenants = {{ admin_url = "{URL}", host_for_containers = "127.0.0.1", port_for_containers = 1 }}
odoo = {{ image = "none" }}
mail = {{ from = "Sayoo <no-reply@localhost>" }}
""")
    return path


def export(config, out):
    """Seconds for the four files, their rows, and the most memory of any program so far, in MB."""
    begun = time.monotonic()
    subprocess.run(
        [PROGRAM, "--config", config, "export", "focus", "--from", "2026-10-15", "--to", "2026-11-15", "--out", out],
        check=True, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - begun
    rows = sum(entry["rows"] for entry in json.loads((out / "manifest.json").read_text()).values())
    return seconds, rows, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def copy(out):
    begun = time.monotonic()
    with open(out, "wb") as file:
        subprocess.run([PSQL, "-qX", URL, "-c", COPY], check=True, stdout=file)
    seconds = time.monotonic() - begun
    with open(out, "rb") as file:
        return seconds, sum(1 for _ in file)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    config = configuration(folder)
    ours, floor, peak = [], [], 0.0
    for number in range(ROUNDS):
        seconds, rows, peak = export(config, folder / f"out-{number}")
        ours.append(rows / seconds)
        seconds, copied = copy(folder / "copy.csv")
        floor.append(copied / seconds)
        print(f"round {number + 1}: {rows} rows, {ours[-1]:.0f} rows/s; COPY of {copied}: {floor[-1]:.0f} rows/s", flush=True)
    rate, bound = statistics.median(ours), statistics.median(floor)
    print(json.dumps({
        "rows": rows,
        "rows_per_s": round(rate),
        "copy_rows_per_s": round(bound),
        "of_copy": round(rate / bound, 2),
        "peak_mb": round(peak, 1),
        "pass": rows >= 200_000 and rate >= AT_LEAST and peak <= AT_MOST_MB,
    }))
