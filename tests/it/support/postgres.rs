//! A PostgreSQL server of a test's own, which may be killed: with fsync, so that what it promised to keep is there afterwards.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use sayoo::base::secret::new_code;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::engine::pause;

/// How long a server may take to answer, after what it kept was read again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whoever runs the server where we are root, which it refuses to be.
const SYSTEM_USER: &str = "postgres";
/// The database that all others are copied from.
const MODEL: &str = "model";

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its first process is killed. The others notice, and end.
    Killed,
    /// It is told to drop everything, as `pg_ctl stop -m immediate` does.
    Immediate,
    /// One of the processes that serve somebody is killed: the server drops all others and begins anew by itself.
    OneOfThem,
}

/// A server. Ends with the test.
pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Who runs it: user and group, where they are not ours.
    user: Option<(u32, u32)>,
    process: Option<Child>,
    options: PgConnectOptions,
}

impl Server {
    /// Makes a server and a database with our schema.
    pub async fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sayoo-postgres-").tempdir().unwrap();
        let user = user_of_server();
        if let Some((user, group)) = user {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let password = new_code(20);
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(SYSTEM_USER)
            .password(&password)
            .database("postgres");
        let mut server = Self { folder, programs: programs(), user, process: None, options };
        server.make(port, &password);
        server.start().await;
        let mut db = server.options.connect().await.unwrap();
        sqlx::raw_sql("CREATE DATABASE model TEMPLATE template0").execute(&mut db).await.unwrap();
        let mut model = server.options.clone().database(MODEL).connect().await.unwrap();
        sayoo::db::MIGRATOR.run(&mut model).await.unwrap();
        model.close().await.unwrap();
        server
    }

    fn make(&self, port: u16, password: &str) {
        let secret = self.folder.path().join("password");
        fs::write(&secret, password).unwrap();
        if let Some((user, group)) = self.user {
            chown(&secret, Some(user), Some(group)).unwrap();
        }
        let made = self
            .program("initdb")
            .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums", "--auth-local", "reject"])
            .args(["--auth-host", "scram-sha-256", "--username", SYSTEM_USER, "--pwfile"])
            .arg(&secret)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        // All that keeps what was promised is as it comes: fsync, synchronous_commit, full_page_writes.
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 120\n\
             checkpoint_timeout = 30s\nlog_min_messages = fatal\ntimezone = 'UTC'\n"
        );
        let file = self.data().join("postgresql.auto.conf");
        fs::write(file, settings).unwrap();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.env_clear().current_dir(self.folder.path()).arg("-D").arg(self.data()).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Starts it, and waits until it answers: after it has read again what it kept.
    pub async fn start(&mut self) {
        let began = Instant::now();
        loop {
            let is_over = match &mut self.process {
                Some(process) => process.try_wait().unwrap().is_some(),
                None => true,
            };
            if is_over {
                // While processes of the one before end, the next one refuses to start.
                let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
                self.process = Some(self.program("postgres").stdout(Stdio::null()).stderr(log).spawn().unwrap());
            }
            if let Ok(db) = self.options.connect().await {
                drop(db.close().await);
                return;
            }
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "the server does not answer:\n{}", log());
            pause().await;
        }
    }

    /// Ends it in this way, and starts it again.
    pub async fn dies(&mut self, death: Death) {
        match death {
            Death::Killed => self.end(Signal::KILL).await,
            Death::Immediate => self.end(Signal::QUIT).await,
            Death::OneOfThem => self.lose_one().await,
        }
        self.start().await;
    }

    async fn end(&mut self, signal: Signal) {
        let Some(process) = &mut self.process else { return };
        let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
        let began = Instant::now();
        while process.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "the server does not end");
            pause().await;
        }
        self.process = None;
    }

    /// Kills the process of whoever is in the middle of a transaction, or of anybody, and waits until all others were dropped with it.
    async fn lose_one(&self) {
        let mut db = self.options.connect().await.unwrap();
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                    ORDER BY xact_start IS NULL, random() LIMIT 1";
        let one: Option<i32> = sqlx::query_scalar(sql).fetch_optional(&mut db).await.unwrap();
        let Some(one) = one.and_then(Pid::from_raw) else { return };
        rustix::process::kill_process(one, Signal::KILL).unwrap();
        let began = Instant::now();
        while sqlx::query("SELECT").execute(&mut db).await.is_ok() {
            assert!(began.elapsed() < PATIENCE, "the server does not mind");
            pause().await;
        }
    }

    /// Makes another database with our schema.
    pub async fn database(&self, name: &str) -> PgPool {
        let mut db: PgConnection = self.options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {MODEL}")))
            .execute(&mut db)
            .await
            .unwrap();
        drop(db.close().await);
        self.pool(name)
    }

    /// Connections to a database of this server. Whoever wants one waits while it is away.
    pub fn pool(&self, name: &str) -> PgPool {
        PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(self.options.clone().database(name))
    }

    /// Forgets a database.
    pub async fn forget(&self, name: &str) {
        let mut db: PgConnection = self.options.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut db).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if let Some(id) = i32::try_from(process.id()).ok().and_then(Pid::from_raw) {
            // It may have ended already.
            let _ = rustix::process::kill_process(id, Signal::QUIT);
        }
        drop(process.wait());
    }
}

/// The newest server that is installed.
fn programs() -> PathBuf {
    let mut all: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/initdb").exists().then(|| (version, path.join("bin")))
        })
        .collect();
    all.sort();
    all.pop().expect("PostgreSQL is installed").1
}

/// Who runs the server, where that is somebody else than we are.
fn user_of_server() -> Option<(u32, u32)> {
    if Path::new("/proc/self").metadata().unwrap().uid() != 0 {
        return None;
    }
    let id = |which: &str| -> u32 {
        let said = Command::new("id").args([which, SYSTEM_USER]).output().unwrap();
        String::from_utf8(said.stdout).unwrap().trim().parse().unwrap()
    };
    Some((id("-u"), id("-g")))
}
