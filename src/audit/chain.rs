//! The hash chain of the audit log. Pure.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::store::Row;

/// Where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is broken at entry {seq}: {what}")]
pub struct Broken {
    /// The first entry that is wrong.
    pub seq: i64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Returns SHA-256 over everything an entry says and the hash of the one before.
///
/// The text that is hashed is JSON with its keys in alphabetical order (serde_json's own order) and the instant in microseconds.
#[must_use]
pub fn hash(row: &Row) -> Vec<u8> {
    let said = json!({
        "seq": row.seq,
        "at": row.at.timestamp_micros(),
        "actor_kind": row.actor_kind,
        "actor_id": row.actor_id,
        "actor_name": row.actor_name,
        "account_id": row.account_id,
        "environment_id": row.environment_id,
        "action": row.action,
        "detail": row.detail,
        "address": row.address,
    });
    let mut hasher = Sha256::new();
    hasher.update(&row.previous_hash);
    hasher.update(said.to_string().as_bytes());
    hasher.finalize().to_vec()
}

/// Walks along the chain from its beginning.
#[derive(Debug, Default)]
pub struct Checker {
    count: i64,
    last_hash: Vec<u8>,
}

impl Checker {
    /// How many entries were right so far.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Checks the next entry.
    pub fn next(&mut self, row: &Row) -> Result<(), Broken> {
        let expected = self.count + 1;
        let broken = |what| Broken { seq: expected, what };
        if row.seq != expected {
            return Err(broken("an entry is missing"));
        }
        if row.previous_hash != self.last_hash {
            return Err(broken("it does not follow the entry before it"));
        }
        if hash(row) != row.hash {
            return Err(broken("its text was changed"));
        }
        self.count = expected;
        self.last_hash.clone_from(&row.hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn chain_of(actions: &[&str]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (seq, action) in (1..).zip(actions) {
            let mut row = Row {
                seq,
                at: DateTime::from_timestamp(1_800_000_000 + seq, 0).unwrap(),
                actor_kind: "system".to_owned(),
                actor_id: None,
                actor_name: "sayoo".to_owned(),
                account_id: None,
                environment_id: None,
                action: (*action).to_owned(),
                detail: json!({}),
                address: None,
                previous_hash: rows.last().map(|row| row.hash.clone()).unwrap_or_default(),
                hash: Vec::new(),
            };
            row.hash = hash(&row);
            rows.push(row);
        }
        rows
    }

    fn check(rows: &[Row]) -> Result<i64, Broken> {
        let mut checker = Checker::default();
        for row in rows {
            checker.next(row)?;
        }
        Ok(checker.count())
    }

    #[test]
    fn an_edited_a_missing_and_a_swapped_entry_are_found() {
        let rows = chain_of(&["a", "b", "c"]);
        assert_eq!(check(&rows), Ok(3));

        let mut edited = rows.clone();
        edited[1].action = "x".to_owned();
        assert_eq!(check(&edited).unwrap_err().seq, 2);

        let mut rehashed = edited;
        rehashed[1].hash = hash(&rehashed[1]);
        assert_eq!(check(&rehashed).unwrap_err().seq, 3, "the next entry gives it away");

        let missing = [rows[0].clone(), rows[2].clone()];
        assert_eq!(check(&missing).unwrap_err().seq, 2);
    }
}
