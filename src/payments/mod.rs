//! Card payments in the outside world, through Stripe: invoices are paid from saved cards, and what happens at Stripe comes into
//! the books once, in whatever order and however often we are told.
//!
//! Every call that moves money is a row before it is made (`attempts`); every event is kept before it is believed (`events`), and
//! then what it is about is read anew. So a kill between any two steps changes nothing.

pub mod attempts;
pub mod events;
mod goes_back;
pub mod lists;
pub mod methods;
pub mod payouts;
pub mod refunds;
mod sessions;
pub mod signature;
mod store;
pub mod stripe;
pub mod top_ups;
pub mod wishes;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::money::Currency;
use crate::base::secret::Secret;
use crate::config::payments::Payments;
use crate::db;
use crate::portal::Portal;
use stripe::Stripe;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time between two questions for events that got lost.
const POLL_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Until what a worker holds is taken by another.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// How long Stripe may take: less than the time after which a call is made again.
const PATIENCE: Duration = Duration::from_secs(30);

/// What card payments stand on.
#[derive(Clone, Debug)]
pub struct Cards {
    /// The control database, the clock and addresses.
    pub portal: Portal,
    /// Stripe.
    pub stripe: Stripe,
    /// Whether real money moves.
    pub livemode: bool,
    /// What the account there pays out. Nobody is charged in another currency.
    pub currency: Currency,
}

/// What a look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Attempts that were made or asked about.
    pub attempts: u64,
    /// Events that were processed.
    pub events: u64,
    /// Events that had got lost.
    pub found: u64,
    /// Pages that were made or looked at.
    pub pages: u64,
    /// Refunds that were made or asked about.
    pub refunds: u64,
}

impl Cards {
    /// Reads the key.
    pub fn new(portal: Portal, config: &Payments) -> anyhow::Result<Self> {
        let file = &config.secret_key_file;
        let key = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let stripe = Stripe::new(&config.address, Secret::new(key.trim().to_owned()), PATIENCE)?;
        Ok(Self { portal, stripe, livemode: config.livemode, currency: config.currency })
    }

    /// Does whatever is due now.
    pub async fn look(&self) -> anyhow::Result<Done> {
        let now = self.portal.clock.now();
        let found = match self.poll(now).await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(error = chain::of_any(&error), "Stripe cannot be asked for events that got lost");
                None
            }
        };
        let mut done = Done { found: found.unwrap_or_default(), ..Done::default() };
        while events::process_next(self, now).await? {
            done.events += 1;
        }
        // What goes wrong with pages and refunds holds up no payment.
        let answered = self.answer().await;
        // What is not known of may have been paid (the database was put back): nothing is charged before Stripe has told.
        while attempts::ask_next(self, now).await? || (found.is_some() && attempts::begin_next(self, now).await?) {
            done.attempts += 1;
        }
        let answered = answered?;
        (done.pages, done.refunds) = (answered.pages, answered.refunds);
        Ok(done)
    }

    /// Does what somebody waits for on a page.
    async fn answer(&self) -> anyhow::Result<Done> {
        let (now, mut done) = (self.portal.clock.now(), Done::default());
        methods::detach(self, now).await?;
        while sessions::next(self, now).await? {
            done.pages += 1;
        }
        sessions::close_stale(self, now).await?;
        while refunds::next(self, now).await? {
            done.refunds += 1;
        }
        Ok(done)
    }

    async fn poll(&self, now: DateTime<Utc>) -> anyhow::Result<u64> {
        let mut db = self.portal.db.acquire().await.context("acquire a connection")?;
        let before = store::events::polled_at(&mut db).await.context("read when Stripe was asked")?;
        if before.is_some_and(|before| now - before < POLL_EVERY) {
            return Ok(0);
        }
        // Stripe keeps events for thirty days. An hour more than needed: its clock is not ours.
        let since = before.map_or(now - TimeDelta::days(29), |before| before - TimeDelta::hours(1));
        let mut found = 0;
        for event in self.stripe.events_since(since.timestamp()).await.context("list Stripe's events")? {
            found += u64::from(events::keep(&mut db, &event, self.livemode, now).await?);
        }
        store::events::set_polled_at(&mut db, now).await.context("note when Stripe was asked")?;
        Ok(found)
    }
}

/// Looks again and again until told to stop; in between whoever waits for something is answered at once. Several workers may do this.
pub async fn run(cards: Cards, stop: CancellationToken) {
    let mut listener = db::Listener::new(&cards.portal.db, db::Channel::Work);
    let mut looked_at: Option<Instant> = None;
    while !stop.is_cancelled() {
        let did = if looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            looked_at = Some(Instant::now());
            cards.look().await
        } else {
            cards.answer().await
        };
        match did {
            Ok(done) if done != Done::default() => tracing::info!(?done, "cards"),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = chain::of_any(&error), "card payments failed and will be tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.wait(LOOK_EVERY) => {}
        }
    }
}
