//! One tenant against another: everything that its logins let it try, on a real Postgres with the other one at work.

use std::collections::BTreeSet;
use std::time::Duration;

use sayoo::base::secret::{Secret, new_code};
use sayoo::tenant_db::{DatabaseName, Error, Member, RoleName};
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use super::attacks::{Attack, DATABASES, ELSEWHERE, FILES, OTHERS, ROLES, SERVER};
use super::{Tenant, inside, run, tenant, words};
use crate::support::tenants::TestTenants;

/// An attacker and its victim, each with a database of its own, beside the platform.
struct Two {
    tenants: TestTenants,
    template: DatabaseName,
    a: Tenant,
    b: Tenant,
}

impl Two {
    async fn new() -> Self {
        let tenants = TestTenants::new().await;
        let template = tenants.template(10).await;
        let (a, b) = (tenant(&tenants, &template).await, tenant(&tenants, &template).await);
        Self { tenants, template, a, b }
    }

    /// The login of one more container of the attacker's.
    async fn replica(&self) -> Tenant {
        let (owner, database) = (self.a.role.clone(), self.a.database.clone());
        let role = RoleName::of_replica(database.as_str(), 1, 1).unwrap();
        let password = Secret::new(new_code(30));
        let member = Member { role: role.clone(), owner, database: database.clone() };
        self.tenants.server.create_member(&member).await.unwrap();
        self.tenants.server.admit_member(&role, &password, 16).await.unwrap();
        Tenant { database, role, password }
    }

    /// What the server knows of both, of the platform and of the template, but for what is in the databases.
    async fn known(&self) -> String {
        let roles = [self.a.role.as_str(), self.b.role.as_str(), self.tenants.platform()].map(str::to_owned);
        let databases = [&self.a.database, &self.b.database, &self.template].map(|name| name.as_str().to_owned());
        let sql = "
            SELECT json_build_array(
                (SELECT json_agg(role ORDER BY rolname) FROM (SELECT *, shobj_description(oid, 'pg_authid') FROM pg_authid) role
                  WHERE rolname = ANY ($1)),
                (SELECT json_agg(json_build_array(one.rolname, other.rolname, admin_option) ORDER BY 1, 2)
                   FROM pg_auth_members
                   JOIN pg_roles one ON one.oid = roleid
                   JOIN pg_roles other ON other.oid = member
                  WHERE one.rolname = ANY ($1) OR other.rolname = ANY ($1)),
                (SELECT json_agg(json_build_array(datname, datdba, datistemplate, datallowconn, datconnlimit, datacl
                                                , shobj_description(oid, 'pg_database')) ORDER BY datname)
                   FROM pg_database WHERE datname = ANY ($2) OR starts_with(datname, $2[1])),
                (SELECT json_agg(one ORDER BY setrole, setdatabase) FROM pg_db_role_setting one
                  WHERE setrole = 0 OR setrole IN (SELECT oid FROM pg_roles WHERE rolname = ANY ($1))
                     OR setdatabase IN (SELECT oid FROM pg_database WHERE datname = ANY ($2))),
                (SELECT json_agg(one) FROM pg_parameter_acl one WHERE paracl::text LIKE '%' || $1[1] || '%'))::text";
        let mut superuser = self.tenants.superuser("postgres").await;
        sqlx::query_scalar(sql).bind(&roles[..]).bind(&databases[..]).fetch_one(&mut superuser).await.unwrap()
    }

    async fn is_superuser(&self) -> bool {
        let mut superuser = self.tenants.superuser("postgres").await;
        let sql = "SELECT rolsuper FROM pg_roles WHERE rolname = $1";
        sqlx::query_scalar(sql).bind(self.a.role.as_str()).fetch_one(&mut superuser).await.unwrap()
    }
}

async fn pid(db: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(db).await.unwrap()
}

async fn is_true(db: &mut PgConnection, question: &str) -> bool {
    // Without preparing it: DISCARD ALL forgets what was prepared.
    sqlx::raw_sql(AssertSqlSafe(question.to_owned())).fetch_one(db).await.unwrap().get(0)
}

