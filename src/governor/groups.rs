//! The kernel's control groups, version 1 and 2: which processes count together, and what they weigh against others.
//!
//! Weights only, never a limit: a session that is stopped while it holds a lock of the server stops everybody.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::rule::Standing;
use crate::tenant_db::DatabaseName;

/// What all usual sessions weigh together, where each container has 1024 (version 1) or 100 (version 2): a session's answer is
/// short, and somebody waits for it.
const USUAL: Weight = Weight { shares: 2048, weight: 200 };
/// What all heavy ones weigh together while they do not give way to everything.
const HEAVY: Weight = Weight { shares: 64, weight: 6 };

/// Where systemd has its services, and containers when Docker asks it for their groups.
const SYSTEM: &str = "system.slice";
/// Where Docker has containers otherwise.
const DOCKER: &str = "docker";

#[derive(Clone, Copy, Debug)]
struct Weight {
    shares: u32,
    weight: u32,
}

/// How a machine's groups are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A tree for each controller.
    One,
    /// One tree.
    Two,
}

/// The tree with the controller of processors, and our groups in it.
#[derive(Clone, Debug)]
pub struct Groups {
    tree: PathBuf,
    version: Version,
    usual: PathBuf,
    heavy: PathBuf,
}

impl Groups {
    /// Finds this machine's tree.
    pub fn here(installation: &str) -> anyhow::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").context("read what is mounted")?;
        let Some((tree, version)) = tree(&mounts) else { bail!("this machine has no control groups for processors") };
        Ok(Self::at(tree, version, installation))
    }

    /// Names a tree.
    ///
    /// Who gives way does so at once only for groups beside its own or above: therefore usual sessions stand beside the containers,
    /// and heavy ones as far above as sayoo itself.
    #[must_use]
    pub fn at(tree: PathBuf, version: Version, installation: &str) -> Self {
        let (system, docker) = (tree.join(SYSTEM), tree.join(DOCKER));
        let (beside, above) = if version == Version::Two && system.exists() {
            (system.clone(), system)
        } else if docker.exists() {
            (docker, tree.clone())
        } else {
            (tree.clone(), tree.clone())
        };
        let usual = beside.join(format!("{installation}-sessions"));
        Self { tree, version, usual, heavy: above.join(format!("{installation}-heavy-sessions")) }
    }

    /// Makes the two groups that hold those of all databases, with their weights. May be repeated.
    pub fn prepare(&self) -> anyhow::Result<()> {
        for standing in [Standing::Usual, Standing::Heavy] {
            let folder = self.all_of(standing);
            if self.version == Version::Two {
                // Groups below have weights only if the one above says so.
                for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.tree)) {
                    write(&above.join("cgroup.subtree_control"), "+cpu")?;
                }
            }
            make(folder)?;
            if self.version == Version::Two {
                write(&folder.join("cgroup.subtree_control"), "+cpu")?;
            }
        }
        self.weigh(Standing::Usual, USUAL)?;
        self.give_way(true)
    }

    /// Whether heavy sessions run only when nobody else on the machine wants to, or have their small weight.
    pub fn give_way(&self, is_wanted: bool) -> anyhow::Result<()> {
        let file = self.all_of(Standing::Heavy).join("cpu.idle");
        if is_wanted {
            return write(&file, "1");
        }
        write(&file, "0")?;
        // The kernel forgets the weight of a group that gives way.
        self.weigh(Standing::Heavy, HEAVY)
    }

    fn weigh(&self, standing: Standing, weight: Weight) -> anyhow::Result<()> {
        let folder = self.all_of(standing);
        match self.version {
            Version::One => write(&folder.join("cpu.shares"), &weight.shares.to_string()),
            Version::Two => write(&folder.join("cpu.weight"), &weight.weight.to_string()),
        }
    }

    /// Puts a process into the group of its database.
    pub fn put(&self, pid: i32, database: &DatabaseName, standing: Standing) -> anyhow::Result<()> {
        let folder = self.of(database, standing);
        make(&folder)?;
        write(&folder.join("cgroup.procs"), &pid.to_string())
    }

    /// Removes groups in which nobody is and which nobody needs.
    pub fn tidy(&self, needed: &BTreeSet<(DatabaseName, Standing)>) {
        for standing in [Standing::Usual, Standing::Heavy] {
            for name in folders(self.all_of(standing)) {
                let is_needed = DatabaseName::parse(&name).is_ok_and(|name| needed.contains(&(name, standing)));
                if !is_needed {
                    // The kernel removes none in which somebody is.
                    drop(fs::remove_dir(self.all_of(standing).join(name)));
                }
            }
        }
    }

    /// Removes everything in which nobody is.
    pub fn leave(&self) {
        self.tidy(&BTreeSet::new());
        for standing in [Standing::Usual, Standing::Heavy] {
            drop(fs::remove_dir(self.all_of(standing)));
        }
    }

    /// Returns the folder of a database's group.
    #[must_use]
    pub fn of(&self, database: &DatabaseName, standing: Standing) -> PathBuf {
        self.all_of(standing).join(database.as_str())
    }

    fn all_of(&self, standing: Standing) -> &Path {
        match standing {
            Standing::Usual => &self.usual,
            Standing::Heavy => &self.heavy,
        }
    }
}

