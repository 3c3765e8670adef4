//! `/instances/{id}/logs`: what Odoo writes, as it writes it; and the stream behind the page.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Path, Query};
use anyhow::Context;
use askama::Template;
use futures_util::Stream;
use serde::Deserialize;
use sqlx::PgPool;

use super::{find, id};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::environments::logs::{self, Line};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// How many lines the page begins with.
const LINES: i64 = 200;

/// How many lines one message may carry: more than a busy Odoo writes between two looks.
const BATCH: i64 = 2_000;

/// How often new lines are looked for: fast enough to feel live.
const LOOK: Duration = Duration::from_millis(500);

/// A stream looks this often (five minutes), then the browser opens the next one: rights are checked anew.
const LOOKS: u32 = 600;

/// Each so many looks the watch is prolonged, and a sign of life is given.
const LOOKS_PER_WATCH: u32 = 10;

/// What is looked for.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Wish {
    q: String,
    after: i64,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>, wish: Query<Wish>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    let words: String = wish.q.trim().chars().take(200).collect();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    logs::watch(&mut db, member.account, environment.id, member.layout.now).await?;
    let lines = logs::latest(&mut db, member.account, environment.id, &words, LINES).await?;
    let is_several = logs::has_several(&mut db, member.account, environment.id).await?;
    let last = lines.last().map_or(0, |line| line.id);
    answer::page(&LogsPage {
        name: environment.name.clone(),
        lines: lines.iter().map(|line| line.shown(is_several)).collect(),
        is_several,
        stream: if words.is_empty() { urls::instance_log_stream(environment.id, last) } else { String::new() },
        words,
        this_url: urls::instance_logs(environment.id),
        instance_url: urls::instance(environment.id),
        usage_url: urls::instance_usage(environment.id, ""),
        domains_url: urls::instance_domains(environment.id),
        list_url: urls::instances(),
        layout: member.layout,
    })
}

/// Answers with the stream of new lines. After a break it goes on behind the last line that the browser got.
pub async fn stream(
    portal: Data<Portal>,
    member: Member,
    request: HttpRequest,
    path: Path<String>,
    wish: Query<Wish>,
) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    let last = request.headers().get("last-event-id").and_then(|last| last.to_str().ok()?.parse().ok());
    let after = last.unwrap_or(wish.after);
    answer::events(lines(portal.db.clone(), portal.clock.clone(), member.account, environment.id, after))
}

struct Follow {
    after: i64,
    /// Whether there were lines of more than one container so far; not known before the first look.
    is_several: Option<bool>,
    looks: u32,
}

fn lines(
    db: PgPool,
    clock: crate::base::clock::Clock,
    account: AccountId,
    environment: EnvironmentId,
    after: i64,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures_util::stream::unfold(Follow { after, is_several: None, looks: 0 }, move |mut follow| {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            while follow.looks < LOOKS {
                if follow.looks > 0 {
                    tokio::time::sleep(LOOK).await;
                }
                let is_sign = follow.looks.is_multiple_of(LOOKS_PER_WATCH);
                follow.looks += 1;
                let found = async {
                    let mut db = db.acquire().await?;
                    if is_sign {
                        logs::watch(&mut db, account, environment, clock.now()).await?;
                    }
                    if follow.is_several.is_none() {
                        follow.is_several = Some(logs::has_several(&mut db, account, environment).await?);
                    }
                    logs::after(&mut db, account, environment, follow.after, BATCH).await
                };
                // The database is away: the stream stays open and looks again.
                let found = found.await.unwrap_or_default();
                if let Some(last) = found.last() {
                    follow.after = last.id;
                    let is_several =
                        follow.is_several == Some(true) || found.iter().any(|line| !line.source.is_empty());
                    follow.is_several = Some(is_several);
                    return Some((Ok(message(&found, is_several)), follow));
                }
                if is_sign {
                    return Some((Ok(Bytes::from_static(b": still here\n\n")), follow));
                }
            }
            None
        }
    })
}

/// Writes lines as one event; a browser that comes back says its number.
fn message(lines: &[Line], is_several: bool) -> Bytes {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "data: {}", line.shown(is_several)).expect("a String grows");
    }
    if let Some(last) = lines.last() {
        writeln!(text, "id: {}\n", last.id).expect("a String grows");
    }
    Bytes::from(text)
}

#[derive(Template)]
#[template(path = "pages/instances/logs.html")]
struct LogsPage {
    layout: Layout,
    name: String,
    lines: Vec<String>,
    /// Lines say which container wrote them.
    is_several: bool,
    words: String,
    stream: String,
    this_url: String,
    instance_url: String,
    usage_url: String,
    domains_url: String,
    list_url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_each_line_on_its_own_and_nothing_that_ends_the_event() {
        let line = |id, line: &str| Line { id, at_nanos: 0, source: "r1".to_owned(), line: line.to_owned() };
        let lines = [line(1, "one\n\nevent: go\ndata: /evil"), line(2, "two")];
        assert_eq!(message(&lines, false), "data: oneevent: godata: /evil\ndata: two\nid: 2\n\n");
        assert_eq!(message(&lines[1..], true), "data: [2] two\nid: 2\n\n");
    }
}
