//! A customer there: who it is on its newest document, or, without one, in its billing profile.

use anyhow::Context;
use sayoo_document::Buyer;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::desk::{Desk, external};
use super::odoo::Known;
use super::{Outcome, Push, PushError, documents, store};
use crate::billing::profiles;

const FIELDS: [&str; 11] = [
    "id",
    "name",
    "is_company",
    "street",
    "street2",
    "zip",
    "city",
    "country_id/id",
    "vat",
    "company_registry",
    "email",
];

/// Carries a customer when it is not there as it is called now.
pub async fn push(db: &mut PgConnection, desk: &mut Desk<'_>, row: &Push) -> Result<Outcome, PushError> {
    let newest =
        store::newest_document(db, row.seller, row.account).await.context("find a customer's newest document")?;
    let buyer = if let Some(canonical) = newest {
        documents::read(&canonical)?.buyer
    } else {
        let mail = profiles::owner_mail(db, row.account).await?;
        profiles::find(db, row.account).await?.on_paper(&mail)
    };
    let values = values(&external("account", row.account.uuid()), &buyer);
    let carried = hex::encode(Sha256::digest(values.join("\n")));
    if let (true, Some(odoo)) = (carried == row.carried, row.odoo_id) {
        return Ok(Outcome::There { odoo: Some(odoo), carried });
    }
    let odoo = desk.odoo.load("res.partner", (&FIELDS, &[values]), Known::Changed).await?;
    Ok(Outcome::There { odoo: Some(odoo), carried })
}

/// What stands in the fields of a partner. What the accountant keeps of it there (terms, language, notes) is not among them.
fn values(external: &str, buyer: &Buyer) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let lines = &buyer.address.lines;
    vec![
        external.to_owned(),
        buyer.name.clone(),
        if buyer.is_business { "1" } else { "" }.to_owned(),
        lines.first().cloned().unwrap_or_default(),
        lines.iter().skip(1).cloned().collect::<Vec<_>>().join(", "),
        text(&buyer.address.postcode),
        buyer.address.city.clone(),
        country(&buyer.address.country),
        text(&buyer.vat_number),
        buyer.siren.clone().or_else(|| buyer.ice.clone()).unwrap_or_default(),
        buyer.email.clone(),
    ]
}

/// Odoo names countries by their ISO codes, but for one.
fn country(code: &str) -> String {
    let code = code.to_ascii_lowercase();
    format!("base.{}", if code == "gb" { "uk" } else { &code })
}
