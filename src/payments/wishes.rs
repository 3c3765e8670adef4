//! What customers ask about cards: a page of Stripe's on which one is saved, pays an invoice or buys credit. Pages ask and show what became
//! of it; `sessions` does it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::store::wishes as store;
use crate::base::ids::{AccountId, CardWishId, DocumentId, UserId};
use crate::base::money::Money;
use crate::db;
use crate::i18n::Locale;
use crate::portal::Portal;

/// What a wish is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A card is saved, to be charged for invoices.
    Save,
    /// What is open on an invoice is paid now.
    Pay(DocumentId),
    /// Credit is bought.
    TopUp(Money),
}

impl Kind {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Pay(_) => "pay",
            Self::TopUp(_) => "top_up",
        }
    }

    /// The invoice that is to be paid.
    #[must_use]
    pub fn document(self) -> Option<DocumentId> {
        match self {
            Self::Save | Self::TopUp(_) => None,
            Self::Pay(document) => Some(document),
        }
    }

    /// How much credit is to be bought.
    #[must_use]
    pub fn amount(self) -> Option<Money> {
        match self {
            Self::Save | Self::Pay(_) => None,
            Self::TopUp(amount) => Some(amount),
        }
    }
}

/// How far a wish is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The worker makes a page at Stripe.
    Asked,
    /// The page is there, and waits for the customer.
    Ready {
        /// Where it is.
        page_url: String,
    },
    /// It is done. The word says what: `saved`, `paid`, `topped_up`.
    Done(String),
    /// Nothing came of it, and no money moved for it. The word says why: `expired`, `refused`, `nothing_open`,
    /// `too_small`, `under_way`.
    Ended(String),
}

/// What a customer asked about cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which one.
    pub id: CardWishId,
    /// Whose.
    pub account: AccountId,
    /// What for.
    pub kind: Kind,
    /// In which language Stripe's page is.
    pub language: String,
    /// How far it is.
    pub state: State,
    /// The page at Stripe.
    pub session: Option<String>,
    /// When the browser came back, while Stripe is asked what became of it.
    pub back_at: Option<DateTime<Utc>>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
}

impl Wish {
    /// What it is now, as a text that differs when it changed.
    #[must_use]
    pub fn version(&self) -> String {
        let state = match &self.state {
            State::Asked => "asked",
            State::Ready { .. } if self.back_at.is_some() => "checking",
            State::Ready { .. } => "ready",
            State::Done(word) | State::Ended(word) => word,
        };
        format!("{}-{state}", self.id)
    }
}

/// Asks for a page, or finds the one that is there. The caller has looked whose invoice it is.
pub async fn ask(
    portal: &Portal,
    (account, by): (AccountId, UserId),
    kind: Kind,
    language: Locale,
) -> anyhow::Result<CardWishId> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let id = CardWishId::new(now);
    let is_new =
        store::insert(&mut tx, id, (account, by), kind, (language.code(), now)).await.context("insert a wish")?;
    let id = if is_new {
        db::wake(&mut tx).await.context("wake the worker")?;
        id
    } else {
        // It may have ended since: then the next click makes another.
        store::newest(&mut tx, account, kind).await.context("find the wish before")?.unwrap_or(id)
    };
    tx.commit().await.context("commit a wish")?;
    Ok(id)
}

/// An account's wish.
pub async fn find(db: &mut PgConnection, account: AccountId, id: CardWishId) -> anyhow::Result<Option<Wish>> {
    store::find(db, account, id).await.context("read a wish")
}

/// What an account's wish is now, as a text that differs when it changed.
pub async fn version(db: &mut PgConnection, account: AccountId, id: CardWishId) -> anyhow::Result<Option<String>> {
    Ok(find(db, account, id).await?.map(|wish| wish.version()))
}

/// The browser came back from Stripe's page: the worker asks at once what became of it.
pub async fn came_back(portal: &Portal, account: AccountId, id: CardWishId) -> anyhow::Result<()> {
    let mut tx = portal.db.begin().await.context("begin")?;
    if store::set_back(&mut tx, account, id, portal.clock.now()).await.context("note that somebody came back")? {
        db::wake(&mut tx).await.context("wake the worker")?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}

/// How an invoice is being paid by card at this moment, when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderWay {
    /// A page waits for the customer.
    Page(CardWishId),
    /// A saved card is charged, and it is not known yet what comes of it.
    Card,
}

/// How an invoice is being paid by card at this moment; `None` when it is not.
pub async fn under_way(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> anyhow::Result<Option<UnderWay>> {
    store::under_way(db, account, document).await.context("look for a payment that is under way")
}
