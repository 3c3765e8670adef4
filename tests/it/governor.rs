//! The governor on a real PostgreSQL and the machine's real control groups: whose processes count together, and who gives way.
//!
//! Only root may write control groups; the stories that need them say so and end where the tests are not root.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sayoo::base::clock::Clock;
use sayoo::base::secret::{Secret, new_code};
use sayoo::governor::Governor;
use sayoo::governor::groups::Groups;
use sayoo::governor::report::Report;
use sayoo::governor::rule::Standing;
use sayoo::governor::sessions::{Seen, Sessions};
use sayoo::tenant_db::{DatabaseName, RoleName};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::support::engine::pause;
use crate::support::process::{Process, configuration};
use crate::support::tenants::TestTenants;

/// How long anything may take that comes by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// A governed server with its tenants; what it made in the machine's tree goes with it.
struct Governed {
    tenants: TestTenants,
    template: DatabaseName,
    groups: Groups,
    data: PathBuf,
}

/// A tenant's database, and how to get in.
struct Tenant {
    database: DatabaseName,
    role: RoleName,
    password: Secret<String>,
}

impl Governed {
    /// `None`, with a word about it, where the tests are not root.
    async fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("only root may write control groups: this story is not told");
            return None;
        }
        let tenants = TestTenants::new().await;
        let template = tenants.template(400).await;
        let mut superuser = tenants.superuser("postgres").await;
        let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut superuser).await.unwrap();
        superuser.close().await.unwrap();
        let groups = Groups::here(&tenants.installation).unwrap();
        groups.prepare().unwrap();
        Some(Self { tenants, template, groups, data: data.into() })
    }

    /// A governor that has just started, on a machine with so many processors.
    fn sessions(&self, processors: f64) -> Sessions {
        Sessions::new(self.groups.clone(), self.data.clone(), processors)
    }

    async fn tenant(&self) -> Tenant {
        let code = new_code(20);
        let (database, role) = (DatabaseName::parse(&code).unwrap(), RoleName::of(&code, 1).unwrap());
        let password = Secret::new(new_code(30));
        self.tenants.server.create_role(&role, &password, 16, 1).await.unwrap();
        self.tenants.server.clone_template(&self.template, &database, &role).await.unwrap();
        Tenant { database, role, password }
    }

    /// A session of a tenant's, and the number of its process.
    async fn session(&self, tenant: &Tenant) -> (PgConnection, i32) {
        let mut session = self.tenants.connect(tenant.database.as_str(), &tenant.role, &tenant.password).await.unwrap();
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut session).await.unwrap();
        (session, pid)
    }

    fn group(&self, tenant: &Tenant, standing: Standing) -> PathBuf {
        self.groups.of(&tenant.database, standing)
    }

    async fn forget(self) {
        self.groups.leave();
        for standing in [Standing::Usual, Standing::Heavy] {
            let group = self.groups.of(&self.template, standing);
            assert!(!group.parent().unwrap().exists(), "nobody is left, and nothing");
        }
        self.tenants.forget().await;
    }
}

/// Whether a process is in this group.
fn is_in(pid: i32, group: &Path) -> bool {
    let list = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    list.lines().any(|line| line == pid.to_string())
}

async fn run(session: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(session).await.unwrap();
}

/// Closes a session and waits for the end of its process.
async fn leave(session: PgConnection, pid: i32) {
    session.close().await.unwrap();
    let began = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(began.elapsed() < PATIENCE, "the session never ended");
        pause().await;
    }
}

