//! Databases and login roles of tenants, on a real Postgres.

mod attacks;
mod hostile;
mod users;

use sayoo::base::secret::{Secret, new_code};
use sayoo::tenant_db::{DatabaseName, DatabaseState, Error, Member, RoleName, Words};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::tenants::TestTenants;

/// A tenant's database, role and password.
struct Tenant {
    database: DatabaseName,
    role: RoleName,
    password: Secret<String>,
}

fn words(statements: &[String]) -> Words {
    Words { generation: 1, statements: statements.to_vec() }
}

async fn tenant(tenants: &TestTenants, template: &DatabaseName) -> Tenant {
    let code = new_code(20);
    let tenant = Tenant {
        database: DatabaseName::parse(&code).unwrap(),
        role: RoleName::of(&code, 1).unwrap(),
        password: Secret::new(new_code(30)),
    };
    tenants.server.create_role(&tenant.role, &tenant.password, 16, 1).await.unwrap();
    tenants.server.clone_template(template, &tenant.database, &tenant.role).await.unwrap();
    tenant
}

async fn inside(tenants: &TestTenants, tenant: &Tenant) -> PgConnection {
    tenants.connect(tenant.database.as_str(), &tenant.role, &tenant.password).await.unwrap()
}

async fn run(db: &mut PgConnection, statement: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(db).await.map(drop)
}

#[tokio::test]
async fn a_tenant_owns_what_is_in_its_clone_and_nothing_else() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let tenant = tenant(&tenants, &template).await;
    let mut db = inside(&tenants, &tenant).await;
    for allowed in [
        "ALTER TABLE res_users ADD COLUMN phone text",
        "CREATE OR REPLACE VIEW logins AS SELECT login, phone FROM res_users",
        "CREATE OR REPLACE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 2'",
        "CREATE TABLE x (id serial PRIMARY KEY)",
        "CREATE INDEX x_trgm ON res_users USING gin (login gin_trgm_ops)",
        "CREATE TEMPORARY TABLE y (id integer)",
        "INSERT INTO res_users (login) VALUES ('zoe')",
    ] {
        run(&mut db, allowed).await.unwrap();
    }
    for forbidden in [
        "GRANT CONNECT ON DATABASE {db} TO PUBLIC",
        "ALTER DATABASE {db} OWNER TO {role}",
        "DROP DATABASE {db}",
        "CREATE SCHEMA mine",
        "CREATE ROLE friend",
        "CREATE EXTENSION dblink",
        "DROP EXTENSION pg_trgm",
        "ALTER ROLE {role} CONNECTION LIMIT 1000",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY res_users TO PROGRAM 'id'",
    ] {
        let statement = forbidden.replace("{db}", tenant.database.as_str()).replace("{role}", tenant.role.as_str());
        let done = run(&mut db, &statement).await;
        // GRANT without the right to do so is a warning in Postgres, and does nothing.
        assert!(done.is_err() || forbidden.starts_with("GRANT"), "{statement} was allowed");
    }
    db.close().await.unwrap();
    tenants.forget().await;
}

#[tokio::test]
async fn a_tenant_can_connect_to_its_own_database_only() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let (one, other) = (tenant(&tenants, &template).await, tenant(&tenants, &template).await);
    for closed in [other.database.as_str(), template.as_str(), "postgres", "template1"] {
        assert!(tenants.connect(closed, &one.role, &one.password).await.is_err(), "a tenant got into {closed}");
    }
    inside(&tenants, &one).await.close().await.unwrap();
    tenants.forget().await;
}

#[tokio::test]
async fn every_verb_may_be_repeated() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let server = &tenants.server;
    let tenant = tenant(&tenants, &template).await;
    for _ in 0..2 {
        server.create_role(&tenant.role, &tenant.password, 16, 1).await.unwrap();
        server.clone_template(&template, &tenant.database, &tenant.role).await.unwrap();
        server.seal_template(&template).await.unwrap();
        let statement = "INSERT INTO res_users (login) VALUES ('zoe') ON CONFLICT DO NOTHING".to_owned();
        server.run_as_tenant(&tenant.database, &tenant.role, &tenant.password, &words(&[statement])).await.unwrap();
    }
    assert_eq!(server.look(&tenant.database).await.unwrap(), DatabaseState::Ready);
    assert!(server.role_exists(&tenant.role).await.unwrap());
    let all = server.list().await.unwrap();
    assert!(all.databases.contains(&tenant.database) && all.databases.contains(&template));
    assert!(all.roles.contains(&tenant.role));
    let sizes = server.sizes().await.unwrap();
    assert!(sizes[&tenant.database].bytes > 1_000_000 && !sizes.contains_key(&template));
    for _ in 0..2 {
        server.fence(&tenant.role, 1).await.unwrap();
        server.drop_database(&tenant.database).await.unwrap();
        server.drop_role(&tenant.role).await.unwrap();
    }
    assert_eq!(server.look(&tenant.database).await.unwrap(), DatabaseState::Missing);
    for _ in 0..2 {
        server.drop_template(&template).await.unwrap();
    }
    let all = server.list().await.unwrap();
    assert!(all.databases.is_empty() && all.roles.is_empty(), "{all:?}");
    tenants.forget().await;
}

