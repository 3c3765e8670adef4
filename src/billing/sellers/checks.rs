//! What a company must not say of itself; each refusal explains itself. Pure.
//!
//! What passes here passes `crates/papers` too: in the end an invoice is made with it, and thrown away.

use rust_decimal::Decimal;
use sayoo_document::{self as paper, Bank, LatePenalties, SellerIdentifiers};

use super::{Details, Seller, Terms, sample};
use crate::base::names::EmailAddress;
use crate::billing::profiles::checks::{Problem as TextProblem, has_french_key, is_digits, is_luhn, is_siren, line};
use crate::i18n::Texts;

/// What French law asks for the recovery of what is paid late, in EUR (D. 441-5 of the Code de commerce).
const FRENCH_FEE: i64 = 40;

/// The fields, as forms and messages name them. Each has a label `seller-field-…`.
pub const FIELDS: [&str; 32] = [
    "name",
    "legal_form",
    "capital",
    "street",
    "postcode",
    "city",
    "country",
    "siren",
    "siret",
    "rcs_city",
    "vat_number",
    "ice",
    "tax_id",
    "rc_number",
    "rc_city",
    "professional_tax",
    "cnss",
    "email",
    "phone",
    "website",
    "holder",
    "bank_name",
    "iban",
    "rib",
    "bic",
    "penalties",
    "penalty_rate",
    "recovery_fee",
    "remark",
    "payment_days",
    "trial_days",
    "four_eyes",
];

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// No text that can stand on a document, or no address of a mailbox.
    Text(TextProblem),
    /// The details are those of a company of another country.
    OtherCountry,
    /// The capital is in another currency than the company's.
    OtherCurrency,
    /// Not above zero, or finer than the coin.
    Amount,
    /// Not nine digits, or its last digit does not fit the others.
    Siren,
    /// Not fourteen digits, or its last digit does not fit the others.
    Siret,
    /// A SIRET begins with its company's SIREN.
    SiretOfOther,
    /// Not `FR`, two characters and the SIREN, or the key does not fit.
    VatKey,
    /// Not fifteen digits.
    Ice,
    /// Not some digits.
    Digits,
    /// Not one to three lines.
    Street,
    /// The check digits do not fit, or it has not its country's length.
    Iban,
    /// Not twenty-four digits, or the last two do not fit the others.
    Rib,
    /// IBAN and RIB are of two accounts.
    RibOfOther,
    /// Not eight or eleven characters of a BIC.
    Bic,
    /// A bank without an account.
    NoAccount,
    /// French law asks for the interest on what is paid late.
    NoPenalties,
    /// French law asks for 40 EUR at least.
    Fee,
    /// No rate in per cent.
    Rate,
    /// Not 0 to 60 days.
    PaymentDays,
    /// Not 0 to 90 days.
    TrialDays,
    /// One person alone would lift what holds one person alone.
    FourEyes,
    /// Papers cannot be made with it, in their own words.
    Paper(String),
}

impl Problem {
    /// Returns the key of the sentence that says so, and what to do.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Text(problem) => problem.key(),
            Self::OtherCountry => "seller-bad-country",
            Self::OtherCurrency => "seller-bad-currency",
            Self::Amount => "seller-bad-amount",
            Self::Siren => "billing-bad-siren",
            Self::Siret => "seller-bad-siret",
            Self::SiretOfOther => "seller-bad-siret-of-other",
            Self::VatKey => "seller-bad-vat-key",
            Self::Ice => "billing-bad-ice",
            Self::Digits => "seller-bad-digits",
            Self::Street => "seller-bad-street",
            Self::Iban => "seller-bad-iban",
            Self::Rib => "seller-bad-rib",
            Self::RibOfOther => "seller-bad-rib-of-other",
            Self::Bic => "seller-bad-bic",
            Self::NoAccount => "seller-bad-no-account",
            Self::NoPenalties => "seller-bad-no-penalties",
            Self::Fee => "seller-bad-fee",
            Self::FourEyes => "seller-bad-four-eyes",
            Self::Rate => "seller-bad-rate",
            Self::PaymentDays => "seller-bad-payment-days",
            Self::TrialDays => "seller-bad-trial-days",
            Self::Paper(_) => "seller-bad-paper",
        }
    }

    /// Returns the sentence.
    #[must_use]
    pub fn text(&self, words: Texts) -> String {
        match self {
            Self::Paper(said) => words.with(self.key(), &[("said", said.as_str().into())]),
            _ => words.text(self.key()),
        }
    }
}

