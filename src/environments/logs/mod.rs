//! What an environment's program writes: copied by the worker while somebody looks, read here.

mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId};

pub use store::Line;

/// How long the worker goes on copying after somebody last looked. Longer than the heartbeat that renews it.
const WATCHED_FOR: TimeDelta = TimeDelta::seconds(60);

/// Says that somebody looks at the log: the worker copies new lines for a minute. `false` if it is not the account's.
pub async fn watch(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let is_found = store::watch(db, account, environment, now + WATCHED_FOR).await.context("watch a log")?;
    if is_found {
        crate::db::wake(db).await.context("wake the worker")?;
    }
    Ok(is_found)
}

/// Returns the latest lines, oldest first.
pub async fn latest(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    filter: &str,
    limit: i64,
) -> anyhow::Result<Vec<Line>> {
    store::latest(db, account, environment, filter, limit).await.context("read a log")
}

/// Returns the lines after `id`, oldest first.
pub async fn after(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
    id: i64,
    limit: i64,
) -> anyhow::Result<Vec<Line>> {
    store::after(db, account, environment, id, limit).await.context("read the end of a log")
}

/// Whether there are lines of more than one container, so that each line says whose it is.
pub async fn has_several(
    db: &mut PgConnection,
    account: AccountId,
    environment: EnvironmentId,
) -> anyhow::Result<bool> {
    store::has_several(db, account, environment).await.context("look for other containers' lines")
}

impl Line {
    /// Returns the line as plain text, with the name of its container where there are several.
    #[must_use]
    pub fn shown(&self, is_one_of_several: bool) -> String {
        let text = plain(&self.line);
        if is_one_of_several { format!("[{}] {text}", name_of(&self.source)) } else { text }
    }
}

/// Returns what a container is called in a log: `1` is the first one, replicas count on from there. The same in every
/// language, so that a line keeps the direction of what Odoo writes.
fn name_of(source: &str) -> String {
    match source.strip_prefix('r').and_then(|number| number.parse::<u32>().ok()) {
        Some(number) => number.saturating_add(1).to_string(),
        None if source.is_empty() => "1".to_owned(),
        None => source.to_owned(),
    }
}

/// Returns a line as plain text: without colours and other sequences for terminals, without control characters, cut where
/// it is longer than anybody reads.
#[must_use]
pub fn plain(line: &str) -> String {
    /// Longer lines are data, not messages.
    const LONGEST: usize = 4_000;
    let mut result = String::with_capacity(line.len().min(LONGEST));
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // CSI: parameters, then one final letter.
                Some('[') => while letters.next().is_some_and(|letter| !('@'..='~').contains(&letter)) {},
                // OSC: a text up to BEL or the string terminator.
                Some(']') => while letters.next().is_some_and(|letter| letter != '\u{7}' && letter != '\u{1b}') {},
                _ => {}
            },
            '\t' => result.push_str("    "),
            letter if letter.is_control() => {}
            // Marks that turn the direction of what follows could hide what a line says.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            letter => result.push(letter),
        }
        if result.len() >= LONGEST {
            result.push('…');
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whose_it_is_where_there_are_several() {
        let of = |source: &str| Line { id: 1, at_nanos: 1, source: source.to_owned(), line: "INFO".to_owned() };
        let shown = |source: &str| of(source).shown(true);
        assert_eq!(
            ["", "r1", "r12", "new", "old"].map(shown),
            ["[1] INFO", "[2] INFO", "[13] INFO", "[new] INFO", "[old] INFO"]
        );
        assert_eq!(of("r1").shown(false), "INFO");
    }

    #[test]
    fn a_line_is_shown_without_colours_and_control_characters() {
        assert_eq!(plain("\u{1b}[1;32mINFO\u{1b}[0m ready\r"), "INFO ready");
        assert_eq!(plain("\u{1b}]0;title\u{7}text\u{0}"), "text");
        assert_eq!(plain("a\tb \u{202e}evil"), "a    b evil");
        assert_eq!(plain("<script>"), "<script>", "HTML is escaped where it is shown");
        assert!(plain(&"é".repeat(1_000_000)).len() < 4_010);
        assert_eq!(plain("\u{1b}[31"), "");
    }
}