/// Tries each, and returns those that were not refused as they must be.
async fn attack(db: &mut PgConnection, attacks: &[&[Attack]], names: &[(&str, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Attack { gains, statement, code } in attacks.iter().copied().flatten() {
        let mut said = (*statement).to_owned();
        for (name, value) in names {
            said = said.replace(&format!("{{{name}}}"), value);
        }
        match run(db, &said).await {
            Ok(()) => wrong.push(format!("{gains}: {said}")),
            Err(error) => {
                let found = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
                if found.as_deref() != Some(*code) {
                    wrong.push(format!("{gains}: {said}: {error}"));
                }
            }
        }
        drop(run(db, "ROLLBACK").await);
    }
    wrong
}

#[tokio::test]
async fn nothing_that_a_tenant_says_reaches_further_than_its_own_database() {
    let two = Two::new().await;
    let replica = two.replica().await;
    let mut of_b = inside(&two.tenants, &two.b).await;
    let mut of_platform =
        two.tenants.url().parse::<sqlx::postgres::PgConnectOptions>().unwrap().connect().await.unwrap();
    run(&mut of_b, "SELECT 'a secret of b''s', pg_advisory_lock(4711)").await.unwrap();
    let names = [
        ("a", two.a.database.to_string()),
        ("a_role", two.a.role.to_string()),
        ("b", two.b.database.to_string()),
        ("b_role", two.b.role.to_string()),
        ("platform", two.tenants.platform().to_owned()),
        ("template", two.template.to_string()),
        ("b_pid", pid(&mut of_b).await.to_string()),
        ("platform_pid", pid(&mut of_platform).await.to_string()),
    ];
    run(&mut of_b, "SELECT 'a secret of b''s'").await.unwrap();
    let before = two.known().await;
    let all = [ROLES, FILES, ELSEWHERE, DATABASES, OTHERS, SERVER];
    assert!(all.iter().copied().map(<[Attack]>::len).sum::<usize>() >= 80);
    for who in [&two.a, &replica] {
        let mut of_a = inside(&two.tenants, who).await;
        assert_eq!(attack(&mut of_a, &all, &names).await, Vec::<String>::new(), "by {}", who.role);
        // What is answered, and says nothing.
        for question in [
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%a secret of b%' AND datname <> current_database())",
            "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname <> current_database() AND client_addr IS NOT NULL)",
            "SELECT pg_try_advisory_lock(4711)",
            "SELECT NOT EXISTS (SELECT FROM pg_settings WHERE name IN ('config_file', 'hba_file', 'primary_conninfo'))",
            "SELECT NOT EXISTS (SELECT FROM pg_largeobject_metadata)",
            "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolpassword <> '********')",
            "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname NOT IN (current_user, session_user)
                                   AND pg_has_role(session_user, oid, 'MEMBER') AND rolname <> 'public')",
            "SELECT current_setting('log_min_messages') = 'panic' AND current_setting('log_min_error_statement') = 'panic'",
        ] {
            assert!(is_true(&mut of_a, question).await, "{question}, by {}", who.role);
        }
        // What is a warning, and does nothing.
        run(&mut of_a, &format!("GRANT ALL ON DATABASE {} TO PUBLIC", two.a.database)).await.unwrap();
    }
    assert_eq!(two.known().await, before);
    // Those whom it would have ended are there, and what they have.
    run(&mut of_platform, "SELECT 1").await.unwrap();
    assert!(is_true(&mut of_b, "SELECT count(*) = 10 FROM res_users").await);
    assert!(
        is_true(&mut of_b, "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            .await
    );
    of_b.close().await.unwrap();
    of_platform.close().await.unwrap();
    two.tenants.forget().await;
}

#[tokio::test]
async fn a_tenant_gets_in_nowhere_else_and_reads_no_changes() {
    let two = Two::new().await;
    let replica = two.replica().await;
    for who in [&two.a, &replica] {
        for closed in [two.b.database.as_str(), two.template.as_str(), "postgres", "template0", "template1", "sayoo"] {
            let connected = two.tenants.connect(closed, &who.role, &who.password).await;
            assert!(connected.is_err(), "{} got into {closed}", who.role);
        }
        // With another's name it has no password for.
        let wrong = two.tenants.connect(two.b.database.as_str(), &two.b.role, &who.password).await;
        assert!(wrong.is_err(), "{} got in as another", who.role);
        for kind in ["true", "database"] {
            let options = two.tenants.options(who.database.as_str(), &who.role, &who.password);
            let (host, port, password) = (options.get_host(), options.get_port(), who.password.expose());
            let how = format!(
                "host={host} port={port} user={} password={password} dbname={} replication={kind}",
                who.role, who.database
            );
            let mut psql = tokio::process::Command::new("psql");
            let done = psql.args(["--no-psqlrc", "-c", "IDENTIFY_SYSTEM", &how]).output().await.unwrap();
            let words = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(!done.status.success(), "{} reads the log of changes", who.role);
            assert!(words.contains("replication"), "it was refused for another reason: {words}");
        }
    }
    two.tenants.forget().await;
}

#[tokio::test]
async fn what_a_tenant_notifies_reaches_nobody_else() {
    let two = Two::new().await;
    let pool = PgPoolOptions::new().connect_lazy_with(two.tenants.options(
        two.b.database.as_str(),
        &two.b.role,
        &two.b.password,
    ));
    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen_all(["imbus", "work"]).await.unwrap();
    let (mut of_a, mut of_b) = (inside(&two.tenants, &two.a).await, inside(&two.tenants, &two.b).await);
    run(&mut of_a, "SELECT pg_notify('imbus', 'evil'), pg_notify('work', 'evil')").await.unwrap();
    run(&mut of_b, "SELECT pg_notify('imbus', 'its own')").await.unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "its own");
    drop(listener);
    pool.close().await;
    two.tenants.forget().await;
}

/// Whoever runs this, it tries to become more, and writes down who it was.
fn trap(role: &RoleName) -> [String; 2] {
    let tries = [
        "INSERT INTO public.caught VALUES (current_user, session_user)".to_owned(),
        format!("ALTER ROLE {role} SUPERUSER"),
        format!("GRANT pg_execute_server_program, pg_read_server_files TO {role}"),
        format!("RESET ROLE; ALTER ROLE {role} CREATEROLE CREATEDB"),
        format!("RESET SESSION AUTHORIZATION; ALTER ROLE {role} SUPERUSER"),
    ];
    let tries = tries.map(|one| format!("BEGIN EXECUTE '{one}'; EXCEPTION WHEN OTHERS THEN NULL; END;")).join("\n");
    [
        "CREATE TABLE public.caught (who text, session text)".to_owned(),
        format!(
            "CREATE FUNCTION public.trap() RETURNS integer LANGUAGE plpgsql AS $trap$ BEGIN {tries} RETURN 1; END $trap$"
        ),
    ]
}

/// Everything that whoever looks into the database could step on.
fn traps(role: &RoleName) -> Vec<String> {
    let [table, function] = trap(role);
    let mut all = vec![table, function];
    let fixed = [
        // Odoo's own tables, as views.
        "CREATE VIEW public.ir_cron AS SELECT 1 AS id, true AS active, now()::timestamp + make_interval(secs => trap()) AS nextcall",
        "CREATE VIEW public.ir_cron_trigger AS SELECT 1 AS cron_id, now()::timestamp + make_interval(secs => trap()) AS call_at",
        // What is evaluated when statistics are made.
        "CREATE FUNCTION public.by_trap(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + public.trap()'",
        "CREATE INDEX trapped ON public.res_users (by_trap(id))",
        "CREATE STATISTICS trapped_too ON (by_trap(id)), login FROM public.res_users",
        // What is evaluated at the end of a transaction.
        "CREATE TABLE public.later (id integer)",
        "CREATE FUNCTION public.trap_later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.later DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION public.trap_later()",
        "CREATE FUNCTION public.later(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1'",
        "CREATE INDEX trapped_later ON public.res_users (later(id))",
        "CREATE OR REPLACE FUNCTION public.later(integer) RETURNS integer LANGUAGE sql
            AS 'INSERT INTO public.later VALUES ($1); SELECT $1'",
        // Who may read which rows, and what a table's rows are made of.
        "CREATE POLICY trapped ON public.res_users USING (public.trap() = 1)",
        "ALTER TABLE public.res_users ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE public.res_users FORCE ROW LEVEL SECURITY",
        "ALTER TABLE public.res_users ADD CONSTRAINT trapped CHECK (public.trap() = 1) NOT VALID",
        "CREATE RULE trapped AS ON UPDATE TO public.res_users DO ALSO SELECT public.trap()",
        // Names of the server's own, in a schema that is looked into first.
        "CREATE FUNCTION public.floor(double precision) RETURNS double precision LANGUAGE sql AS 'SELECT public.trap()::double precision'",
        "CREATE FUNCTION public.floor(numeric) RETURNS numeric LANGUAGE sql AS 'SELECT public.trap()::numeric'",
        "CREATE FUNCTION public.timezone(text, timestamptz) RETURNS timestamp LANGUAGE sql
            AS 'SELECT pg_catalog.timezone($1, $2) + pg_catalog.make_interval(secs => public.trap())'",
        "CREATE FUNCTION public.shobj_description(oid, name) RETURNS text LANGUAGE sql AS 'SELECT public.trap()::text'",
        "CREATE FUNCTION public.pg_database_size(oid) RETURNS bigint LANGUAGE sql AS 'SELECT public.trap()::bigint'",
        "CREATE FUNCTION public.more(timestamp, timestamp) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap() = 1'",
        "CREATE OPERATOR public.> (LEFTARG = timestamp, RIGHTARG = timestamp, FUNCTION = public.more)",
        "CREATE FUNCTION public.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT public.trap() = 1'",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same)",
    ];
    all.extend(fixed.map(str::to_owned));
    all
}

