//! The papers of the samples: what they say, that they are made alike each time, and that nothing is lost or turned on the way.

use std::path::Path;
use std::sync::LazyLock;

use en16931_formats::zugferd::{Limits, extract};
use sayoo_document::{Document, check};
use sayoo_papers::{DEBIAN_FOLDER, Error, Fonts, cii, pdf, ubl};

use crate::samples;

static FONTS: LazyLock<Fonts> = LazyLock::new(|| Fonts::load(Path::new(DEBIAN_FOLDER)).unwrap());

#[test]
fn every_sample_keeps_the_rules_and_its_xml_has_number_and_total() {
    for (name, document) in samples::all() {
        assert_eq!(check(&document), Ok(()), "{name}");
        for xml in [cii(&document).unwrap(), ubl(&document).unwrap()] {
            assert!(xml.contains(&format!(">{}<", document.number)), "{name} has its number");
            assert!(xml.contains(&format!(">{}<", document.totals.gross)), "{name} has its total");
        }
    }
}

fn carries_its_cii(name: &str, document: &Document) {
    let paper = pdf(document, &FONTS).unwrap_or_else(|error| panic!("{name}: {error}"));
    let carried = extract(&paper, &Limits::default()).unwrap();
    assert_eq!(String::from_utf8(carried.xml).unwrap(), cii(document).unwrap(), "{name}");
}

#[test]
fn the_pdf_of_a_short_document_carries_the_very_cii() {
    for (name, document) in samples::all().into_iter().filter(|(_, document)| document.lines.len() < 20) {
        carries_its_cii(name, &document);
    }
}

#[test]
fn the_pdf_of_several_pages_carries_the_very_cii() {
    for (name, document) in samples::all().into_iter().filter(|(_, document)| document.lines.len() >= 20) {
        carries_its_cii(name, &document);
    }
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for document in [samples::french_business(), samples::moroccan_in_arabic()] {
        assert!(pdf(&document, &FONTS).unwrap() == pdf(&document, &FONTS).unwrap());
        assert_eq!(cii(&document).unwrap(), cii(&document).unwrap());
    }
}

#[test]
fn the_record_is_read_back_as_it_was_written_and_unknown_fields_are_refused() {
    for (name, document) in samples::all() {
        let json = serde_json::to_string(&document).unwrap();
        let again: Document = serde_json::from_str(&json).unwrap();
        assert_eq!(again, document, "{name}");
        assert_eq!(serde_json::to_string(&again).unwrap(), json, "{name}");
    }
    let mut value = serde_json::to_value(samples::french_business()).unwrap();
    assert_eq!(value["lines"][1]["quantity"], "37.4821", "amounts are texts, never floats");
    value["seller"]["identifiers"]["colour"] = "blue".into();
    assert!(serde_json::from_value::<Document>(value.clone()).is_err());
    value["seller"]["identifiers"].as_object_mut().unwrap().remove("colour");
    value["totals"]["net"] = 1.5.into();
    assert!(serde_json::from_value::<Document>(value).is_err());
}

#[test]
fn strange_names_survive_in_the_xml() {
    let document = samples::strange_names();
    let read = |xml: String| en16931_formats::read(xml.as_bytes()).unwrap().invoice;
    for invoice in [read(cii(&document).unwrap()), read(ubl(&document).unwrap())] {
        assert_eq!(invoice.buyer.name.as_ref(), Some(&document.buyer.name));
        assert_eq!(invoice.lines[0].item.description, document.lines[0].detail);
        assert_eq!(invoice.lines[0].item.name.as_ref(), Some(&document.lines[0].text));
    }
}

#[test]
fn a_wrong_document_has_no_papers() {
    let mut document = samples::french_business();
    document.totals.vat += rust_decimal::dec!(0.40);
    assert!(matches!(cii(&document), Err(Error::Document(_))));
    assert!(matches!(ubl(&document), Err(Error::Document(_))));
    assert!(matches!(pdf(&document, &FONTS), Err(Error::Document(_))));
}

#[test]
fn a_missing_font_is_named_with_where_to_get_it() {
    let error = Fonts::load(Path::new("/nowhere")).err().unwrap().to_string();
    assert!(error.contains("/nowhere/NotoSans-Regular.ttf") && error.contains("fonts-noto-core"), "{error}");
}
