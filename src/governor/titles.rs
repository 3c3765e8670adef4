//! Whose process of a PostgreSQL server it is, from the title that the server gives it. Pure.
//!
//! No login is needed for this, so it works while the server takes no more of them. Who has not proved its password yet may have
//! written anything into its title, and counts as nobody.

use crate::tenant_db::DatabaseName;

/// What a process of the server works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Works {
    /// For a session of this database.
    For(DatabaseName),
    /// For the session of another process, by its number.
    Beside(i32),
}

/// What the server says of those that have not proved who they are.
const UNPROVED: [&str; 3] = ["", "authentication", "startup"];

/// Reads a title; `None` for the server's own processes, for the platform's sessions and for whatever is not understood.
///
/// `postgres: [cluster: ]role database address(port) activity`.
#[must_use]
pub fn works_for(title: &str) -> Option<Works> {
    let title = title.strip_prefix("postgres: ")?;
    let mut words: Vec<&str> = title.split(' ').filter(|word| !word.is_empty()).collect();
    if words.first()?.ends_with(':') {
        words.remove(0);
    }
    if let ["parallel", "worker", "for", "PID", leader, ..] = words.as_slice() {
        return leader.parse().ok().map(Works::Beside);
    }
    // The last such word: one before it could be part of a name that a stranger made up.
    let address = words.iter().rposition(|word| is_address(word))?;
    let activity = words.get(address + 1).copied().unwrap_or_default();
    match words.get(..address)? {
        // Replication is the server's own.
        ["walsender", _] => None,
        [_role, database] if !UNPROVED.contains(&activity) => DatabaseName::parse(database).ok().map(Works::For),
        _ => None,
    }
}

/// `10.0.0.1(5432)` or `[local]`.
fn is_address(word: &str) -> bool {
    let port = word.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    word == "[local]"
        || port.is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(title: &str) -> Option<String> {
        match works_for(title)? {
            Works::For(database) => Some(database.to_string()),
            Works::Beside(_) => None,
        }
    }

    #[test]
    fn a_session_counts_for_its_database_and_a_parallel_worker_for_whom_it_helps() {
        assert_eq!(database("postgres: acme_1 acme 172.17.0.2(40312) SELECT").as_deref(), Some("acme"));
        assert_eq!(
            database("postgres: 17/main: acme_1 acme 172.17.0.2(40312) idle in transaction").as_deref(),
            Some("acme")
        );
        assert_eq!(database("postgres: acme_1 acme [local] UPDATE waiting").as_deref(), Some("acme"));
        assert_eq!(works_for("postgres: parallel worker for PID 4711 "), Some(Works::Beside(4711)));
        assert_eq!(works_for("postgres: 17/main: parallel worker for PID 4711"), Some(Works::Beside(4711)));
    }

    #[test]
    fn who_has_not_proved_its_password_counts_as_nobody_whatever_it_calls_itself() {
        for title in [
            "postgres: acme_1 acme 172.17.0.2(40312) authentication",
            "postgres: acme_1 acme 172.17.0.2(40312) startup",
            "postgres: acme_1 acme 172.17.0.2(40312)",
            "postgres: a acme 1.2.3.4(5) idle mine 172.17.0.2(40312) authentication",
            "postgres: a acme 1.2.3.4(5) idle mine 172.17.0.2(40312) idle",
            "postgres: [local] acme 172.17.0.2(40312) authentication",
        ] {
            assert_eq!(works_for(title), None, "{title}");
        }
    }

    #[test]
    fn the_servers_own_processes_and_sessions_of_the_platform_are_left_alone() {
        for title in [
            "/usr/lib/postgresql/17/bin/postgres -D /srv/data",
            "postgres: checkpointer ",
            "postgres: autovacuum launcher ",
            "postgres: autovacuum worker acme",
            "postgres: 17/main: walwriter ",
            "postgres: sayoo_platform postgres 127.0.0.1(5000) idle",
            "postgres: walsender backup 10.0.0.2(5000) streaming 0/3000000",
            "sshd: acme acme 1.2.3.4(5) idle",
            "",
        ] {
            assert_eq!(database(title), None, "{title}");
        }
    }
}
