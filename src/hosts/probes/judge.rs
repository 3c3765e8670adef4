//! What the facts of a probe say of a machine. Pure.

use serde::Deserialize;

use super::{Proof, Subject, Verdict, Walls};

/// What the program found, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    user: u32,
    /// Effective, permitted and bounding, in hexadecimal.
    capabilities: Vec<String>,
    no_new_privileges: bool,
    seccomp: bool,
    /// Folders on disks that could be written to.
    writable: Vec<String>,
    /// `None` when nothing is mounted there.
    tmp: Option<Tmp>,
    limits: Limits,
    bombs: Bombs,
    /// `None` when there was no database to try.
    database: Option<Database>,
    /// Of the machine's disk under the container; `None` from a program of before.
    #[serde(default)]
    disk: Option<Disk>,
    is_root_of_machine: bool,
    mounts: Vec<String>,
    devices: Vec<String>,
    sockets: Vec<String>,
    unmasked: Vec<String>,
    /// Addresses beside it that answered in any way.
    neighbours: Vec<String>,
    /// What was tried, the address, and `open`, `refused` or `silent`.
    reached: Vec<(String, String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Tmp {
    is_memory: bool,
    options: Vec<String>,
    bytes: u64,
    is_writable: bool,
    runs_programs: bool,
}

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Disk {
    all: u64,
    free: u64,
}

/// In bytes; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Limits {
    processes: Option<u64>,
    memory: Option<u64>,
    swap: Option<u64>,
    machine_swap: u64,
}

/// How far a process came that took all that it could.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Bombs {
    /// Processes and threads.
    tasks: u64,
    /// Bytes; `None` when nothing stopped it.
    memory: Option<u64>,
    /// Thousandths of a core; `None` is no limit.
    cpu_millis: Option<u64>,
}

/// What a login of its own could do on the tenants' server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Database {
    tried: u64,
    /// What was not refused.
    wrong: Vec<String>,
    /// How many connections it got at once.
    connections: u64,
    /// Why nothing could be tried.
    failure: Option<String>,
}

/// What the container was promised.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// How many processes.
    pub processes: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes in `/tmp`.
    pub tmp: u64,
    /// Thousandths of a core.
    pub cpu_millis: u64,
    /// Connections to the database server.
    pub connections: u64,
    /// Whether it is kept from other machines and their containers.
    pub walls: Walls,
}

impl Facts {
    /// Reads the line that the program wrote.
    pub fn parse(line: &str) -> serde_json::Result<Self> {
        serde_json::from_str(line)
    }
}

/// From here on the next image may not fit, and what is there needs the rest.
const DISK_FULL_PERCENT: u64 = 90;

/// Judges a machine by what was found on it.
#[must_use]
pub fn judge(facts: &Facts, promise: Promise) -> Vec<Proof> {
    let proof = |subject: Subject, is_good: bool, seen: String| {
        let verdict = match (is_good, subject.is_promised(promise.walls)) {
            (true, _) => Verdict::Good,
            (false, true) => Verdict::Bad,
            (false, false) => Verdict::Weak,
        };
        Proof { subject, verdict, seen }
    };
    let limits = &facts.limits;
    let is_powerless = facts.capabilities.iter().all(|set| !set.is_empty() && set.bytes().all(|digit| digit == b'0'));
    let of_the_machine = [facts.mounts.as_slice(), &facts.sockets, &facts.devices].concat();
    let (files_are_good, files) = files(facts, promise);
    let (swap_is_good, swap) = swap(limits);
    let mut proofs = vec![
        proof(
            Subject::Root,
            facts.user != 0 && is_powerless && facts.capabilities.len() == 3,
            format!("uid {}, CapEff CapPrm CapBnd {}", facts.user, facts.capabilities.join(" ")),
        ),
        proof(Subject::Privileges, facts.no_new_privileges, flag("NoNewPrivs", facts.no_new_privileges)),
        proof(Subject::Seccomp, facts.seccomp, flag("filter", facts.seccomp)),
        proof(Subject::Files, files_are_good, files),
        proof(
            Subject::Processes,
            limits.processes.is_some_and(|most| most <= promise.processes),
            format!("pids.max {}", number(limits.processes)),
        ),
        proof(
            Subject::Memory,
            limits.memory.is_some_and(|most| most <= promise.memory),
            format!("memory.max {}", number(limits.memory)),
        ),
        proof(Subject::Swap, swap_is_good, swap),
        bombs(&facts.bombs, promise, proof),
        proof(
            Subject::Users,
            !facts.is_root_of_machine,
            if facts.is_root_of_machine { "uid_map 0 0".to_owned() } else { "uid_map".to_owned() },
        ),
        proof(Subject::Mounts, of_the_machine.is_empty(), of_the_machine.join(", ")),
        proof(Subject::Kernel, facts.unmasked.is_empty(), facts.unmasked.join(", ")),
        proof(Subject::Neighbours, facts.neighbours.is_empty(), facts.neighbours.join(", ")),
    ];
    proofs.extend(facts.disk.map(|disk| {
        let used = 100 - disk.free.saturating_mul(100) / disk.all.max(1);
        proof(Subject::Disk, used < DISK_FULL_PERCENT, format!("{used} % of {} GB used", disk.all / 1_000_000_000))
    }));
    for subject in [Subject::Docker, Subject::Swarm, Subject::Control, Subject::Published, Subject::Metadata] {
        proofs.push(match tried(facts, subject).as_slice() {
            [] => Proof { subject, verdict: Verdict::Untried, seen: String::new() },
            all => {
                let open: Vec<&str> =
                    all.iter().filter(|(_, how)| *how == "open").map(|(address, _)| *address).collect();
                let seen = if open.is_empty() { format!("0 / {}", all.len()) } else { open.join(", ") };
                proof(subject, open.is_empty(), seen)
            }
        });
    }
    proofs.push(match tried(facts, Subject::Tenants).as_slice() {
        [] => Proof { subject: Subject::Tenants, verdict: Verdict::Untried, seen: String::new() },
        all => {
            let seen: Vec<String> = all.iter().map(|(address, how)| format!("{address} {how}")).collect();
            proof(Subject::Tenants, all.iter().all(|(_, how)| *how == "open"), seen.join(", "))
        }
    });
    proofs.push(match &facts.database {
        None => Proof { subject: Subject::Database, verdict: Verdict::Untried, seen: String::new() },
        Some(Database { failure: Some(failure), .. }) => {
            Proof { subject: Subject::Database, verdict: Verdict::Untried, seen: failure.clone() }
        }
        Some(found) => {
            let is_bounded = found.connections <= promise.connections;
            let seen = match found.wrong.as_slice() {
                [] => format!("0 / {}, {} connections", found.tried, found.connections),
                wrong => wrong.join(", "),
            };
            proof(Subject::Database, found.wrong.is_empty() && is_bounded, seen)
        }
    });
    proofs
}

