//! Bank transfers: entered by staff, imported from statements, booked once, large ones by two people.

mod entered;
mod forged;
mod imported;

use sayoo::base::ids::SellerId;

use crate::support::portal::Page;
use crate::support::staff::StaffPerson;

/// The fields of the form, for a transfer of this amount.
pub fn transfer<'a>(
    seller: &'a str,
    amount: &'a str,
    bank_ref: &'a str,
    remittance: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("seller", seller),
        ("amount", amount),
        ("currency", "MAD"),
        ("value_on", "2026-11-20"),
        ("bank_ref", bank_ref),
        ("remittance", remittance),
    ]
}

/// Uploads a statement: first to be looked at, then to be taken in.
pub async fn upload(person: &StaffPerson, seller: SellerId, field: &str, content: &str) -> Page {
    let token = person.get("/staff").await.attribute("input[name=csrf]", "value");
    let seller = seller.to_string();
    let fields = [("csrf", token.as_str()), ("seller", &seller), (field, content)];
    person.browser.post_parts("/staff/transfers/import", &fields).await
}
