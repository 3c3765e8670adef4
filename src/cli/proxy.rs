//! `sayoo proxy`: the public listener.

use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::config::Config;
use crate::db;
use crate::handover::End;
use crate::proxy::{self, Settings};

/// Two connections listen, the others read and write.
const CONNECTIONS: u32 = 5;

/// Runs until `stop` or until a successor serves, then lets requests end.
pub async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<End> {
    let most_connections = most_connections(config.proxy.most_connections);
    let most_connections_of_one = config.proxy.most_connections_of_one_address.unwrap_or(of_one(most_connections));
    tracing::info!(most_connections, most_connections_of_one, "so many connections may be open");
    let settings = Settings { most_connections, most_connections_of_one, ..Settings::from_config(config)? };
    proxy::run(settings, db::pool(&config.database.proxy_url, CONNECTIONS)?, Clock::System, stop).await
}

/// What a connection takes in memory when it is used; one that is idle takes half of it.
const MEMORY_OF_ONE: u64 = 64 * 1024;

/// So many are there on the smallest machine as well.
const LEAST: usize = 1_024;

/// Two browsers for each of 500 people, with a connection or two each.
const LEAST_OF_ONE: usize = 2_048;

/// An eighth, but enough for a large office behind one address where there are that many.
fn of_one(most_connections: usize) -> u32 {
    u32::try_from((most_connections / 8).max(LEAST_OF_ONE).min(most_connections.div_ceil(2))).unwrap_or(u32::MAX)
}

/// As many as are wanted, or fit into half of the memory; and no more than there may be open files.
fn most_connections(wanted: Option<usize>) -> usize {
    let in_memory = || {
        let most =
            memory().map_or(usize::MAX, |bytes| usize::try_from(bytes / 2 / MEMORY_OF_ONE).unwrap_or(usize::MAX));
        most.max(LEAST)
    };
    let (wanted, in_files) = (wanted.unwrap_or_else(in_memory), most_open_files());
    if wanted > in_files {
        tracing::warn!(wanted, in_files, "the limit of open files allows fewer connections");
    }
    wanted.min(in_files)
}

/// How much memory there is: the machine's, or the container's if that is less.
fn memory() -> Option<u64> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let machine = of_machine(&read("/proc/meminfo"));
    let container = read("/sys/fs/cgroup/memory.max").trim().parse().ok();
    machine.into_iter().chain(container).min()
}

fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Each connection of a visitor is a file descriptor, and each request one more; the usual limit is 1,024 of them.
fn most_open_files() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused only where somebody set a limit on purpose.
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    // The other half is for upstreams, the database and the log.
    files.saturating_sub(64) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_connections_as_fit_into_memory_unless_the_operator_says_otherwise() {
        assert_eq!(of_machine("MemTotal:       16000000 kB\nMemFree:  1 kB\n"), Some(16_384_000_000));
        assert_eq!(of_machine("nonsense"), None);
        let most = most_connections(None);
        let fit = usize::try_from(memory().unwrap() / 2 / MEMORY_OF_ONE).unwrap();
        assert_eq!(most, fit.max(LEAST).min(most_open_files()));
        assert_eq!(most_connections(Some(7)), 7);
        assert_eq!([1, 400, 8_000, 160_000].map(of_one), [1, 200, 2_048, 20_000]);
        assert_eq!(most_connections(Some(usize::MAX)), most_open_files());
    }
}
