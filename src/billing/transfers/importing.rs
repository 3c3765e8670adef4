//! Takes a bank's statement in: shows what it says before anything is written, then enters each line once.

use anyhow::Context;

use super::matching::Answer;
use super::statement::{self, Line, Statement, Unreadable};
use super::store::{self, Which};
use super::{Receipt, Source, TransferError, answers, as_pays, record, said, seller_of};
use crate::base::ids::{BankReceiptId, SellerId};
use crate::billing::sellers::Seller;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// What a statement would bring.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it says.
    pub statement: Statement,
    /// Each line, with what it may be meant for.
    pub lines: Vec<Seen>,
}

/// A line of a statement.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What the bank says.
    pub line: Line,
    /// What it may be meant for.
    pub answer: Answer,
    /// The receipt that says the same already.
    pub same: Option<Receipt>,
}

/// Why a statement is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It is of another bank account than the seller's.
    #[error("it is of another bank account")]
    OtherAccount,
    /// There is no such seller.
    #[error("there is no such seller")]
    NotFound,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Shows what a statement says. Writes nothing.
pub async fn preview(portal: &Portal, seller: SellerId, text: &str) -> Result<Preview, ImportError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (seller, statement) = read(&mut db, seller, text).await?;
    let lines: Vec<&Line> = statement.lines.iter().collect();
    let found = answers(&mut db, &seller, &lines, source_of(text)).await?;
    let mut seen = Vec::new();
    for (line, answer) in statement.lines.iter().zip(found) {
        let same = store::list(&mut db, Which::Same(seller.id, line)).await.context("look for the same transfer")?;
        seen.push(Seen { line: line.clone(), answer, same: same.into_iter().next() });
    }
    Ok(Preview { statement, lines: seen })
}

/// Enters every line that is not there yet, with its proposal. Returns how many were new and how many were there.
pub async fn import(
    portal: &Portal,
    by: &StaffMember,
    seller: SellerId,
    text: &str,
) -> Result<(usize, usize), ImportError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let (seller, statement) = read(&mut tx, seller, text).await?;
    let source = source_of(text);
    let lines: Vec<&Line> = statement.lines.iter().collect();
    let found = answers(&mut tx, &seller, &lines, source).await?;
    let mut count = 0;
    for (line, answer) in lines.iter().zip(found) {
        let id = BankReceiptId::new(now);
        let (account, pays) = match answer.proposal {
            Some((account, pays)) => (Some(account), as_pays(pays)),
            None => (None, Vec::new()),
        };
        let is_new = store::insert(&mut tx, (id, seller.id, line), (source, by.id), (account, &pays), now).await;
        if is_new.context("insert a transfer")? {
            count += 1;
            record(&mut tx, by, ("transfer.entered", id, account), said(&seller, line), now).await?;
        }
    }
    tx.commit().await.context("commit")?;
    Ok((count, lines.len() - count))
}

fn source_of(text: &str) -> Source {
    if statement::is_xml(text) { Source::Camt } else { Source::Csv }
}

async fn read(db: &mut sqlx::PgConnection, seller: SellerId, text: &str) -> Result<(Seller, Statement), ImportError> {
    let seller = seller_of(db, seller).await.map_err(|error| match error {
        TransferError::Failed(cause) => ImportError::Failed(cause),
        _ => ImportError::NotFound,
    })?;
    let statement = statement::read(text, seller.currency)?;
    let ours = seller.iban();
    let is_of_another = !statement.iban.is_empty() && !ours.is_empty() && statement.iban != ours;
    if is_of_another { Err(ImportError::OtherAccount) } else { Ok((seller, statement)) }
}
