//! Small disks in memory, to be full: one that databases can be put on, and one without any room. Needs root, as Docker
//! does.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sayoo::base::secret::new_code;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::tenants::TestTenants;

/// A mounted disk that is a tablespace of the tenants' server.
pub struct SmallDisk {
    db: PgConnection,
    name: String,
    folder: PathBuf,
}

impl SmallDisk {
    /// Makes a disk of `megabytes`.
    pub async fn new(tenants: &TestTenants, megabytes: u32) -> Self {
        let name = format!("disk_{}", new_code(8));
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir(&folder).unwrap();
        let mut db = tenants.superuser("postgres").await;
        let row = sqlx::query("SHOW data_directory").fetch_one(&mut db).await.unwrap();
        let owner = std::fs::metadata(row.get::<String, _>(0)).unwrap();
        let options = format!("size={megabytes}m,uid={},gid={},mode=0700", owner.uid(), owner.gid());
        as_root(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", folder.to_str().unwrap()]);
        let mut disk = Self { db, name, folder };
        let statement = format!("CREATE TABLESPACE {} LOCATION '{}'", disk.name, disk.folder.display());
        disk.run(&statement).await;
        disk
    }

    /// Puts a database on the disk, and with it those that are cloned from it.
    pub async fn move_database(&mut self, database: &str) {
        let statement = format!("ALTER DATABASE \"{database}\" SET TABLESPACE {}", self.name);
        self.run(&statement).await;
    }

    /// Leaves nothing free but a few pages.
    pub fn fill(&self) {
        let free = as_root(&["df", "--output=avail", "-B1", self.folder.to_str().unwrap()]);
        let free: u64 = free.lines().nth(1).unwrap().trim().parse().unwrap();
        let bytes = free.saturating_sub(256 * 1024).to_string();
        as_root(&["fallocate", "-l", &bytes, self.filler().to_str().unwrap()]);
    }

    /// Takes the filling away.
    pub fn make_room(&self) {
        as_root(&["rm", self.filler().to_str().unwrap()]);
    }

    /// Removes the disk, on which nothing may be left.
    pub async fn end(mut self) {
        let statement = format!("DROP TABLESPACE {}", self.name);
        self.run(&statement).await;
    }

    async fn run(&mut self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.db).await.expect(statement);
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root(&["umount", "--lazy", self.folder.to_str().unwrap()]);
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// Runs a command with root's rights and returns what it says.
pub fn as_root(words: &[&str]) -> String {
    let sudo: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["sudo", "-n"] };
    let words = [sudo, words].concat();
    let done = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A mounted disk on which there is no room at all.
pub struct FullDisk(PathBuf);

impl FullDisk {
    /// Makes a disk of a few pages and fills it.
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("disk_{}", new_code(8)));
        std::fs::create_dir(&folder).unwrap();
        as_root(&["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "tmpfs", folder.to_str().unwrap()]);
        let disk = Self(folder);
        as_root(&["fallocate", "-l", "65536", disk.0.join("filler").to_str().unwrap()]);
        disk
    }

    /// Where it is mounted.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Takes the filling away.
    pub fn make_room(&self) {
        as_root(&["rm", self.0.join("filler").to_str().unwrap()]);
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        as_root(&["umount", "--lazy", self.0.to_str().unwrap()]);
        let _ = std::fs::remove_dir(&self.0);
    }
}
