//! The list of an account's environments: filtered, a page at a time.

use anyhow::Context;
use sqlx::PgConnection;

use super::{Environment, sentence, store};
use crate::base::ids::AccountId;

/// How many stand on one page of the list.
pub const PAGE: usize = 50;

/// One page of the list.
#[derive(Clone, Debug)]
pub struct Page {
    /// What stands on it.
    pub environments: Vec<Environment>,
    /// How many fit the filter.
    pub found: usize,
    /// How many the account has.
    pub total: usize,
    /// Which page it is, from 0.
    pub number: usize,
}

impl Page {
    /// Whether another page follows.
    #[must_use]
    pub fn has_more(&self) -> bool {
        (self.number + 1) * PAGE < self.found
    }
}

/// Returns a page of the account's environments that contain `words` and whose badge is `badge` (each may be empty).
pub async fn page(
    db: &mut PgConnection,
    account: AccountId,
    words: &str,
    badge: &str,
    number: usize,
) -> anyhow::Result<Page> {
    let all = store::list(db, account).await.context("list the environments")?;
    Ok(choose(all, words, badge, number))
}

/// Chooses what stands on the page. An account has at most some thousand, so this needs no index.
fn choose(all: Vec<Environment>, words: &str, badge: &str, number: usize) -> Page {
    let total = all.len();
    let words = words.trim().to_lowercase();
    let fits = |environment: &Environment| {
        let address = environment.subdomain.as_ref().map_or("", |name| name.as_str());
        (words.is_empty() || environment.name.to_lowercase().contains(&words) || address.contains(&words))
            && (badge.is_empty() || sentence::of(environment).badge == badge)
    };
    let mut fitting: Vec<Environment> = all.into_iter().filter(fits).collect();
    let found = fitting.len();
    let number = number.min(found.saturating_sub(1) / PAGE);
    let environments = fitting.drain(number * PAGE..found.min((number + 1) * PAGE)).collect();
    Page { environments, found, total, number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environments::{Status, sentence::tests::running};

    #[test]
    fn a_thousand_are_filtered_and_shown_a_page_at_a_time() {
        let all: Vec<_> = (0..1000)
            .map(|number| Environment {
                name: format!("Shop {number}"),
                status: if number % 2 == 0 { Status::Running } else { Status::Failing },
                ..running()
            })
            .collect();
        let first = choose(all.clone(), "", "", 0);
        assert_eq!((first.environments.len(), first.found, first.has_more()), (PAGE, 1000, true));
        assert_eq!(choose(all.clone(), " SHOP 99", "", 0).found, 11);
        assert_eq!(choose(all.clone(), "", "failed", 9).environments.len(), PAGE);
        assert_eq!(choose(all.clone(), "", "failed", 99).number, 9, "a page that is not there is the last one");
        assert_eq!(choose(all, "nothing", "", 3).environments.len(), 0);
    }
}
