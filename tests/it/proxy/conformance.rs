//! Whoever breaks the rules of HTTP/2 (`rules.rs`), at the real port for HTTPS.

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::raw::{DATA, Frame, GOAWAY, HEADERS, PREFACE, RST_STREAM, Raw, SETTINGS};
use super::rules::Must::{self, Answer, Close, Data, End, EndWith, Ignore, Instead, Refuse, Reset};
use super::rules::{self, Case, PROTOCOL, Step, request, settings};
use super::secure::Secure;
use super::support::{PATIENCE, Upstream, ok};

/// What a visitor saw.
#[derive(Debug, Default)]
struct Seen {
    ended: Option<u32>,
    was_reset: Option<u32>,
    status: Option<bool>,
    data: usize,
    is_closed: bool,
    goes_on: bool,
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

impl Seen {
    fn note(&mut self, frame: &Frame) {
        match frame.kind {
            GOAWAY => self.ended = Some(number(&frame.payload[4..])),
            RST_STREAM if frame.stream != LAST => self.was_reset = Some(number(&frame.payload)),
            HEADERS if frame.stream == LAST => self.goes_on = frame.is_ok(),
            HEADERS if frame.stream == 1 => self.status = Some(frame.is_ok()),
            DATA if frame.stream == 1 => self.data += frame.payload.len(),
            _ => {}
        }
    }

    fn is(&self, must: Must) -> bool {
        let ends = |with: &[u32]| self.is_closed && self.ended.is_some_and(|why| with.contains(&why));
        let resets = |with: &[u32]| self.was_reset.is_some_and(|why| with.contains(&why)) || ends(with);
        let is_well = self.goes_on && self.was_reset.is_none() && !self.is_closed;
        match must {
            End(why) => ends(&[why]),
            Instead(rule) => rule != PROTOCOL && ends(&[PROTOCOL]),
            EndWith(one, other) => ends(&[one, other]),
            Close => self.is_closed,
            Reset(one, other) => resets(&[one, other]),
            Refuse => self.status != Some(true) && (resets(&[PROTOCOL]) || self.status == Some(false)),
            Ignore => is_well,
            Answer => is_well && self.status == Some(true),
            Data(most) => is_well && self.status == Some(true) && self.data == most,
        }
    }
}

/// The stream of a last request that shows whether the connection goes on.
const LAST: u32 = 1_001;

async fn seen(secure: &Secure, case: &Case) -> Seen {
    let mut raw = Raw::open(secure, "a.apps.test", &[]).await;
    let mut seen = Seen::default();
    for step in &case.steps {
        match step {
            Step::Say(bytes) => drop(raw.0.write_all(bytes).await),
            Step::Await(stream) => loop {
                let frame = raw.frame().await.unwrap();
                if frame.kind == DATA && frame.stream == *stream {
                    break;
                }
            },
        }
    }
    let _ = raw.0.flush().await;
    // Whatever was wrong before comes to light before two answers have come.
    let is_ended_soon = matches!(case.must, End(_) | Instead(_) | EndWith(..) | Close);
    if !is_ended_soon {
        let _ = raw.0.write_all(&request(LAST)).await;
        let _ = raw.0.flush().await;
    }
    loop {
        match tokio::time::timeout(PATIENCE / 3, raw.frame()).await {
            // It goes on without a word.
            Err(_) => return seen,
            Ok(None) => break,
            Ok(Some(frame)) => seen.note(&frame),
        }
        let is_decided = match case.must {
            Refuse => seen.status.is_some() || seen.was_reset.is_some(),
            Reset(..) => seen.was_reset.is_some(),
            Answer => seen.goes_on && seen.status.is_some(),
            Data(most) => seen.goes_on && seen.status.is_some() && seen.data >= most,
            _ => seen.goes_on,
        };
        if is_decided && !is_ended_soon {
            return seen;
        }
    }
    seen.is_closed = true;
    seen
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_breaks_the_rules_of_http_2_is_told_as_the_rules_say(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.most_streams = 5).await;
    let upstream = Upstream::answering(ok("answer")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let cases = rules::all();
    assert!(cases.len() > 120);
    let tried = join_all(cases.iter().map(|case| seen(&secure, case))).await;
    let wrong: Vec<_> = cases
        .iter()
        .zip(&tried)
        .filter(|(case, seen)| !seen.is(case.must))
        .map(|(case, seen)| format!("{} {}: must {:?}, was {seen:?}", case.section, case.what, case.must))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_does_not_begin_with_http_2_is_let_go(db: PgPool) {
    let secure = Secure::new(db).await;
    for beginning in [&b"INVALID CONNECTION PREFACE\r\n\r\n"[..], b"GET / HTTP/1.1\r\nHost: portal.test\r\n\r\n"] {
        let mut raw = Raw(secure.connect("portal.test", "h2").await);
        raw.0.write_all(beginning).await.unwrap();
        raw.0.flush().await.unwrap();
        raw.reads_until_closed().await;
    }
    // Ours comes first, and theirs is agreed to.
    let mut raw = Raw(secure.connect("portal.test", "h2").await);
    raw.0.write_all(&[PREFACE, &settings(3, 100)].concat()).await.unwrap();
    raw.0.flush().await.unwrap();
    assert_eq!(raw.frame().await.unwrap().kind, SETTINGS);
    assert!(raw.next(&[SETTINGS]).await.unwrap().payload.is_empty());
    assert_eq!(secure.world.portal.seen(), [""; 0]);
}
