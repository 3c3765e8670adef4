//! The processes of a PostgreSQL server on this machine, as the kernel shows them.

use std::fs;
use std::path::Path;

/// The kernel counts in these for everybody, whatever it does itself.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process {
    /// Its number, which another one may have later.
    pub pid: i32,
    /// Who began it.
    pub parent: i32,
    /// When it began, in ticks since the machine did: with the number it names one process for ever.
    pub began: u64,
    /// Seconds of a processor that it has used.
    pub used: f64,
    /// Whether it runs, or would if it could.
    pub is_running: bool,
}

impl Process {
    /// Looks at a process; `None` when there is none of this number.
    #[must_use]
    pub fn look(pid: i32) -> Option<Self> {
        Self::read(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn read(pid: i32, stat: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, brackets too.
        let words: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |at: usize| words.get(at)?.parse::<u32>().ok();
        let used = f64::from(number(11)?) + f64::from(number(12)?);
        Some(Self {
            pid,
            parent: words.get(1)?.parse().ok()?,
            began: words.get(19)?.parse().ok()?,
            used: used / TICKS_PER_SECOND,
            is_running: words.first() == Some(&"R"),
        })
    }

    /// Whether it is the same process still, and still of the same parent.
    #[must_use]
    pub fn is_there(&self) -> bool {
        Self::look(self.pid).is_some_and(|now| now.began == self.began && now.parent == self.parent)
    }

    /// Returns what it calls itself.
    #[must_use]
    pub fn title(&self) -> String {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let title = line.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(title).into_owned()
    }
}

/// Returns the number of the server's first process, whose data are in this folder; `None` while it does not run.
#[must_use]
pub fn first_process(data: &Path) -> Option<i32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    // A server that was killed leaves its number behind. One that runs stands in its folder.
    let stands_in = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (stands_in == fs::canonicalize(data).ok()?).then_some(pid)
}

/// Returns the numbers of the processes that a process began and that have not ended.
#[must_use]
pub fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_of_a_process_is_read_whatever_its_name_is() {
        let stat = "4711 (a) b (c) R 12 4711 4711 0 -1 4194304 1 2 3 4 250 50 7 8 20 0 1 0 98765 1000 10 18446744073709551615 1";
        let expected = Process { pid: 4711, parent: 12, began: 98765, used: 3.0, is_running: true };
        assert_eq!(Process::read(4711, stat), Some(expected));
        assert_eq!(Process::read(4711, "4711 (a"), None);
    }

    #[test]
    fn this_very_process_is_there_and_one_that_began_at_another_time_is_not() {
        let own = Process::look(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.is_there());
        assert!(!Process { began: own.began + 1, ..own }.is_there());
        assert!(!Process { parent: own.parent + 1, ..own }.is_there());
    }
}