#[tokio::test]
async fn a_clone_that_was_interrupted_is_made_anew() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let tenant = tenant(&tenants, &template).await;
    // As it is when the worker dies before the last step: the tenant is not let in, and the sign says so.
    let mut db = tenants.superuser("postgres").await;
    let (database, installation) = (&tenant.database, &tenants.installation);
    run(&mut db, &format!("COMMENT ON DATABASE {database} IS 'sayoo {installation} making'")).await.unwrap();
    run(&mut db, &format!("REVOKE CONNECT ON DATABASE {database} FROM {}", tenant.role)).await.unwrap();
    assert_eq!(tenants.server.look(database).await.unwrap(), DatabaseState::HalfMade);
    assert!(tenants.connect(database.as_str(), &tenant.role, &tenant.password).await.is_err());

    tenants.server.clone_template(&template, database, &tenant.role).await.unwrap();

    assert_eq!(tenants.server.look(database).await.unwrap(), DatabaseState::Ready);
    inside(&tenants, &tenant).await.close().await.unwrap();
    // And one that was killed right after CREATE DATABASE has no sign at all.
    run(&mut db, &format!("COMMENT ON DATABASE {database} IS NULL")).await.unwrap();
    assert_eq!(tenants.server.look(database).await.unwrap(), DatabaseState::HalfMade);
    tenants.server.clone_template(&template, database, &tenant.role).await.unwrap();
    assert_eq!(tenants.server.look(database).await.unwrap(), DatabaseState::Ready);
    tenants.forget().await;
}

#[tokio::test]
async fn a_fenced_role_is_off_the_database_at_once() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let tenant = tenant(&tenants, &template).await;
    let mut db = inside(&tenants, &tenant).await;
    run(&mut db, "SELECT 1").await.unwrap();

    tenants.server.fence(&tenant.role, 1).await.unwrap();

    assert!(run(&mut db, "SELECT 1").await.is_err());
    assert!(tenants.connect(tenant.database.as_str(), &tenant.role, &tenant.password).await.is_err());
    assert!(!tenants.server.role_exists(&tenant.role).await.unwrap());
    tenants.forget().await;
}

#[tokio::test]
async fn whoever_has_an_old_password_is_off_the_database_and_the_new_one_opens_it() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let mut tenant = tenant(&tenants, &template).await;
    let mut old = inside(&tenants, &tenant).await;
    let mut admin = tenants.superuser("postgres").await;
    let mut verifier = async |role: &RoleName| -> String {
        let sql = "SELECT rolpassword FROM pg_authid WHERE rolname = $1";
        sqlx::query_scalar(sql).bind(role.as_str().to_owned()).fetch_one(&mut admin).await.unwrap()
    };
    let before = verifier(&tenant.role).await;

    tenant.password = Secret::new(new_code(30));
    tenants.server.rotate(&tenant.role, &tenant.password, 16, 1).await.unwrap();

    assert!(run(&mut old, "SELECT 1").await.is_err());
    // Whether a server asks for a password at all is its own affair: what it would compare with is another one.
    assert_ne!(verifier(&tenant.role).await, before);
    let mut new = inside(&tenants, &tenant).await;
    run(&mut new, "SELECT count(*) FROM res_users").await.unwrap();
    // Done again, as after a crash, it ends nothing but sessions of before.
    tenants.server.rotate(&tenant.role, &tenant.password, 16, 1).await.unwrap();
    inside(&tenants, &tenant).await.close().await.unwrap();
    // A role that is not there yet gets its password when it is made.
    tenants.server.rotate(&RoleName::of(&new_code(20), 1).unwrap(), &tenant.password, 16, 1).await.unwrap();
    tenants.forget().await;
}

#[tokio::test]
async fn statements_of_the_tenant_are_done_all_or_none() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let tenant = tenant(&tenants, &template).await;
    let statements = ["UPDATE res_users SET login = 'x' WHERE id = 1".to_owned(), "SELECT nonsense".to_owned()];
    let done =
        tenants.server.run_as_tenant(&tenant.database, &tenant.role, &tenant.password, &words(&statements)).await;
    assert!(matches!(done, Err(Error::Rejected(_))), "{done:?}");
    let mut db = inside(&tenants, &tenant).await;
    let login: String =
        sqlx::query_scalar("SELECT login FROM res_users WHERE id = 1").fetch_one(&mut db).await.unwrap();
    assert_eq!(login, "1");
    tenants.forget().await;
}