fn bombs(found: &Bombs, promise: Promise, proof: impl Fn(Subject, bool, String) -> Proof) -> Proof {
    let is_bounded = found.tasks <= promise.processes
        && found.memory.is_some()
        && found.cpu_millis.is_some_and(|most| most <= promise.cpu_millis);
    let (memory, cpu) = (number(found.memory), number(found.cpu_millis));
    proof(Subject::Bombs, is_bounded, format!("{} tasks, {memory} bytes, {cpu} thousandths of a core", found.tasks))
}

/// Addresses that were tried for a subject, and how each was found.
fn tried(facts: &Facts, subject: Subject) -> Vec<(&str, &str)> {
    let of = facts.reached.iter().filter(|(what, ..)| what == subject.as_str());
    of.map(|(_, address, how)| (address.as_str(), how.as_str())).collect()
}

fn files(facts: &Facts, promise: Promise) -> (bool, String) {
    if !facts.writable.is_empty() {
        return (false, format!("writes to {}", facts.writable.join(", ")));
    }
    let Some(tmp) = &facts.tmp else { return (false, "/tmp is not mounted".to_owned()) };
    let flags = ["noexec", "nosuid", "nodev"];
    let has_flags = flags.iter().all(|flag| tmp.options.iter().any(|option| option == flag));
    let is_good = tmp.is_memory && tmp.is_writable && !tmp.runs_programs && has_flags && tmp.bytes <= promise.tmp;
    (is_good, format!("/tmp {} {} bytes", tmp.options.join(","), tmp.bytes))
}

fn swap(limits: &Limits) -> (bool, String) {
    if limits.machine_swap == 0 {
        return (true, "SwapTotal 0".to_owned());
    }
    (limits.swap == Some(0), format!("swap.max {}, SwapTotal {}", number(limits.swap), limits.machine_swap))
}

fn flag(name: &str, is_on: bool) -> String {
    format!("{name} {}", u8::from(is_on))
}