#[tokio::test]
async fn all_that_works_for_a_tenants_database_is_in_one_group_and_the_group_goes_with_the_last_of_it() {
    let Some(governed) = Governed::new().await else { return };
    let (one, other) = (governed.tenant().await, governed.tenant().await);
    let (first, first_pid) = governed.session(&one).await;
    let (mut second, second_pid) = governed.session(&one).await;
    let (third, third_pid) = governed.session(&other).await;
    for setting in [
        "SET max_parallel_workers_per_gather = 2",
        "SET parallel_setup_cost = 0",
        "SET parallel_tuple_cost = 0",
        "SET min_parallel_table_scan_size = 0",
    ] {
        run(&mut second, setting).await;
    }
    let slow = tokio::spawn(async move {
        let statement = "SELECT count(padding) FROM res_users WHERE pg_sleep(1) IS NOT NULL";
        sqlx::raw_sql(statement).execute(&mut second).await.map(drop)
    });
    let mut superuser = governed.tenants.superuser("postgres").await;
    let (began, mut helpers) = (Instant::now(), Vec::<i32>::new());
    while helpers.is_empty() {
        assert!(began.elapsed() < PATIENCE, "nobody helped");
        helpers = sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE leader_pid = $1 AND pid <> leader_pid")
            .bind(second_pid)
            .fetch_all(&mut superuser)
            .await
            .unwrap();
    }

    let mut sessions = governed.sessions(1000.0);
    let seen = sessions.look(1.0).unwrap();
    assert!(seen.is_running && seen.sessions >= 3 + helpers.len() && seen.heavy.is_empty(), "{seen:?}");
    let (mine, others) = (governed.group(&one, Standing::Usual), governed.group(&other, Standing::Usual));
    for pid in [first_pid, second_pid].iter().chain(&helpers) {
        assert!(is_in(*pid, &mine) && !is_in(*pid, &others), "{pid}");
    }
    assert!(is_in(third_pid, &others) && !is_in(third_pid, &mine));
    let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut superuser).await.unwrap();
    assert!(!is_in(own, &mine) && !is_in(own, &others), "the server's own sessions stay where they are");

    leave(third, third_pid).await;
    sessions.look(1.0).unwrap();
    sessions.tidy();
    assert!(!others.exists() && is_in(first_pid, &mine));

    sqlx::query("SELECT pg_terminate_backend($1, 5000)").bind(second_pid).execute(&mut superuser).await.unwrap();
    assert!(slow.await.unwrap().is_err());
    leave(first, first_pid).await;
    let began = Instant::now();
    while mine.exists() {
        assert!(began.elapsed() < PATIENCE, "the group stayed");
        sessions.look(1.0).unwrap();
        sessions.tidy();
        pause().await;
    }
    superuser.close().await.unwrap();
    governed.forget().await;
}

#[tokio::test]
async fn whoever_used_much_gives_way_until_it_has_rested_and_a_governor_that_starts_anew_finds_everybody() {
    let Some(governed) = Governed::new().await else { return };
    let (greedy, modest) = (governed.tenant().await, governed.tenant().await);
    let (mut spins, spins_pid) = governed.session(&greedy).await;
    let (rests, rests_pid) = governed.session(&modest).await;
    // So small a machine that some tenths of a second are much.
    let mut sessions = governed.sessions(0.5);
    sessions.look(0.01).unwrap();
    let heavy_group = governed.group(&greedy, Standing::Heavy);
    let began = Instant::now();
    while !is_in(spins_pid, &heavy_group) {
        assert!(began.elapsed() < PATIENCE, "it never gave way");
        run(&mut spins, "SELECT count(*) FROM generate_series(1, 1000000)").await;
        sessions.look(0.01).unwrap();
    }
    assert!(is_in(rests_pid, &governed.group(&modest, Standing::Usual)));

    // Of what was before, the next one knows nothing: it puts them among the usual ones, and learns.
    let mut next = governed.sessions(1000.0);
    assert_eq!(next.look(0.01).unwrap().heavy.len(), 0);
    assert!(is_in(spins_pid, &governed.group(&greedy, Standing::Usual)));
    assert!(is_in(rests_pid, &governed.group(&modest, Standing::Usual)));

    // The first one goes on where it was stopped, and forgives after a rest; the session may still have something to do.
    let began = Instant::now();
    while sessions.look(1000.0).unwrap().heavy.contains(&greedy.database) {
        assert!(began.elapsed() < PATIENCE, "it was never forgiven");
        pause().await;
    }
    assert!(is_in(spins_pid, &governed.group(&greedy, Standing::Usual)));

    leave(spins, spins_pid).await;
    leave(rests, rests_pid).await;
    sessions.look(1.0).unwrap();
    sessions.tidy();
    governed.forget().await;
}

/// A process that has its own process beside it, which calls itself a session of a database.
struct FakeServer(Child);

impl FakeServer {
    fn new(folder: &Path, title: &str) -> Self {
        // A shell that has something to do afterwards is not replaced by what it starts.
        let script = "echo $$ > postmaster.pid; bash -c 'exec -a \"$1\" sleep 1000' - \"$1\" & wait; true";
        let mut command = Command::new("bash");
        command.args(["-c", script, "-", title]).current_dir(folder).stdin(Stdio::null()).process_group(0);
        Self(command.spawn().unwrap())
    }

