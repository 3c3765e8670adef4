//! Documents that must not be issued, each a sample with one thing made wrong.

use rust_decimal::dec;
use sayoo_document::{Document, LineKind, Problem, SellerIdentifiers, Unit, VatCategory, check};

use crate::samples;

/// The codes of what is wrong, after something was done to a document.
fn problems(document: Document, harm: impl FnOnce(&mut Document)) -> Vec<&'static str> {
    let mut document = document;
    assert_eq!(check(&document), Ok(()));
    harm(&mut document);
    codes(check(&document))
}

fn codes(result: Result<(), Vec<Problem>>) -> Vec<&'static str> {
    result.err().unwrap_or_default().iter().map(|problem| problem.code).collect()
}

fn french(harm: impl FnOnce(&mut Document)) -> Vec<&'static str> {
    problems(samples::french_business(), harm)
}

#[test]
fn a_cent_too_much_is_found_wherever_it_is() {
    assert_eq!(french(|it| it.lines[1].net += dec!(0.01)), ["line_net", "vat_base", "net"]);
    assert_eq!(french(|it| it.vat[0].base += dec!(0.01)), ["vat_base"]);
    // What the official validators let pass.
    assert_eq!(french(|it| it.vat[0].amount += dec!(0.01)), ["vat_amount", "vat"]);
    assert_eq!(french(|it| it.totals.net += dec!(0.01)), ["net", "gross"]);
    assert_eq!(french(|it| it.totals.vat += dec!(0.01)), ["vat", "gross"]);
    assert_eq!(french(|it| it.totals.gross += dec!(0.01)), ["gross", "due"]);
    assert_eq!(french(|it| it.totals.due += dec!(0.01)), ["due"]);
    assert_eq!(french(|it| it.totals.paid += dec!(0.01)), ["due"]);
}

#[test]
fn sums_of_many_small_roundings_are_exact() {
    let mut document = samples::french_business();
    let one = samples::line(LineKind::Usage, "a little", dec!(0.5), Unit::One, dec!(0.01));
    document.lines = vec![one; 1000];
    let document = samples::summed(document);
    assert_eq!(check(&document), Ok(()));
    assert_eq!((document.totals.net, document.totals.vat), (dec!(10), dec!(2)), "halves go up, VAT is of the sum");
}

#[test]
fn numbers_and_decimals_have_their_limits() {
    assert_eq!(french(|it| it.number = "F 2026".to_owned()), ["number"]);
    assert_eq!(french(|it| it.number = "F".repeat(36)), ["number"]);
    assert_eq!(french(|it| it.number = String::new()), ["number"]);
    assert_eq!(french(|it| it.number = "F-٢".to_owned()), ["number"]);
    assert!(french(|it| it.lines[1].quantity = dec!(37.48211)).contains(&"decimals"));
    assert!(french(|it| it.lines[1].unit_price = dec!(0.0425001)).contains(&"decimals"));
    assert!(french(|it| it.totals.net = dec!(10.001)).contains(&"decimals"));
    assert!(french(|it| it.lines[1].unit_price = dec!(-1)).contains(&"unit_price"));
    assert!(french(|it| it.lines[1].quantity = dec!(79228162514264337593543950335)).contains(&"too_large"));
}

#[test]
fn days_are_in_their_order() {
    assert_eq!(french(|it| it.due_date = it.issue_date.pred_opt().unwrap()), ["due_before_issue"]);
    assert_eq!(french(|it| it.period.until = it.period.from), ["period"]);
    assert_eq!(french(|it| it.period.zone = "Paris".to_owned()), ["zone"]);
}

#[test]
fn each_group_of_vat_is_there_once_with_its_reason() {
    let two = samples::two_rates;
    assert_eq!(problems(two(), |it| drop(it.vat.pop())), ["vat_group", "vat"]);
    assert!(problems(two(), |it| it.vat.push(it.vat[0].clone())).contains(&"vat_group"));
    assert_eq!(problems(samples::export(), |it| it.vat[0].reason = None), ["vat_reason"]);
    assert!(french(|it| it.vat[0].reason = Some("because".to_owned())).contains(&"vat_reason"));
    assert!(problems(samples::export(), |it| it.lines[0].vat_rate = dec!(20)).contains(&"vat_rate"));
    let one_outside = french(|it| it.lines[0].vat_category = VatCategory::O);
    assert!(one_outside.contains(&"vat_group"), "{one_outside:?}");
}

