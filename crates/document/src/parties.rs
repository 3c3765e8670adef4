//! The two sides of a document, as they were on the day of issue.

use rust_decimal::Decimal;
use rust_decimal::serde::str as text;
use serde::{Deserialize, Serialize};

use crate::document::Currency;

/// Who sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// The legal name.
    pub name: String,
    /// The legal form, as in `SAS` or `SARL AU`.
    pub legal_form: String,
    /// The share capital.
    pub capital: Option<Capital>,
    /// The registered office.
    pub address: Address,
    /// How the seller's country knows them.
    pub identifiers: SellerIdentifiers,
    /// Where questions go.
    pub email: String,
    /// A telephone number.
    pub phone: Option<String>,
    /// The web site.
    pub website: Option<String>,
    /// Where transfers go.
    pub bank: Option<Bank>,
}

impl Seller {
    /// The currency in which the seller declares VAT.
    #[must_use]
    pub fn currency(&self) -> Currency {
        match self.identifiers {
            SellerIdentifiers::France(_) => Currency::Eur,
            SellerIdentifiers::Morocco(_) => Currency::Mad,
        }
    }
}

/// A share capital.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capital {
    /// How much.
    #[serde(with = "text")]
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// How the seller's country knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "country")]
pub enum SellerIdentifiers {
    /// A French company.
    #[serde(rename = "FR")]
    France(FrenchSeller),
    /// A Moroccan company.
    #[serde(rename = "MA")]
    Morocco(MoroccanSeller),
}

/// What a French company must state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrenchSeller {
    /// SIREN, nine digits.
    pub siren: String,
    /// SIRET of the establishment, fourteen digits that begin with the SIREN.
    pub siret: String,
    /// The city of the register (RCS).
    pub rcs_city: String,
    /// The VAT number, `FR…`.
    pub vat_number: String,
}

/// What a Moroccan company must state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoroccanSeller {
    /// *Identifiant commun de l'entreprise*, fifteen digits.
    pub ice: String,
    /// *Identifiant fiscal* (IF).
    pub tax_id: String,
    /// Number in the *registre du commerce*.
    pub rc_number: String,
    /// The city of that register.
    pub rc_city: String,
    /// *Taxe professionnelle* (patente).
    pub professional_tax: String,
    /// The number with the social security (CNSS).
    pub cnss: Option<String>,
}

/// Where transfers go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Whose account it is.
    pub holder: String,
    /// The IBAN, without spaces.
    pub iban: Option<String>,
    /// The Moroccan RIB, twenty-four digits.
    pub rib: Option<String>,
    /// The BIC.
    pub bic: Option<String>,
    /// The bank's name.
    pub bank_name: String,
}

/// A postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and what stands beside it: one to three lines.
    pub lines: Vec<String>,
    /// The postcode.
    pub postcode: Option<String>,
    /// The city.
    pub city: String,
    /// The country, two letters of ISO 3166.
    pub country: String,
}

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buyer {
    /// The name.
    pub name: String,
    /// The address that the document is made out to.
    pub address: Address,
    /// Whether they buy as a business.
    pub is_business: bool,
    /// The VAT number.
    pub vat_number: Option<String>,
    /// SIREN of a French buyer.
    pub siren: Option<String>,
    /// ICE of a Moroccan buyer.
    pub ice: Option<String>,
    /// Where the document is sent.
    pub email: String,
}
