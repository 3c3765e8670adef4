//! Who a customer is on paper.

pub mod checks;
mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sayoo_document::{Address, Buyer};
use serde_json::json;
use sqlx::PgConnection;

use crate::audit::{self, Actor, Entry};
use crate::base::ids::AccountId;
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// After so many days a document's mail has left, however long the mail server was away.
const MAILS_LEAVE_IN: TimeDelta = TimeDelta::days(7);

/// Who a customer is on paper. Documents keep a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whether they buy as a business.
    pub is_business: bool,
    /// The name that documents are made out to.
    pub legal_name: String,
    /// Street and number.
    pub street: String,
    /// The postcode.
    pub postcode: String,
    /// The city.
    pub city: String,
    /// ISO 3166 code.
    pub country: String,
    /// The VAT number, with its country's letters and without spaces; may be empty.
    pub vat_number: String,
    /// When the number was found to be right; with what was answered then.
    pub vat_checked: Option<(DateTime<Utc>, String)>,
    /// SIREN of a French customer: nine digits; may be empty.
    pub siren: String,
    /// ICE of a Moroccan customer: fifteen digits; may be empty.
    pub ice: String,
    /// Where documents are sent; empty: to the owners and those who handle money.
    pub email: String,
    /// The customer's own order number; may be empty.
    pub purchase_order: String,
    /// The language of documents.
    pub language: Locale,
}

impl Profile {
    /// Whether documents can be made out to it: a street and a city are asked for by every country's law.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.legal_name.is_empty() && !self.street.is_empty() && !self.city.is_empty()
    }

    /// Returns it as documents keep it; `mail` is where they go when the profile names nothing.
    #[must_use]
    pub fn on_paper(&self, mail: &str) -> Buyer {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Buyer {
            name: self.legal_name.clone(),
            address: Address {
                lines: street(&self.street),
                postcode: some(&self.postcode),
                city: self.city.clone(),
                country: self.country.clone(),
            },
            is_business: self.is_business,
            vat_number: some(&self.vat_number),
            siren: some(&self.siren),
            ice: some(&self.ice),
            email: if self.email.is_empty() { mail.to_owned() } else { self.email.clone() },
        }
    }
}

/// At most three lines, as papers have room for: what is more stands on the third.
fn street(typed: &str) -> Vec<String> {
    let lines: Vec<&str> = typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (first, rest) = lines.split_at(lines.len().min(2));
    let rest = rest.join(", ");
    first.iter().map(|line| (*line).to_owned()).chain((!rest.is_empty()).then_some(rest)).collect()
}

/// Returns a customer's profile; until one was saved, what the account says.
pub async fn find(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Profile> {
    if let Some(profile) = store::find(db, account).await.context("read a billing profile")? {
        return Ok(profile);
    }
    store::of_account(db, account).await.context("read an account")?.context("there is no such account")
}

/// Returns the address that stands on documents when the profile names none: an owner's, or the one that is kept of a closed
/// account.
pub async fn owner_mail(db: &mut PgConnection, account: AccountId) -> anyhow::Result<String> {
    Ok(store::owner_mail(db, account).await.context("read an owner's address")?.unwrap_or_default())
}

/// An address for invoices and reminders that is not a member's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Who reads it, as mails address them.
    pub name: String,
    /// The address.
    pub email: String,
    /// The language of mails to it.
    pub locale: Locale,
}

/// Returns where an account's papers and reminders go, when that is not to its members: what the profile names, or what is
/// kept of a closed account.
pub async fn mailbox(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Mailbox>> {
    store::mailbox(db, account).await.context("read the address for invoices")
}

/// Keeps the address of an owner of an account that is about to lose its people: as long as something is owed.
pub async fn keep_mail(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    store::keep_mail(db, account, now).await.context("keep an owner's address")
}

/// Forgets the addresses of closed accounts that owe nothing any more, and to which nothing is owed: every month is charged,
/// corrections included, every invoice is paid, and no credit is left. Returns how many.
pub async fn forget_mails(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<u64> {
    store::forget_mails(db, now - MAILS_LEAVE_IN).await.context("forget addresses of closed accounts")
}

/// Saves a customer's profile. Another VAT number, or another country, has to be checked anew.
pub async fn save(
    db: &mut PgConnection,
    account: AccountId,
    profile: &Profile,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::save(db, account, profile, now).await.context("save a billing profile")
}

/// Saves what a customer says of itself, and who said so. What is unchanged leaves no trace.
pub async fn change(portal: &Portal, by: &Actor, account: AccountId, new: &Profile) -> anyhow::Result<()> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let old = store::find(&mut tx, account).await.context("read a billing profile")?;
    let kept = old.as_ref().and_then(|old| old.vat_checked.clone());
    if old.as_ref() == Some(&Profile { vat_checked: kept, ..new.clone() }) {
        return Ok(());
    }
    let now = portal.clock.now();
    save(&mut tx, account, new, now).await?;
    let said = |it: &Profile| {
        json!({
            "name": it.legal_name, "street": it.street, "postcode": it.postcode, "city": it.city, "country": it.country,
            "is_business": it.is_business, "vat_number": it.vat_number, "siren": it.siren, "ice": it.ice,
            "email": it.email, "purchase_order": it.purchase_order, "language": it.language.code(),
        })
    };
    let detail = json!({ "from": old.as_ref().map(said), "to": said(new) });
    audit::record(&mut tx, by, Entry::new("billing.details-changed").account(account).detail(detail), now).await?;
    tx.commit().await.context("commit")
}

/// Why a check was not noted.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// There is no such account, or it has no profile.
    #[error("there is no such profile")]
    NotFound,
    /// It has no number of the Union, or another one by now.
    #[error("it is another number by now")]
    OtherNumber,
    /// How it was checked and what the answer was has 3 to 300 characters.
    #[error("how it was checked is needed")]
    AnswerNeeded,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Notes what one of our people found out about a customer's VAT number: that it is right, and how that was checked (the
/// answer of VIES with its number of consultation), or that it is not. From a right one on, a business of another country of
/// the Union owes the tax itself.
pub async fn note_check(
    portal: &Portal,
    by: &StaffMember,
    account: AccountId,
    (number, answer): (&str, &str),
    is_right: bool,
) -> Result<(), NoteError> {
    let answer = answer.trim();
    if !(3..=300).contains(&answer.chars().count()) || answer.chars().any(char::is_control) {
        return Err(NoteError::AnswerNeeded);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let profile = store::find(&mut tx, account).await.context("read a billing profile")?.ok_or(NoteError::NotFound)?;
    let is_same = profile.vat_number == number && !number.is_empty();
    if !is_same || !profile.is_business || !checks::is_of_union(&profile.country) {
        return Err(NoteError::OtherNumber);
    }
    let is_noted = if is_right {
        store::note_vat_check(&mut tx, account, (number, answer), now).await
    } else {
        store::forget_vat_check(&mut tx, account, number).await
    };
    if !is_noted.context("note a check")? {
        return Err(NoteError::OtherNumber);
    }
    let action = if is_right { "billing.vat-number-checked" } else { "billing.vat-number-wrong" };
    let entry = Entry::new(action).account(account).detail(json!({ "number": number, "answer": answer }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}