#[test]
fn a_rate_is_one_of_the_seller_s_country() {
    let at = |mut document: Document| {
        for line in &mut document.lines {
            line.vat_rate = dec!(14);
        }
        codes(check(&samples::summed(document)))
    };
    assert!(at(samples::french_business()).contains(&"vat_rate"));
    assert!(at(samples::moroccan_in_arabic()).contains(&"vat_rate"));
}

#[test]
fn what_the_law_wants_said_is_said() {
    assert_eq!(french(|it| it.mentions.late_penalties = None), ["missing_mention"]);
    assert_eq!(french(|it| it.mentions.recovery_fee = None), ["missing_mention"]);
    assert_eq!(french(|it| it.buyer.siren = None), ["missing_mention"]);
    assert_eq!(french(|it| it.seller.capital = None), ["missing_mention"]);
    assert_eq!(french(|it| it.seller.legal_form.clear()), ["missing_mention"]);
    let of_french: [fn(&mut sayoo_document::FrenchSeller); 4] = [
        |ids| ids.siren = "123".to_owned(),
        |ids| ids.siret = "12345678900011".to_owned(),
        |ids| ids.rcs_city.clear(),
        |ids| ids.vat_number = "DE136695976".to_owned(),
    ];
    for harm in of_french {
        let found = french(|it| {
            if let SellerIdentifiers::France(ids) = &mut it.seller.identifiers {
                harm(ids);
            }
        });
        assert!(found.contains(&"missing_mention"), "{found:?}");
    }
    let of_moroccan: [fn(&mut sayoo_document::MoroccanSeller); 5] = [
        |ids| ids.ice = "12".to_owned(),
        |ids| ids.tax_id.clear(),
        |ids| ids.rc_number.clear(),
        |ids| ids.rc_city.clear(),
        |ids| ids.professional_tax.clear(),
    ];
    for harm in of_moroccan {
        let found = problems(samples::moroccan_in_arabic(), |it| {
            if let SellerIdentifiers::Morocco(ids) = &mut it.seller.identifiers {
                harm(ids);
            }
        });
        assert_eq!(found, ["missing_mention"]);
    }
    assert_eq!(problems(samples::reverse_charge(), |it| it.buyer.vat_number = None), ["missing_mention"]);
}

#[test]
fn a_credit_note_cites_its_invoice_and_an_invoice_cites_none() {
    assert_eq!(problems(samples::credit_note(), |it| it.corrects = None), ["corrects"]);
    let cited = samples::credit_note().corrects;
    assert_eq!(french(|it| it.corrects = cited), ["corrects"]);
    assert!(french(|it| it.lines[4].quantity = dec!(1)).contains(&"discount_sign"));
}

#[test]
fn another_currency_brings_the_vat_in_the_seller_s_own() {
    assert_eq!(problems(samples::dirhams_from_france(), |it| it.vat_in_seller_currency = None), ["missing_fx"]);
    assert_eq!(problems(samples::euros_from_morocco(), |it| it.vat_in_seller_currency = None), ["missing_fx"]);
    let wrong = problems(samples::dirhams_from_france(), |it| {
        it.vat_in_seller_currency.as_mut().unwrap().amount += dec!(0.01);
    });
    assert_eq!(wrong, ["fx"]);
}

#[test]
fn a_document_whose_total_is_below_zero_is_a_credit_note() {
    let mut document = samples::french_business();
    document.lines[4].quantity = dec!(-100);
    assert!(codes(check(&samples::summed(document))).contains(&"negative_total"));
}

#[test]
fn characters_that_harm_are_refused_and_cleaning_takes_them_out() {
    for harmful in ["a\u{202E}b", "a\u{2066}b", "a\0b", "a\u{7}b", "a\u{FFFE}b"] {
        assert_eq!(french(|it| it.buyer.name = harmful.to_owned()), ["unsafe_text"]);
        assert_eq!(french(|it| it.buyer.name = sayoo_document::clean(harmful)), [""; 0]);
    }
    assert_eq!(french(|it| it.lines[0].detail = Some("x".repeat(2001))), ["too_long"]);
}
