//! Customers and staff, who ask as the web process does: by the use cases, which may refuse.

use std::fmt::Debug;

use sayoo::audit::Actor;
use sayoo::base::ids::{AccountId, EnvironmentId, HostId, PlanVersionId, StaffId, UserId};
use sayoo::base::names::Subdomain;
use sayoo::environments::steering::{self, Change};
use sayoo::environments::{By, orders, plan_changes, removal, renaming};
use sayoo::hosts::steering as hosts;
use sayoo::i18n::Locale;
use sayoo::portal::Portal;
use sayoo::staff::StaffMember;
use sayoo::staff::suspensions::{self, Subject};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::reference::{Event, PLANS};

/// An owner of an account, and one of staff.
pub struct People {
    pub portal: Portal,
    by: By,
    staff: StaffMember,
}

impl People {
    /// Makes both, for an account that is there.
    pub async fn new(portal: Portal, account: AccountId) -> Self {
        let now = portal.clock.now();
        let (user, staff) = (UserId::new(now), StaffId::new(now));
        let sql = format!(
            "INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at)
             VALUES ('{user}', 'zoe@example.com', '{user}', 'Zoe', '', 'en', now(), now());
             INSERT INTO members (account_id, user_id, role, created_at) VALUES ('{account}', '{user}', 'owner', now());
             UPDATE accounts SET environment_limit = 1000 WHERE id = '{account}';
             INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
             VALUES ('{staff}', '{staff}', '{staff}', 'Sam', '', 'en', '', now());"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&portal.db).await.unwrap();
        let by = By { account, user, name: "Zoe".to_owned(), actor: Actor::user(user, "Zoe") };
        let (email, name) = ("sam@example.com".to_owned(), "Sam".to_owned());
        Self { portal, by, staff: StaffMember { id: staff, email, name, locale: Locale::En } }
    }

    /// Orders an environment with this address.
    pub async fn order(&self, address: &str) -> EnvironmentId {
        let order = orders::Order {
            key: Uuid::new_v4(),
            plan_version: plan(&self.portal.db, 1).await,
            name: "Shop".to_owned(),
            subdomain: Subdomain::parse(address).unwrap(),
            company: "Acme".to_owned(),
            language: "fr_FR".to_owned(),
            country: "FR".to_owned(),
            currency: "EUR".to_owned(),
            timezone: "Europe/Paris".to_owned(),
            apps: Vec::new(),
        };
        orders::place(&self.portal, &self.by, order).await.unwrap()
    }

    /// Asks for something of an environment. Returns whether it was granted; `None` when it is nothing that people ask for.
    /// `address` is the present one, or the new one of a renaming; `plan` is the next one.
    pub async fn ask(&self, event: Event, id: EnvironmentId, address: &str, next_plan: usize) -> Option<bool> {
        let (portal, by) = (&self.portal, &self.by);
        let whole = Subject::Environment(id);
        Some(match event {
            Event::Start(_) => granted(&steering::change(portal, by, id, Change::Start).await),
            Event::Stop(_) => granted(&steering::change(portal, by, id, Change::Stop).await),
            Event::Restart(_) => granted(&steering::change(portal, by, id, Change::Restart).await),
            Event::Wake(_) => granted(&steering::change(portal, by, id, Change::Wake).await),
            Event::Rename(_) => {
                granted(&renaming::rename(portal, by, id, "Shop", &Subdomain::parse(address).unwrap()).await)
            }
            Event::Delete(_) => granted(&removal::ask(portal, by, id, address).await),
            Event::Undo(_) => granted(&removal::undo(portal, by, id).await),
            Event::ChangePlan(_) => {
                let version = plan(&portal.db, next_plan).await;
                granted(&plan_changes::change(portal, by, id, version).await)
            }
            Event::Suspend(_) => granted(&suspensions::suspend(portal, &self.staff, whole, "unpaid").await),
            Event::Resume(_) => granted(&suspensions::lift(portal, &self.staff, whole, "paid").await),
            _ => return None,
        })
    }

    /// Empties a machine, or opens it again. `false` when somebody would find no room meanwhile.
    pub async fn steer(&self, is_emptied: bool, host: HostId) -> bool {
        let actor = Actor::staff(self.staff.id, &self.staff.name);
        let done = if is_emptied {
            hosts::drain(&self.portal, &actor, host, "new disks", hosts::Consent::None).await
        } else {
            hosts::uncordon(&self.portal, &actor, host).await
        };
        let is_full = matches!(done, Err(hosts::HostError::NoRoom(_)));
        assert!(done.is_ok() || is_full, "{done:?}");
        !is_full
    }
}

/// A refusal is an answer too; a failure is none.
fn granted<T, E: Debug + std::error::Error>(answer: &Result<T, E>) -> bool {
    if let Err(error) = answer {
        let text = format!("{error:?}");
        assert!(text.starts_with("Refused") || text.starts_with("AlreadySo"), "{text}");
    }
    answer.is_ok()
}

async fn plan(db: &PgPool, number: usize) -> PlanVersionId {
    let sql = "SELECT plan_versions.id FROM plan_versions JOIN plans ON plans.id = plan_versions.plan_id WHERE plans.code = $1";
    let id: Uuid = sqlx::query_scalar(sql).bind(PLANS[number]).fetch_one(db).await.unwrap();
    id.to_string().parse().unwrap()
}
