//! The life of an invented customer: what it begins with, a step of its time, and what is told of it.
//!
//! A step runs the very code of billing, dunning, budgets and mails, with a clock that stands at the step's instant.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::payer;
use super::store::inside::{self, Hours};
use super::store::{self, World};
use crate::accounts::region;
use crate::audit::{self, Actor, Entry};
use crate::base::clock::Clock;
use crate::base::ids::{AccountId, SandboxId, UserId};
use crate::base::names::Subdomain;
use crate::billing::budgets::{self, Budget};
use crate::billing::documents::Kind as DocumentKind;
use crate::billing::ledger::{self, Role};
use crate::billing::profiles::{self, Profile};
use crate::billing::{documents, dunning, run, sellers};
use crate::config::{Mail, Mode, Public};
use crate::environments::By;
use crate::environments::orders::{self, Order};
use crate::jobs::worker;
use crate::mail::transport::Mailer;
use crate::plans::{self, Meter};
use crate::portal::Portal;
use crate::sandboxes::report::{Move, Paper, PaperLine, Report};
use crate::sandboxes::{Sandbox, rule};

/// Days of trial where the company that sells gives none: what a new one begins with.
const TRIAL_DAYS: i32 = 14;
/// As many movements are told: those of ten years.
const MOVEMENTS: i64 = 2_000;
/// How many accounts of a budget are looked at: there is one.
const ACCOUNTS: i64 = 10;

/// An invented customer in its database.
pub struct Life {
    sandbox: Sandbox,
    db: PgPool,
    public: Arc<Public>,
    mailer: Mailer,
}

impl Life {
    /// Makes it of a sandbox and the way into its database.
    pub fn new(sandbox: Sandbox, db: PgPool, public: &Public) -> anyhow::Result<Self> {
        // Mails are caught in the sandbox's own database, in production too: none of them has an address that is anybody's.
        let public = Arc::new(Public { mode: Mode::Development, ..public.clone() });
        let mail = Mail { from: "Sayoo <sandbox@localhost>".to_owned(), smtp_url: None };
        let mailer = Mailer::new(&mail, &public, &db)?;
        Ok(Self { sandbox, db, public, mailer })
    }

    /// Returns which one it is.
    pub fn id(&self) -> SandboxId {
        self.sandbox.id
    }

    /// Leaves the database.
    pub async fn close(self) {
        self.db.close().await;
    }

    /// The customer has the sandbox's own number.
    fn account(&self) -> anyhow::Result<AccountId> {
        Ok(self.sandbox.id.to_string().parse()?)
    }

    fn user(&self) -> anyhow::Result<UserId> {
        Ok(self.sandbox.id.to_string().parse()?)
    }

    fn portal(&self, at: DateTime<Utc>) -> Portal {
        Portal { db: self.db.clone(), clock: Clock::manual(at), public: Arc::clone(&self.public) }
    }

    /// Puts the customer into the database, beside copies of who sells and of what is sold. What is there already stays.
    pub async fn begin(&self, control: &mut PgConnection) -> anyhow::Result<()> {
        let (account, at) = (self.account()?, self.sandbox.starts_at);
        let mut tx = self.db.begin().await.context("begin")?;
        if !inside::is_begun(&mut tx, account).await.context("look for the customer")? {
            let mut world = store::world(control, self.sandbox.currency).await?;
            self.set_trial(&mut world);
            inside::copy(&mut tx, &world, at).await.context("copy who sells and what is sold")?;
            self.insert_customer(&mut tx).await?;
        }
        tx.commit().await.context("commit")?;
        let portal = self.portal(at);
        for number in 1..=self.sandbox.plans.len() {
            self.order(&portal, number).await?;
        }
        let mut db = self.db.acquire().await.context("reach the sandbox")?;
        inside::run_all(&mut db, at).await.context("let environments run")?;
        drop(db);
        if let Some(amount) = self.sandbox.budget {
            let budget = Budget { amount, is_cap: true, caps_production: false };
            budgets::set(&portal, &Actor::system(), account, Some(budget)).await?;
        }
        Ok(())
    }