#[tokio::test]
async fn ten_clones_at_once_succeed() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(1000).await;
    let made = futures_util::future::join_all((0..10).map(|_| tenant(&tenants, &template))).await;
    for tenant in &made {
        inside(&tenants, tenant).await.close().await.unwrap();
    }
    tenants.forget().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_not_empty() {
    let nowhere = Secret::new("postgres://nobody:x@127.0.0.1:1/postgres".to_owned());
    let server = sayoo::tenant_db::Postgres::new(&nowhere, "away").unwrap();
    let server = sayoo::tenant_db::TenantDb::Postgres(server);
    let database = DatabaseName::parse("abc").unwrap();
    assert!(matches!(server.look(&database).await, Err(Error::Unreachable(_))));
    assert!(matches!(server.list().await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn nothing_of_another_installation_is_listed() {
    let (ours, theirs) = (TestTenants::new().await, TestTenants::new().await);
    let template = theirs.template(10).await;
    assert!(!ours.server.list().await.unwrap().databases.contains(&template));
    ours.forget().await;
    theirs.forget().await;
}

#[tokio::test]
async fn a_member_acts_as_the_owner_in_its_own_database_alone_and_can_be_shut_out_alone() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(10).await;
    let (tenant, other) = (tenant(&tenants, &template).await, tenant(&tenants, &template).await);
    let member = async |number: i32| {
        let code = tenant.database.as_str();
        let member = Tenant {
            database: tenant.database.clone(),
            role: RoleName::of_replica(code, 1, number).unwrap(),
            password: Secret::new(new_code(30)),
        };
        let of = Member { role: member.role.clone(), owner: tenant.role.clone(), database: tenant.database.clone() };
        for _ in 0..2 {
            tenants.server.create_member(&of).await.unwrap();
        }
        assert!(!tenants.server.role_exists(&of.role).await.unwrap(), "it lets nobody in yet");
        for _ in 0..2 {
            tenants.server.admit_member(&of.role, &member.password, 16).await.unwrap();
        }
        member
    };
    let (one, two) = (member(1).await, member(2).await);
    let (mut first, mut second, mut third) =
        (inside(&tenants, &tenant).await, inside(&tenants, &one).await, inside(&tenants, &two).await);

    // What one of them makes is everybody's: it belongs to the owner.
    run(&mut second, "CREATE TABLE made_by_member (id serial PRIMARY KEY)").await.unwrap();
    run(&mut second, "ALTER TABLE res_users ADD COLUMN phone text").await.unwrap();
    run(&mut second, "RESET ROLE; RESET ALL; CREATE TABLE made_later (id integer)").await.unwrap();
    run(&mut first, "ALTER TABLE made_by_member ADD COLUMN name text; DROP TABLE made_later").await.unwrap();
    run(&mut third, "INSERT INTO made_by_member (name) VALUES ('x'); DROP TABLE made_by_member").await.unwrap();
    for closed in [other.database.as_str(), template.as_str(), "postgres", "template1"] {
        assert!(tenants.connect(closed, &one.role, &one.password).await.is_err(), "a member got into {closed}");
    }
    for forbidden in ["CREATE ROLE friend", "CREATE DATABASE mine", "ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000"] {
        assert!(run(&mut second, forbidden).await.is_err(), "{forbidden} was allowed");
    }

    // The first container's machine is lost: its password is another one, and the members' sessions go on.
    let fresh = Secret::new(new_code(30));
    tenants.server.rotate(&tenant.role, &fresh, 16, 2).await.unwrap();
    assert!(run(&mut first, "SELECT 1").await.is_err());
    run(&mut second, "SELECT count(*) FROM res_users").await.unwrap();

    // A member's is lost: it alone is off the database, also where the tenant has granted it something.
    run(&mut third, &format!("GRANT SELECT ON res_users TO {}", two.role)).await.unwrap();
    for member in [&one, &two] {
        for _ in 0..2 {
            tenants.server.drop_member(&member.role, &member.database).await.unwrap();
        }
        assert!(!tenants.server.role_exists(&member.role).await.unwrap());
        assert!(tenants.connect(member.database.as_str(), &member.role, &member.password).await.is_err());
        if member.role == one.role {
            assert!(run(&mut second, "SELECT 1").await.is_err());
            run(&mut third, "SELECT 1").await.unwrap();
        }
    }
    let roles = tenants.server.list().await.unwrap().roles;
    assert!(!roles.contains(&one.role) && roles.contains(&two.role), "locked out until its database goes");
    // Somebody who was held up since before: neither comes back.
    for member in [&one, &two] {
        assert!(tenants.server.admit_member(&member.role, &member.password, 16).await.is_err());
        assert!(tenants.connect(member.database.as_str(), &member.role, &member.password).await.is_err());
    }
    assert!(!tenants.server.list().await.unwrap().roles.contains(&one.role));
    tenants.server.drop_database(&two.database).await.unwrap();
    tenants.server.drop_member(&two.role, &two.database).await.unwrap();
    assert!(!tenants.server.list().await.unwrap().roles.contains(&two.role));
    tenants.forget().await;
}