/// Brings details into the form that is kept: trimmed, numbers without spaces, nothing that is empty.
#[must_use]
pub fn tidied(typed: Details) -> Details {
    let mut it = typed;
    let seller = &mut it.seller;
    for text in [&mut seller.name, &mut seller.legal_form, &mut seller.email, &mut seller.address.city] {
        *text = text.trim().to_owned();
    }
    let lines = seller.address.lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    seller.address.lines = lines.collect();
    for maybe in [&mut seller.address.postcode, &mut seller.phone, &mut seller.website, &mut it.remark] {
        *maybe = some(maybe.take(), str::trim);
    }
    let compact = |text: &mut String| *text = compacted(text);
    match &mut seller.identifiers {
        SellerIdentifiers::France(ids) => {
            compact(&mut ids.siren);
            compact(&mut ids.siret);
            compact(&mut ids.vat_number);
            ids.rcs_city = ids.rcs_city.trim().to_owned();
        }
        SellerIdentifiers::Morocco(ids) => {
            for number in [&mut ids.ice, &mut ids.tax_id, &mut ids.rc_number, &mut ids.professional_tax] {
                compact(number);
            }
            ids.rc_city = ids.rc_city.trim().to_owned();
            ids.cnss = some(ids.cnss.take().as_deref().map(compacted), str::trim);
        }
    }
    if let Some(bank) = &mut seller.bank {
        for number in [&mut bank.iban, &mut bank.rib, &mut bank.bic] {
            *number = some(number.take().as_deref().map(compacted), str::trim);
        }
        bank.holder = bank.holder.trim().to_owned();
        bank.bank_name = bank.bank_name.trim().to_owned();
    }
    it
}

fn compacted(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !".-".contains(*letter)).collect::<String>().to_uppercase()
}

fn some(text: Option<String>, trim: impl Fn(&str) -> &str) -> Option<String> {
    text.map(|text| trim(&text).to_owned()).filter(|text| !text.is_empty())
}