    fn set_trial(&self, world: &mut World) {
        let given = world.seller.get("trial_days").and_then(Value::as_i64).filter(|days| *days > 0);
        let days = if self.sandbox.has_trial { given.unwrap_or(i64::from(TRIAL_DAYS)) } else { 0 };
        if let Some(seller) = world.seller.as_object_mut() {
            seller.insert("trial_days".to_owned(), json!(days));
        }
    }

    async fn insert_customer(&self, db: &mut PgConnection) -> anyhow::Result<()> {
        let (sandbox, account) = (&self.sandbox, self.account()?);
        let region = region::find(&sandbox.country).context("there is no such country")?;
        // The top-level domain that is nobody's (RFC 2606).
        let email = format!("{}@sandbox.invalid", sandbox.id.uuid().simple());
        inside::insert_customer(db, (account, self.user()?), (&sandbox.name, &email), sandbox, region.timezone)
            .await
            .context("insert the customer")?;
        let text = str::to_owned;
        let is_of = |country: &str, value: &str| if sandbox.country == country { text(value) } else { String::new() };
        let (postcode, city) = match sandbox.country.as_str() {
            "MA" => ("20250", "Casablanca"),
            "BE" => ("1000", "Bruxelles"),
            "SN" => ("11000", "Dakar"),
            _ => ("69003", "Lyon"),
        };
        let profile = Profile {
            is_business: true,
            legal_name: sandbox.name.clone(),
            street: text("1 rue des Essais"),
            postcode: text(postcode),
            city: text(city),
            country: sandbox.country.clone(),
            vat_number: String::new(),
            vat_checked: None,
            siren: is_of("FR", "732829320"),
            ice: is_of("MA", "001234567000092"),
            email: String::new(),
            purchase_order: String::new(),
            language: sandbox.language,
        };
        profiles::save(db, account, &profile, sandbox.starts_at).await
    }

    /// Orders the how many-th environment, as a customer does. Done again, it finds the first one's.
    async fn order(&self, portal: &Portal, number: usize) -> anyhow::Result<()> {
        let version = self.sandbox.plans[number - 1];
        let mut db = self.db.acquire().await.context("reach the sandbox")?;
        let (plan, _) = plans::version(&mut db, version).await?.context("a plan of a sandbox is there")?;
        drop(db);
        let region = region::find(&self.sandbox.country).context("there is no such country")?;
        let name = plan.names.of(self.sandbox.language);
        let user = self.user()?;
        let by = By {
            account: self.account()?,
            user,
            name: self.sandbox.name.clone(),
            actor: Actor::user(user, &self.sandbox.name),
        };
        let order = Order {
            key: Uuid::from_u128(self.sandbox.id.uuid().as_u128().wrapping_add(number as u128)),
            plan_version: version,
            name: if self.sandbox.plans.len() == 1 { name.to_owned() } else { format!("{name} {number}") },
            subdomain: Subdomain::parse(&format!("sandbox-{number}")).context("a name of ours is one")?,
            company: self.sandbox.name.clone(),
            language: "fr_FR".to_owned(),
            country: region.country.to_owned(),
            currency: region.currency.to_owned(),
            timezone: region.timezone.to_owned(),
            apps: Vec::new(),
        };
        orders::place(portal, &by, order).await.map(drop).context("order an environment")
    }

    /// Goes on where somebody may have been interrupted.
    pub async fn take_over(&self) -> anyhow::Result<()> {
        let mut db = self.db.acquire().await.context("reach the sandbox")?;
        inside::free_jobs(&mut db).await.context("give jobs back")
    }