fn number(limit: Option<u64>) -> String {
    limit.map_or_else(|| "max".to_owned(), |limit| limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Promise = Promise {
        processes: 256,
        memory: 128 << 20,
        tmp: 256 << 20,
        cpu_millis: 500,
        connections: 16,
        walls: Walls::Advised,
    };

    fn safe() -> Facts {
        Facts::parse(include_str!("../../engine/simulated/safe.json")).unwrap()
    }

    fn not_good(facts: &Facts, walls: Walls) -> Vec<(Subject, Verdict)> {
        let proofs = judge(facts, Promise { walls, ..PROMISE });
        assert_eq!(proofs.len(), 20);
        proofs
            .into_iter()
            .filter(|proof| proof.verdict != Verdict::Good)
            .map(|proof| (proof.subject, proof.verdict))
            .collect()
    }

    #[test]
    fn a_container_that_may_do_nothing_proves_everything() {
        assert_eq!(not_good(&safe(), Walls::Needed), []);
    }

    #[test]
    fn each_fault_is_found_and_closes_the_machine_if_it_was_promised() {
        type Spoil = fn(&mut Facts);
        let wrong: &[(Subject, Spoil)] = &[
            (Subject::Root, |facts| facts.user = 0),
            (Subject::Root, |facts| facts.capabilities[2] = "00000000a80425fb".to_owned()),
            (Subject::Root, |facts| facts.capabilities[0] = String::new()),
            (Subject::Privileges, |facts| facts.no_new_privileges = false),
            (Subject::Seccomp, |facts| facts.seccomp = false),
            (Subject::Files, |facts| facts.writable.push("/var/tmp".to_owned())),
            (Subject::Files, |facts| facts.tmp = None),
            (Subject::Files, |facts| facts.tmp.as_mut().unwrap().bytes *= 2),
            (Subject::Files, |facts| facts.tmp.as_mut().unwrap().runs_programs = true),
            (Subject::Files, |facts| drop(facts.tmp.as_mut().unwrap().options.pop())),
            (Subject::Processes, |facts| facts.limits.processes = None),
            (Subject::Memory, |facts| facts.limits.memory = Some(9_223_372_036_854_771_712)),
            (Subject::Swap, |facts| facts.limits.swap = Some(134_217_728)),
            (Subject::Swap, |facts| facts.limits.swap = None),
            (Subject::Disk, |facts| facts.disk.as_mut().unwrap().free = 9_999_999_999),
            (Subject::Bombs, |facts| facts.bombs.tasks = 2001),
            (Subject::Bombs, |facts| facts.bombs.memory = None),
            (Subject::Bombs, |facts| facts.bombs.cpu_millis = None),
            (Subject::Database, |facts| facts.database.as_mut().unwrap().wrong.push("connects to postgres".to_owned())),
            (Subject::Database, |facts| facts.database.as_mut().unwrap().connections = 70),
            (Subject::Users, |facts| facts.is_root_of_machine = true),
            (Subject::Mounts, |facts| facts.sockets.push("/run/docker.sock".to_owned())),
            (Subject::Mounts, |facts| facts.devices.push("/dev/sda".to_owned())),
            (Subject::Mounts, |facts| facts.mounts.push("/srv on /mnt".to_owned())),
            (Subject::Kernel, |facts| facts.unmasked.push("/proc/kcore".to_owned())),
            (Subject::Neighbours, |facts| facts.neighbours.push("172.17.0.3 refused".to_owned())),
            (Subject::Docker, |facts| facts.reached[0].2 = "open".to_owned()),
            (Subject::Metadata, |facts| facts.reached[1].2 = "open".to_owned()),
            (Subject::Swarm, |facts| facts.reached[2].2 = "open".to_owned()),
            (Subject::Control, |facts| facts.reached[3].2 = "open".to_owned()),
            (Subject::Published, |facts| facts.reached[4].2 = "open".to_owned()),
            (Subject::Tenants, |facts| facts.reached[5].2 = "silent".to_owned()),
        ];
        for (subject, spoil) in wrong {
            let mut facts = safe();
            spoil(&mut facts);
            for walls in [Walls::Needed, Walls::Advised] {
                let verdict = if subject.is_promised(walls) { Verdict::Bad } else { Verdict::Weak };
                assert_eq!(not_good(&facts, walls), [(*subject, verdict)], "{facts:?}");
            }
        }
    }

    #[test]
    fn between_several_machines_the_rules_are_needed_and_on_a_lone_one_advised() {
        for subject in [Subject::Swarm, Subject::Published, Subject::Metadata] {
            assert!(subject.is_promised(Walls::Needed) && !subject.is_promised(Walls::Advised));
        }
        assert!(!Subject::Swap.is_promised(Walls::Needed) && Subject::Docker.is_promised(Walls::Advised));
    }

    #[test]
    fn without_swap_on_the_machine_none_need_be_forbidden() {
        let mut facts = safe();
        (facts.limits.swap, facts.limits.machine_swap) = (None, 0);
        assert_eq!(not_good(&facts, Walls::Needed), []);
    }

    #[test]
    fn what_could_not_be_tried_is_not_called_good() {
        let mut facts = safe();
        facts
            .reached
            .retain(|(what, ..)| what == "docker" || what == "swarm" || what == "control" || what == "metadata");
        facts.database.as_mut().unwrap().failure = Some("28P01".to_owned());
        let untried = [Subject::Published, Subject::Tenants, Subject::Database];
        assert_eq!(not_good(&facts, Walls::Needed), untried.map(|subject| (subject, Verdict::Untried)));
        facts.database = None;
        assert_eq!(not_good(&facts, Walls::Needed), untried.map(|subject| (subject, Verdict::Untried)));
    }
}