    /// The number of the process beside it, once that calls itself so.
    async fn session(&self, title: &str) -> i32 {
        let (began, id) = (Instant::now(), self.0.id());
        loop {
            let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            for pid in children.split_whitespace() {
                let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                if line.starts_with(title) {
                    return pid.parse().unwrap();
                }
            }
            assert!(began.elapsed() < PATIENCE, "it never began");
            pause().await;
        }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
        drop(self.0.wait());
    }
}

#[tokio::test]
async fn a_number_that_a_server_left_behind_gives_nobody_elses_processes_away() {
    let Some(governed) = Governed::new().await else { return };
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = DatabaseName::parse("acme").unwrap();
    let title = "postgres: acme_1 acme [local] idle";
    let server = FakeServer::new(folder.path(), title);
    let session = server.session(title).await;
    let mut sessions = Sessions::new(governed.groups.clone(), folder.path().to_owned(), 1.0);
    assert!(sessions.look(1.0).unwrap().is_running);
    assert!(is_in(session, &governed.groups.of(&database, Standing::Usual)), "this is what a server looks like");

    // The same number, and a server that was elsewhere when it was killed.
    let stranger = FakeServer::new(elsewhere.path(), title);
    let not_a_session = stranger.session(title).await;
    std::fs::copy(elsewhere.path().join("postmaster.pid"), folder.path().join("postmaster.pid")).unwrap();
    assert_eq!(sessions.look(1.0).unwrap(), Seen::default());
    assert!(!is_in(not_a_session, &governed.groups.of(&database, Standing::Usual)));
    drop((server, stranger));
    let began = Instant::now();
    while governed.groups.of(&database, Standing::Usual).exists() {
        assert!(began.elapsed() < PATIENCE, "the group stayed");
        sessions.tidy();
        pause().await;
    }
    governed.forget().await;
}

/// Waits for a report of which something is true.
async fn reported(folder: &Path, is_so: impl Fn(&Report) -> bool) -> Report {
    let began = Instant::now();
    loop {
        if let Some(report) = Report::read(folder).unwrap().filter(&is_so) {
            return report;
        }
        assert!(began.elapsed() < PATIENCE, "it never said so: {:?}", Report::read(folder).unwrap());
        pause().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_governor_without_a_server_says_so_and_goes_on_and_a_second_one_waits_for_its_end(db: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&db, folder.path());
    let mut first = Process::start(&config, "governor", &[]);
    let report = reported(folder.path(), |_| true).await;
    assert_eq!(report.sessions, None);
    let mut second = Process::start(&config, "governor", &[]);
    let later = reported(folder.path(), |later| later.at > report.at).await;
    assert!(!first.is_over() && !second.is_over());
    first.send(Signal::TERM);
    assert_eq!(first.ended().await, Some(0));
    reported(folder.path(), |last| last.at > later.at).await;
    second.send(Signal::TERM);
    assert_eq!(second.ended().await, Some(0));
}

#[tokio::test]
async fn a_server_is_looked_after_by_one_installations_governor_and_another_ones_says_why_it_does_not() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root may write control groups: this story is not told");
        return;
    }
    let server = tempfile::tempdir().unwrap();
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let governed = |folder: &Path| {
        let governor = Governor {
            installation: format!("t{}", new_code(9)),
            server: server.path().to_owned(),
            data: Some(folder.to_owned()),
            clock: Clock::System,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let stop = stop.clone();
            async move { governor.run(&stop).await }
        });
        (stop, running)
    };
    let (stop, first) = governed(ours.path());
    reported(ours.path(), |report| report.trouble.is_none()).await;

    let (stop_second, second) = governed(theirs.path());
    let report = reported(theirs.path(), |_| true).await;
    assert!(report.trouble.unwrap().contains("another installation's governor looks after the server in"));
    stop_second.cancel();
    second.await.unwrap().unwrap();
    assert_eq!(Report::read(ours.path()).unwrap().unwrap().trouble, None);

    stop.cancel();
    first.await.unwrap().unwrap();
    let (stop, third) = governed(theirs.path());
    reported(theirs.path(), |report| report.trouble.is_none()).await;
    stop.cancel();
    third.await.unwrap().unwrap();
}