    /// Lets the time from one instant to the next go by: what was used in it, and what is due at its end. Done again, it changes
    /// nothing.
    pub async fn step(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> anyhow::Result<()> {
        let (account, portal) = (self.account()?, self.portal(to));
        let mut db = self.db.acquire().await.context("reach the sandbox")?;
        let all = sellers::list(&mut db).await?;
        let zone = all.first().context("somebody sells")?.zone;
        self.use_up(&mut db, (from, to), zone).await?;
        run::look(&portal).await?;
        if self.release(&mut db, to).await? {
            run::look(&portal).await?;
        }
        // Invoices and what is told of them leave before anything is paid.
        self.work_off(&portal).await?;
        payer::pay(&self.db, account, self.sandbox.pays, (to, zone)).await?;
        for account in dunning::due(&mut db, to).await? {
            let mut tx = self.db.begin().await.context("begin")?;
            dunning::look(&mut tx, account, to).await?;
            tx.commit().await.context("commit")?;
        }
        for account in budgets::due(&mut db, to, ACCOUNTS).await? {
            let mut tx = self.db.begin().await.context("begin")?;
            budgets::look(&mut tx, account, to).await?;
            tx.commit().await.context("commit")?;
        }
        self.work_off(&portal).await
    }

    /// Carries out every job that is due.
    async fn work_off(&self, portal: &Portal) -> anyhow::Result<()> {
        while worker::turn(portal, &self.mailer).await? {}
        Ok(())
    }

    /// Writes down what was used.
    async fn use_up(
        &self,
        db: &mut PgConnection,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        zone: Tz,
    ) -> anyhow::Result<()> {
        let mut used = Hours::default();
        for (environment, kind, rests) in inside::environments(db).await? {
            for hour in rule::hours(from, to) {
                for meter in Meter::ALL {
                    used.environments.push(environment.uuid());
                    used.meters.push(meter.code().to_owned());
                    used.beginnings.push(hour);
                    used.quantities.push(rule::used(self.sandbox.usage, kind, meter, hour, zone, rests));
                }
            }
        }
        if used.beginnings.is_empty() {
            return Ok(());
        }
        inside::insert_hours(db, &used).await.context("write usage")
    }

    /// Lets drafts go on that wait for one of our people because they are unusual: nobody sits here to look at them.
    async fn release(&self, db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
        let mut is_any = false;
        for waiting in run::list_waiting(db).await? {
            let Some(draft) = waiting.document.filter(|_| waiting.reason == "unusual") else { continue };
            let mut tx = self.db.begin().await.context("begin")?;
            if run::release_draft(&mut tx, draft).await? {
                let entry = Entry::new("sandbox.released").detail(json!({ "reason": waiting.reason }));
                audit::record(&mut tx, &Actor::system(), entry, now).await?;
                is_any = true;
            }
            tx.commit().await.context("commit")?;
        }
        Ok(is_any)
    }

    /// Tells what happened until an instant.
    pub async fn report(&self, until: DateTime<Utc>) -> anyhow::Result<Report> {
        let (account, currency) = (self.account()?, self.sandbox.currency);
        let mut db = self.db.acquire().await.context("reach the sandbox")?;
        let events = inside::events(&mut db, until + TimeDelta::microseconds(1)).await.context("read what happened")?;
        let mut papers = Vec::new();
        for listed in documents::list(&mut db, account).await? {
            let document = documents::find(&mut db, Some(account), listed.id).await?.context("a document is there")?;
            let lines = document.paper.lines.into_iter().map(|line| PaperLine {
                text: line.text,
                detail: line.detail.unwrap_or_default(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                net: line.net,
            });
            papers.push(Paper {
                number: listed.number,
                is_invoice: listed.kind == DocumentKind::Invoice,
                issued_on: listed.issued_on,
                due_on: listed.due_on,
                lines: lines.collect(),
                net: document.paper.totals.net,
                vat: document.paper.totals.vat,
                gross: document.paper.totals.gross,
                open_minor: listed.open.minor,
            });
        }
        let movements = ledger::statement(&mut db, account, currency, MOVEMENTS).await?;
        let owed = ledger::balance(&mut db, account, Role::Receivable, currency).await?;
        let credit = ledger::balance(&mut db, account, Role::CustomerCredit, currency).await?;
        Ok(Report {
            events,
            documents: papers,
            movements: movements
                .into_iter()
                .map(|it| Move { on: it.on, kind: it.source_kind, label: it.label, amount_minor: it.amount.minor })
                .collect(),
            balance_minor: owed.minor + credit.minor,
        })
    }
}
