//! The list of an account's environments: filtered, a page at a time.

use anyhow::Context;
use sqlx::PgConnection;

use super::{Environment, Status, Wanted, sentence, store};
use crate::base::ids::{AccountId, EnvironmentId};

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

/// What an environment is found by.
#[derive(Clone, Debug)]
pub struct Glance {
    /// Which one.
    pub id: EnvironmentId,
    /// What its people call it.
    pub name: String,
    /// Its address below the instances' domain, or nothing.
    pub subdomain: String,
    /// What the customer wants.
    pub wanted: Wanted,
    /// What the worker last saw.
    pub status: Status,
    /// Whether staff keep it from running.
    pub is_suspended: bool,
}

/// Returns a page of the account's environments that contain `words` and whose badge is `badge` (each may be empty).
pub async fn page(
    db: &mut PgConnection,
    account: AccountId,
    words: &str,
    badge: &str,
    number: usize,
) -> anyhow::Result<Page> {
    let all = store::list_glances(db, account).await.context("look over the environments")?;
    let (chosen, mut page) = choose(&all, words, badge, number);
    page.environments = store::list_of(db, account, &chosen).await.context("list the environments")?;
    Ok(page)
}

/// Chooses what stands on the page. An account has at most some thousand, so this needs no index.
fn choose(all: &[Glance], words: &str, badge: &str, number: usize) -> (Vec<EnvironmentId>, Page) {
    let words = words.trim().to_lowercase();
    let fits = |glance: &&Glance| {
        (words.is_empty() || glance.name.to_lowercase().contains(&words) || glance.subdomain.contains(&words))
            && (badge.is_empty() || sentence::badge(glance.wanted, glance.status, glance.is_suspended) == badge)
    };
    let fitting: Vec<EnvironmentId> = all.iter().filter(fits).map(|glance| glance.id).collect();
    let found = fitting.len();
    let number = number.min(found.saturating_sub(1) / PAGE);
    let chosen = fitting.into_iter().skip(number * PAGE).take(PAGE).collect();
    (chosen, Page { environments: Vec::new(), found, total: all.len(), number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_are_filtered_and_shown_a_page_at_a_time() {
        let now = "2026-11-22T21:00:00Z".parse().unwrap();
        let all: Vec<_> = (0..1000)
            .map(|number| Glance {
                id: EnvironmentId::new(now),
                name: format!("Shop {number}"),
                subdomain: format!("shop-{number}"),
                wanted: Wanted::Running,
                status: if number % 2 == 0 { Status::Running } else { Status::Failing },
                is_suspended: false,
            })
            .collect();
        let (chosen, first) = choose(&all, "", "", 0);
        assert_eq!((chosen.len(), first.found, first.has_more()), (PAGE, 1000, true));
        assert_eq!(chosen[0], all[0].id);
        assert_eq!(choose(&all, " SHOP 99", "", 0).1.found, 11);
        assert_eq!(choose(&all, "", "failed", 9).0.len(), PAGE);
        assert_eq!(choose(&all, "", "failed", 99).1.number, 9, "a page that is not there is the last one");
        assert_eq!(choose(&all, "nothing", "", 3).0.len(), 0);
    }
}
