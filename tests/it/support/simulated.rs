//! An installation on a simulated engine and a simulated server of tenants' databases, with a real control database. The
//! benchmark of the worker stands on it too.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sayoo::base::clock::Clock;
use sayoo::base::ids::{AccountId, ImageId, TemplateId};
use sayoo::base::seal::SealingKey;
use sayoo::base::secret::{Secret, new_code};
use sayoo::config::{Mode, Public};
use sayoo::engine::{self, Engine};
use sayoo::odoo::commands::{Front, Server};
use sayoo::reconcile::Site;
use sayoo::reconcile::sessions::plan::Limits;
use sayoo::tenant_db::{self, DatabaseName, TenantDb};
use sqlx::{AssertSqlSafe, PgPool};

/// What a worker of the installation reaches.
pub fn site(
    db: &PgPool,
    clock: Clock,
    engine: &engine::Simulated,
    tenants: &tenant_db::Simulated,
    installation: &str,
) -> Arc<Site> {
    Arc::new(Site {
        db: db.clone(),
        clock,
        engine: Engine::Simulated(engine.clone()),
        tenants: TenantDb::Simulated(tenants.clone()),
        key: SealingKey::new(&[7; 32]),
        installation: installation.to_owned(),
        public: Arc::new(Public {
            portal_url: "http://localhost:8080".to_owned(),
            instances_url: "http://{name}.localhost:8080".to_owned(),
            mode: Mode::Development,
            company: "Sayoo".to_owned(),
        }),
        server: Server { host: "127.0.0.1".to_owned(), port: 5432 },
        front: Front { url: "http://localhost".to_owned(), sso_public_key: "00".repeat(32) },
        pages: "127.0.0.1:8081".to_owned(),
        session_limits: Limits {
            idle: Duration::from_mins(10),
            transaction: Duration::from_mins(60),
            temporary_bytes: 8 << 30,
        },
        spares: 0,
        docker: String::new(),
        upstream_address: "127.0.0.1".to_owned(),
        registry: None,
    })
}

/// Writes down the engine's machines, the first plans, an image, a template of it in French, and an account. Returns image
/// and template.
pub async fn fill(site: &Site, account: AccountId) -> (ImageId, TemplateId) {
    let now = site.clock.now();
    let mut db = site.db.acquire().await.unwrap();
    for (number, node) in site.engine.nodes().await.unwrap().iter().enumerate() {
        let address = format!("127.0.0.{}", number + 1);
        // Each has a moment of its own, so that their order is the same each time.
        let now = now + TimeDelta::milliseconds(i64::try_from(number).unwrap());
        sayoo::hosts::store::record(&mut db, node, "", &address, now).await.unwrap();
    }
    sayoo::plans::seed(&mut db, now).await.unwrap();
    let (image, template) = (ImageId::new(now), TemplateId::new(now));
    let database = DatabaseName::parse(&new_code(20)).unwrap();
    site.tenants.create_for_template(&database, &Secret::new(String::new())).await.unwrap();
    let sql = format!(
        "INSERT INTO images VALUES ('{image}', 'odoo', 'sha256:00', '19.0', 'current', now());
         INSERT INTO database_servers VALUES (gen_random_uuid(), 'embedded', 'active', now());
         INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
         SELECT '{template}', id, '{image}', 'fr_FR', '{{}}', '{database}', 'ready', now(), now() FROM database_servers;
         -- The other default templates are not wanted.
         INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
         SELECT gen_random_uuid(), id, '{image}', language, '{{}}', 'none_' || language, 'retired', now(), now()
           FROM database_servers, unnest(ARRAY['en_US', 'ar_001']) AS language;
         INSERT INTO accounts VALUES ('{account}', 'Acme', 'EUR', 'FR', 'Europe/Paris', 'active', now());"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *db).await.unwrap();
    (image, template)
}
