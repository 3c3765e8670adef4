//! The sentences that the law or the seller wants, made from keys and values; the PDF and the XML say the same ones.

use crate::format::fill;
use crate::words::Words;
use sayoo_document::{
    Currency, Document, Kind, LatePenalties, Operation, PaymentMeans, Seller, SellerIdentifiers, VatInSellerCurrency,
};

/// When it is to be paid, or what happens with a credit.
pub(crate) fn terms(document: &Document) -> String {
    let words = Words::of(document.language);
    if document.kind == Kind::CreditNote {
        words.given_back.to_owned()
    } else if document.totals.due.is_zero() {
        words.settled.to_owned()
    } else {
        fill(words.pay_by, &[&words.day(document.due_date)])
    }
}

/// How it is paid.
pub(crate) fn means(document: &Document) -> &'static str {
    let words = Words::of(document.language);
    match document.mentions.payment {
        PaymentMeans::Transfer => words.by_transfer,
        PaymentMeans::Card => words.by_card,
        PaymentMeans::Credit => words.by_credit,
    }
}

/// The interest on what is paid late.
pub(crate) fn late_penalties(document: &Document) -> String {
    let words = Words::of(document.language);
    match document.mentions.late_penalties {
        Some(LatePenalties::EcbPlusTen) => words.ecb_plus_ten.to_owned(),
        Some(LatePenalties::ThreeTimesLegal) => words.three_times_legal.to_owned(),
        Some(LatePenalties::Percent { rate }) => fill(words.percent_a_year, &[&words.number(rate, 0)]),
        None => words.no_penalties.to_owned(),
    }
}

/// What a late payer owes for the recovery.
pub(crate) fn recovery_fee(document: &Document) -> String {
    let words = Words::of(document.language);
    match document.mentions.recovery_fee {
        Some(fee) => fill(words.recovery_fee, &[&words.round_money(fee, Currency::Eur)]),
        None => words.no_recovery_fee.to_owned(),
    }
}

/// The discount for those who pay early, or that there is none.
pub(crate) fn early_payment(document: &Document) -> String {
    let words = Words::of(document.language);
    match document.mentions.early_payment_discount {
        Some(discount) => fill(words.early_discount, &[&words.number(discount, 0)]),
        None => words.no_early_discount.to_owned(),
    }
}

/// What else is said in the XML and at the end of the PDF.
pub(crate) fn others(document: &Document) -> Vec<String> {
    let words = Words::of(document.language);
    let mut said = Vec::new();
    let operation = match document.mentions.operation {
        Operation::Services => words.services,
        Operation::Goods => words.goods,
        Operation::Mixed => words.mixed,
    };
    said.push(operation.to_owned());
    if document.mentions.vat_on_debits {
        said.push(words.on_debits.to_owned());
    }
    said.extend(document.vat_in_seller_currency.as_ref().map(|other| converted(document, other)));
    said.extend(document.mentions.remark.clone());
    said
}

fn converted(document: &Document, other: &VatInSellerCurrency) -> String {
    let words = Words::of(document.language);
    let amount = words.money(other.amount, other.currency);
    let rate = words.number(other.rate, 2);
    let (from, to) = (document.currency.code(), other.currency.code());
    let said = fill(words.vat_in, &[to, &amount]);
    let day = words.day(other.date);
    format!("{said} ({})", fill(words.rate_of, &[from, &rate, to, &other.source, &day]))
}

/// What the seller is, in the words of their own country's law: `SAS au capital de 10 000 €, RCS Paris 123 456 789`.
pub(crate) fn legal_form(seller: &Seller) -> String {
    let words = Words::of(sayoo_document::Language::Fr);
    let mut said = match &seller.capital {
        Some(capital) => {
            fill(words.with_capital, &[&seller.legal_form, &words.round_money(capital.amount, capital.currency)])
        }
        None => seller.legal_form.clone(),
    };
    for (label, value) in registers(seller) {
        said.push_str(&format!(", {label} {value}"));
    }
    said
}

/// The registers that the seller is in, with their names as people know them.
pub(crate) fn registers(seller: &Seller) -> Vec<(&'static str, String)> {
    match &seller.identifiers {
        SellerIdentifiers::France(ids) => {
            let siren = in_threes(&ids.siren);
            let establishment = ids.siret.get(ids.siren.len()..).unwrap_or_default();
            vec![("SIRET", format!("{siren}\u{A0}{establishment}")), ("RCS", format!("{} {siren}", ids.rcs_city))]
        }
        SellerIdentifiers::Morocco(ids) => {
            let mut all = vec![
                ("ICE", ids.ice.clone()),
                ("IF", ids.tax_id.clone()),
                ("RC", format!("{} {}", ids.rc_city, ids.rc_number)),
                ("TP", ids.professional_tax.clone()),
            ];
            all.extend(ids.cnss.clone().map(|number| ("CNSS", number)));
            all
        }
    }
}

/// A SIREN as people read it.
pub(crate) fn in_threes(digits: &str) -> String {
    let characters: Vec<char> = digits.chars().collect();
    characters.chunks(3).map(String::from_iter).collect::<Vec<_>>().join("\u{A0}")
}