/// Returns what is wrong with a company's tidied terms, by field: country and currency first.
#[must_use]
pub fn problems(seller: &Seller, terms: &Terms) -> Vec<(&'static str, Problem)> {
    let details = &terms.details;
    let mut found = Found::default();
    let country = match &details.seller.identifiers {
        SellerIdentifiers::France(_) => "FR",
        SellerIdentifiers::Morocco(_) => "MA",
    };
    if country != seller.country || details.seller.address.country != seller.country {
        // All else would be checked by another country's rules.
        return vec![("country", Problem::OtherCountry)];
    }
    found.who(details);
    found.capital(seller, details);
    match &details.seller.identifiers {
        SellerIdentifiers::France(ids) => found.french(ids),
        SellerIdentifiers::Morocco(ids) => found.moroccan(ids),
    }
    if let Some(bank) = &details.seller.bank {
        found.bank(bank);
    }
    found.mentions(seller, details);
    found.unless((0..=60).contains(&terms.payment_days), "payment_days", Problem::PaymentDays);
    found.unless((0..=90).contains(&terms.trial_days), "trial_days", Problem::TrialDays);
    let is_amount = terms.four_eyes.minor > 0 && terms.four_eyes.currency == seller.currency;
    found.unless(is_amount, "four_eyes", Problem::Amount);
    if found.0.is_empty() {
        found.0.extend(sample::problems(seller, details));
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<(&'static str, Problem)>);

impl Found {
    fn unless(&mut self, holds: bool, field: &'static str, problem: Problem) {
        if !holds {
            self.0.push((field, problem));
        }
    }

    fn line(&mut self, field: &'static str, text: &str, most: usize) {
        self.0.extend(line(text, most).err().map(|problem| (field, Problem::Text(problem))));
    }

    fn who(&mut self, details: &Details) {
        let it = &details.seller;
        self.line("name", &it.name, 200);
        self.line("legal_form", &it.legal_form, 60);
        self.unless((1..=3).contains(&it.address.lines.len()), "street", Problem::Street);
        if let Some(problem) = it.address.lines.iter().find_map(|text| line(text, 200).err()) {
            self.0.push(("street", Problem::Text(problem)));
        }
        self.line("city", &it.address.city, 200);
        for (field, text, most) in [
            ("postcode", &it.address.postcode, 20),
            ("phone", &it.phone, 40),
            ("website", &it.website, 200),
            ("remark", &details.remark, 500),
        ] {
            if let Some(text) = text {
                self.line(field, text, most);
            }
        }
        let mailbox = EmailAddress::parse(&it.email).err();
        self.0.extend(mailbox.map(|problem| ("email", Problem::Text(TextProblem::Email(problem)))));
    }

    fn capital(&mut self, seller: &Seller, details: &Details) {
        let Some(capital) = &details.seller.capital else { return self.unless(false, "capital", Problem::Amount) };
        let is_own = match capital.currency {
            paper::Currency::Eur => seller.currency.code() == "EUR",
            paper::Currency::Mad => seller.currency.code() == "MAD",
        };
        self.unless(is_own, "capital", Problem::OtherCurrency);
        self.unless(is_amount(capital.amount), "capital", Problem::Amount);
    }

    fn french(&mut self, ids: &paper::FrenchSeller) {
        self.unless(is_siren(&ids.siren), "siren", Problem::Siren);
        self.unless(is_digits(&ids.siret, 14) && is_luhn(&ids.siret), "siret", Problem::Siret);
        self.unless(ids.siret.starts_with(&ids.siren), "siret", Problem::SiretOfOther);
        self.line("rcs_city", &ids.rcs_city, 100);
        let is_own = ids.vat_number.len() == 13
            && ids.vat_number.starts_with("FR")
            && ids.vat_number.ends_with(&ids.siren)
            && ids.vat_number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.unless(is_own && has_french_key(&ids.vat_number), "vat_number", Problem::VatKey);
    }

    fn moroccan(&mut self, ids: &paper::MoroccanSeller) {
        self.unless(is_digits(&ids.ice, 15), "ice", Problem::Ice);
        let numbers = [
            ("tax_id", Some(&ids.tax_id)),
            ("rc_number", Some(&ids.rc_number)),
            ("professional_tax", Some(&ids.professional_tax)),
            ("cnss", ids.cnss.as_ref()),
        ];
        for (field, number) in numbers {
            if let Some(number) = number {
                let is_number = (1..=12).contains(&number.len()) && is_digits(number, number.len());
                self.unless(is_number, field, Problem::Digits);
            }
        }
        self.line("rc_city", &ids.rc_city, 100);
    }

    fn bank(&mut self, bank: &Bank) {
        self.line("holder", &bank.holder, 140);
        self.line("bank_name", &bank.bank_name, 140);
        self.unless(bank.iban.is_some() || bank.rib.is_some(), "iban", Problem::NoAccount);
        self.unless(bank.iban.as_ref().is_none_or(|iban| is_iban(iban)), "iban", Problem::Iban);
        self.unless(bank.rib.as_ref().is_none_or(|rib| is_rib(rib)), "rib", Problem::Rib);
        if let (Some(iban), Some(rib)) = (&bank.iban, &bank.rib) {
            self.unless(!iban.starts_with("MA") || iban.ends_with(rib.as_str()), "rib", Problem::RibOfOther);
        }
        self.unless(bank.bic.as_ref().is_none_or(|bic| is_bic(bic)), "bic", Problem::Bic);
    }

    fn mentions(&mut self, seller: &Seller, details: &Details) {
        let is_french = seller.country == "FR";
        self.unless(!is_french || details.late_penalties.is_some(), "penalties", Problem::NoPenalties);
        if let Some(LatePenalties::Percent { rate }) = details.late_penalties {
            let is_rate = rate > Decimal::ZERO && rate <= Decimal::ONE_HUNDRED && rate.normalize().scale() <= 2;
            self.unless(is_rate, "penalty_rate", Problem::Rate);
        }
        match details.recovery_fee {
            Some(fee) if is_french => {
                self.unless(is_amount(fee) && fee >= Decimal::from(FRENCH_FEE), "recovery_fee", Problem::Fee);
            }
            Some(fee) => self.unless(is_amount(fee), "recovery_fee", Problem::Amount),
            None => self.unless(!is_french, "recovery_fee", Problem::Fee),
        }
    }
}

fn is_amount(amount: Decimal) -> bool {
    amount > Decimal::ZERO && amount.normalize().scale() <= 2 && amount < Decimal::from(1_000_000_000_000_i64)
}

/// Whether the check digits are right (ISO 13616), and the length where we know the country's.
fn is_iban(text: &str) -> bool {
    let is_length = match text.get(..2) {
        Some("FR" | "MC") => text.len() == 27,
        Some("MA") => text.len() == 28,
        _ => (15..=34).contains(&text.len()),
    };
    let is_written = text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
        && text.bytes().take(2).all(|it| it.is_ascii_uppercase());
    is_length && is_written && rest_of_97(text.bytes().cycle().skip(4).take(text.len())) == 1
}

/// Whether it is a Moroccan RIB: bank, branch, account, and a key that makes a multiple of 97 of all of it.
fn is_rib(text: &str) -> bool {
    is_digits(text, 24) && rest_of_97(text.bytes()) == 0
}

fn rest_of_97(letters: impl Iterator<Item = u8>) -> u32 {
    letters.fold(0_u32, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    })
}

fn is_bic(text: &str) -> bool {
    matches!(text.len(), 8 | 11)
        && text.bytes().take(6).all(|byte| byte.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        for right in ["FR1420041010050500013M02606", "MA64011519000001205000534921", "DE89370400440532013000"] {
            assert!(is_iban(right), "{right}");
        }
        for wrong in [
            "FR1420041010050500013M02607",
            "FR14 2004 1010 0505 0001 3M02 606",
            "MA6401151900000120500053492",
            "",
            "1R1420041010050500013M02606",
            "éé1420041010050500013M0260",
        ] {
            assert!(!is_iban(wrong), "{wrong}");
        }
        assert!(is_rib("011519000001205000534921"), "the example of the register of IBANs");
        assert!(!is_rib("011519000001205000534922"));
        assert!(!is_rib("01151900000120500053492"));
        assert!(is_bic("BCMAMAMC") && is_bic("BNPAFRPPXXX"));
        assert!(!is_bic("BCMAMAM") && !is_bic("BCM1MAMC"));
        assert!(is_luhn("73282932000074"));
        assert!(!is_luhn("73282932000075"));
    }
}