/// The tree with the controller of processors among what is mounted.
fn tree(mounts: &str) -> Option<(PathBuf, Version)> {
    let of = |kind: &str, option: Option<&str>| {
        mounts.lines().find_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [_, folder, found, options, ..] = words.as_slice() else { return None };
            let has_option = option.is_none_or(|option| options.split(',').any(|one| one == option));
            (*found == kind && has_option).then(|| PathBuf::from(folder))
        })
    };
    // Where both are there, the controller belongs to the first.
    let one = of("cgroup", Some("cpu")).map(|folder| (folder, Version::One));
    one.or_else(|| of("cgroup2", None).map(|folder| (folder, Version::Two)))
}

fn make(folder: &Path) -> anyhow::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("make the group {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("write {text} to {}", file.display()))
}

fn folders(of: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(of) else { return Vec::new() };
    let found = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    found.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_either_version_is_found_among_what_is_mounted() {
        let two = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let joined = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n";
        let both = "cgroup /a/cpuset cgroup rw,cpuset 0 0\ncgroup /a/cpu cgroup rw,relatime,cpu 0 0\ncgroup2 /a/unified cgroup2 rw 0 0\n";
        assert_eq!(tree(two), Some(("/sys/fs/cgroup".into(), Version::Two)));
        assert_eq!(tree(joined), Some(("/sys/fs/cgroup/cpu,cpuacct".into(), Version::One)));
        assert_eq!(tree(both), Some(("/a/cpu".into(), Version::One)));
        assert_eq!(tree("proc /proc proc rw 0 0\n"), None);
    }

    #[test]
    fn under_systemd_weights_are_written_as_version_two_has_them_beside_its_services() {
        let folder = tempfile::tempdir().unwrap();
        let slice = folder.path().join("system.slice");
        fs::create_dir(&slice).unwrap();
        let groups = Groups::at(folder.path().to_owned(), Version::Two, "shop");
        for _ in 0..2 {
            groups.prepare().unwrap();
        }
        groups.put(4711, &DatabaseName::parse("acme").unwrap(), Standing::Heavy).unwrap();
        for (file, text) in [
            ("../cgroup.subtree_control", "+cpu"),
            ("cgroup.subtree_control", "+cpu"),
            ("shop-sessions/cpu.weight", "200"),
            ("shop-sessions/cgroup.subtree_control", "+cpu"),
            ("shop-heavy-sessions/cpu.idle", "1"),
            ("shop-heavy-sessions/cgroup.subtree_control", "+cpu"),
            ("shop-heavy-sessions/acme/cgroup.procs", "4711"),
        ] {
            assert_eq!(fs::read_to_string(slice.join(file)).unwrap(), text, "{file}");
        }
        groups.give_way(false).unwrap();
        for (file, text) in [("cpu.idle", "0"), ("cpu.weight", "6")] {
            assert_eq!(fs::read_to_string(slice.join("shop-heavy-sessions").join(file)).unwrap(), text, "{file}");
        }
    }

    #[test]
    fn without_systemd_usual_sessions_are_beside_dockers_containers_and_heavy_ones_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let here = || Groups::at(folder.path().to_owned(), Version::One, "shop");
        let acme = DatabaseName::parse("acme").unwrap();
        let at = |path: &str| folder.path().join(path);
        assert_eq!(here().of(&acme, Standing::Usual), at("shop-sessions/acme"), "no Docker, no systemd");
        fs::create_dir(at("docker")).unwrap();
        let groups = here();
        assert_eq!(groups.of(&acme, Standing::Usual), at("docker/shop-sessions/acme"));
        assert_eq!(groups.of(&acme, Standing::Heavy), at("shop-heavy-sessions/acme"));
        groups.prepare().unwrap();
        assert_eq!(fs::read_to_string(at("docker/shop-sessions/cpu.shares")).unwrap(), "2048");
    }
}