/// Who stepped into a trap.
async fn caught(tenants: &TestTenants, database: &DatabaseName) -> BTreeSet<String> {
    let mut superuser = tenants.superuser(database.as_str()).await;
    // A plain table, by its full name: nothing of the tenant's is evaluated.
    let sessions: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT session FROM public.caught").fetch_all(&mut superuser).await.unwrap();
    sessions.into_iter().collect()
}

#[tokio::test]
async fn the_platform_steps_into_no_trap_that_a_tenant_has_laid_in_its_database() {
    let two = Two::new().await;
    let server = &two.tenants.server;
    let (database, role) = (&two.a.database, &two.a.role);
    let mut of_a = inside(&two.tenants, &two.a).await;
    for statement in traps(role) {
        run(&mut of_a, &statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    run(&mut of_a, "ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog").await.unwrap();
    run(&mut of_a, "TRUNCATE public.caught").await.unwrap();
    let before = two.known().await;

    let schedule = server.schedule(database, role, &two.a.password).await;
    assert!(schedule.is_ok(), "{schedule:?}");
    let statement = "UPDATE res_users SET login = login || 'x'".to_owned();
    drop(server.run_as_tenant(database, role, &two.a.password, &words(&[statement])).await);
    server.sizes().await.unwrap();
    server.list().await.unwrap();
    server.look(database).await.unwrap();
    let sessions = server.sessions().await.unwrap();
    server.end_session(&sessions.all.iter().find(|it| it.database == *database).unwrap().clone()).await.unwrap();
    assert_eq!(two.known().await, before);
    let replica = two.replica().await;
    server.rotate(role, &two.a.password, 16, 2).await.unwrap();
    server.drop_member(&replica.role, database).await.unwrap();
    assert_eq!(
        caught(&two.tenants, database).await,
        BTreeSet::from([role.to_string()]),
        "the tenant steps into its own"
    );

    // What the server does by itself, as its superuser and with the rights of the table's owner.
    let mut superuser = two.tenants.superuser(database.as_str()).await;
    for statement in ["VACUUM (ANALYZE) public.res_users", "ANALYZE public.res_users", "REINDEX TABLE public.res_users"]
    {
        drop(run(&mut superuser, statement).await);
    }
    assert!(!two.is_superuser().await);
    // And the traps are armed: this is what must never be done.
    drop(run(&mut superuser, "SELECT count(nextcall) FROM public.ir_cron").await);
    assert!(two.is_superuser().await);
    run(&mut superuser, &format!("ALTER ROLE {role} NOSUPERUSER NOCREATEROLE NOCREATEDB")).await.unwrap();
    superuser.close().await.unwrap();
    two.tenants.forget().await;
}

#[tokio::test]
async fn the_platform_steps_into_no_trap_that_was_laid_in_a_template() {
    let tenants = TestTenants::new().await;
    let template = DatabaseName::parse(&new_code(20)).unwrap();
    let (builder, password) = (RoleName::builder(&template), Secret::new(new_code(20)));
    tenants.server.create_for_template(&template, &password).await.unwrap();
    let mut db = tenants.connect(template.as_str(), &builder, &password).await.unwrap();
    run(&mut db, "CREATE TABLE res_users (id serial PRIMARY KEY, login text)").await.unwrap();
    run(&mut db, "INSERT INTO res_users (login) SELECT n::text FROM generate_series(1, 500) n").await.unwrap();
    for statement in traps(&builder) {
        run(&mut db, &statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    run(&mut db, "TRUNCATE public.caught").await.unwrap();
    db.close().await.unwrap();

    // Refused or not: nobody becomes more by it.
    let sealed = tenants.server.seal_template(&template).await;
    if sealed.is_ok() {
        tenant(&tenants, &template).await;
    }
    let mut superuser = tenants.superuser("postgres").await;
    let sql = format!(
        "SELECT NOT EXISTS (SELECT FROM pg_roles
                             WHERE rolname = '{builder}'
                               AND (rolsuper OR rolcreaterole OR rolcreatedb OR pg_has_role(oid, 'pg_execute_server_program', 'MEMBER')))"
    );
    assert!(is_true(&mut superuser, &sql).await);
    tenants.forget().await;
}

#[tokio::test]
async fn a_tenant_that_names_anothers_role_in_its_own_rights_does_not_keep_it() {
    let two = Two::new().await;
    let server = &two.tenants.server;
    let mut of_a = inside(&two.tenants, &two.a).await;
    let builder = RoleName::builder(&two.template);
    for statement in [
        format!("GRANT SELECT ON res_users TO {}, {builder}", two.b.role),
        format!("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {}", two.b.role),
        format!("CREATE POLICY it ON res_users TO {}", two.b.role),
    ] {
        run(&mut of_a, &statement).await.unwrap();
    }
    for _ in 0..2 {
        server.drop_database(&two.b.database).await.unwrap();
        server.drop_role(&two.b.role).await.unwrap();
        server.drop_template(&two.template).await.unwrap();
    }
    assert!(!server.role_exists(&two.b.role).await.unwrap() && !server.role_exists(&builder).await.unwrap());
    // One that comes with an order of before finds it closed for ever.
    let late = server.create_role(&two.b.role, &two.b.password, 16, 1).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    assert!(server.list().await.unwrap().roles.contains(&two.b.role), "its name stays while it is named");

    of_a.close().await.unwrap();
    server.drop_database(&two.a.database).await.unwrap();
    server.drop_role(&two.b.role).await.unwrap();
    server.drop_role(&builder).await.unwrap();
    let roles = server.list().await.unwrap().roles;
    assert!(!roles.contains(&two.b.role) && !roles.contains(&builder));
    two.tenants.forget().await;
}

#[tokio::test]
async fn a_tenant_that_holds_anothers_database_by_a_setting_does_not_keep_it() {
    let two = Two::new().await;
    let mut of_a = inside(&two.tenants, &two.a).await;
    run(&mut of_a, "SET idle_in_transaction_session_timeout = 0").await.unwrap();
    run(&mut of_a, &format!("BEGIN; ALTER ROLE CURRENT_USER IN DATABASE {} SET work_mem = '8MB'", two.b.database))
        .await
        .unwrap();

    let dropped =
        tokio::time::timeout(Duration::from_secs(30), two.tenants.server.drop_database(&two.b.database)).await;

    dropped.expect("the removal waits for another tenant").unwrap();
    assert!(run(&mut of_a, "SELECT 1").await.is_err(), "whoever held it is ended");
    inside(&two.tenants, &two.a).await.close().await.unwrap();
    two.tenants.forget().await;
}

#[tokio::test]
async fn what_a_tenants_sessions_say_stays_out_of_the_servers_log_whatever_it_sets() {
    let two = Two::new().await;
    let replica = two.replica().await;
    for who in [&two.a, &replica] {
        let mut of_a = inside(&two.tenants, who).await;
        let role = &who.role;
        for statement in [
            "SET log_min_messages = 'log'".to_owned(),
            "RESET log_min_messages".to_owned(),
            "RESET ALL".to_owned(),
            "DISCARD ALL".to_owned(),
            format!("ALTER ROLE {role} RESET log_min_messages"),
            format!("ALTER ROLE {role} RESET ALL"),
            format!("ALTER ROLE {role} IN DATABASE {} SET log_min_messages = 'log'", who.database),
            "SET client_min_messages = 'error'; SET debug_print_parse = on".to_owned(),
        ] {
            drop(run(&mut of_a, &statement).await);
            let mut again = inside(&two.tenants, who).await;
            for db in [&mut of_a, &mut again] {
                let quiet = "SELECT current_setting('log_min_messages') = 'panic' AND current_setting('log_min_error_statement') = 'panic'";
                assert!(is_true(db, quiet).await, "{statement}, by {role}");
            }
        }
    }
    two.tenants.forget().await;
}
