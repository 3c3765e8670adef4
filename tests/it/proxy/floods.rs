//! HTTP/2 against the rules, and within the rules but to do harm.

use std::time::Duration;

use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use super::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, GOOD, HEADERS, PADDED, PING, PRIORITY, PUSH_PROMISE,
    RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, block, good_but, setting,
};
use super::secure::{Secure, get};
use super::support::{Act, PATIENCE, Upstream, ok};

/// Frames: kind, flags, stream, payload.
type Frames = Vec<(u8, u8, u32, Vec<u8>)>;

fn good() -> Vec<u8> {
    block(&GOOD)
}

/// A request that is not over.
fn post() -> Vec<u8> {
    block(&good_but(":method", "POST"))
}

/// What no client may send (RFC 9113 and RFC 7541).
fn against_the_rules() -> Vec<(&'static str, Frames)> {
    let all = END_HEADERS | END_STREAM;
    let head = |stream, more: &[u8]| (HEADERS, all, stream, [&good()[..], more].concat());
    vec![
        ("a body of no request", vec![(DATA, 0, 0, b"x".to_vec())]),
        ("a head of no request", vec![head(0, b"")]),
        ("a body before its head", vec![(DATA, 0, 1, b"x".to_vec())]),
        ("a server's number", vec![head(2, b"")]),
        ("a number that is too small", vec![head(5, b""), head(3, b"")]),
        ("a body after its end", vec![(HEADERS, all, 1, post()), (DATA, 0, 1, b"x".to_vec())]),
        ("trailers that are not the end", vec![(HEADERS, END_HEADERS, 1, post()), (HEADERS, END_HEADERS, 1, good())]),
        ("an end of what never was", vec![(RST_STREAM, 0, 1, vec![0; 4])]),
        ("an end of everything", vec![(RST_STREAM, 0, 0, vec![0; 4])]),
        ("a short end", vec![(HEADERS, END_HEADERS, 1, post()), (RST_STREAM, 0, 1, vec![0; 3])]),
        ("settings of a request", vec![(SETTINGS, 0, 1, vec![])]),
        ("short settings", vec![(SETTINGS, 0, 0, vec![0; 5])]),
        ("settings in an acknowledgement", vec![(SETTINGS, ACK, 0, vec![0; 6])]),
        ("half a push", vec![(SETTINGS, 0, 0, setting(2, 2))]),
        ("a window without end", vec![(SETTINGS, 0, 0, setting(4, 1 << 31))]),
        ("frames of one byte", vec![(SETTINGS, 0, 0, setting(5, 1))]),
        ("a short ping", vec![(PING, 0, 0, vec![0; 7])]),
        ("a ping of a request", vec![(PING, 0, 1, vec![0; 8])]),
        ("room for nothing", vec![(WINDOW_UPDATE, 0, 0, vec![0; 4])]),
        ("too much room", vec![(WINDOW_UPDATE, 0, 0, (i32::MAX).to_be_bytes().to_vec()); 2]),
        ("room for what never was", vec![(WINDOW_UPDATE, 0, 1, vec![0, 0, 0, 1])]),
        ("short room", vec![(WINDOW_UPDATE, 0, 0, vec![0; 3])]),
        ("a piece of no head", vec![(CONTINUATION, END_HEADERS, 1, good())]),
        ("something within a head", vec![(HEADERS, END_STREAM, 1, good()), (PING, 0, 0, vec![0; 8])]),
        ("another head within a head", vec![(HEADERS, END_STREAM, 1, good()), head(3, b"")]),
        (
            "a piece of another head",
            vec![(HEADERS, END_STREAM, 1, good()), (CONTINUATION, END_HEADERS, 3, block(&[("x", "y")]))],
        ),
        ("a push", vec![(PUSH_PROMISE, END_HEADERS, 1, [&[0, 0, 0, 2][..], &good()].concat())]),
        ("a frame that is too large", vec![(DATA, 0, 1, vec![0; 16_385])]),
        ("more padding than frame", vec![(HEADERS, all | PADDED, 1, [&[200][..], &good()].concat())]),
        ("a priority that is too short", vec![(PRIORITY, 0, 1, vec![0; 4])]),
        ("a header without number", vec![head(1, &[0x80])]),
        ("a header that nobody named", vec![head(1, &[0xFF, 0x80, 0x01])]),
        ("a larger table than allowed", vec![head(1, &[0x3F, 0xE2, 0xFF, 0x03])]),
        ("half a header", vec![head(1, &[0x00, 0x05, b'a'])]),
        ("a number without end", vec![head(1, &[0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])]),
        ("a badly coded text", vec![head(1, &[0x00, 0x81, 0xFF, 0x81, 0xFF])]),
    ]
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_against_the_rules_ends_the_request_or_the_connection(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::new(|_, _| Act::Slowly(PATIENCE * 2, ok("late"))).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    for (what, frames) in against_the_rules() {
        let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
        for (kind, flags, stream, payload) in frames {
            raw.send(kind, flags, stream, &payload).await;
        }
        let end = tokio::time::timeout(Duration::from_secs(5), raw.next(&[RST_STREAM, GOAWAY])).await;
        assert!(end.is_ok(), "{what} is taken");
    }
    let mut raw = secure.connect("a.apps.test", "h2").await;
    raw.write_all(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n").await.unwrap();
    Raw(raw).reads_until_closed().await;
    assert_eq!(secure.ask(get("https://portal.test/")).await.body(), "portal");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_nobody_knows_is_passed_over_and_pings_are_answered(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut raw = Raw::open(&secure, "a.apps.test", &[(0x77, 7)]).await;
    raw.send(0x77, 0xFF, 0, b"something new").await;
    raw.send(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]).await;
    raw.send(PING, 0, 0, b"12345678").await;
    let pong = raw.next(&[PING]).await.unwrap();
    assert_eq!(pong.payload, b"12345678");
    let padded = [&[3][..], &good(), &[0; 3]].concat();
    raw.send(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, &padded).await;
    assert!(raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap().is_ok());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_small_head_that_unpacks_to_a_large_one_is_refused(db: PgPool) {
    let secure = Secure::new(db).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    // One large header goes into the table, and a byte means it again: eight megabytes in six kilobytes.
    let large = "x".repeat(3_900);
    let mut fields = block(&GOOD);
    let mut first = block(&[("y", &large)]);
    first[0] = 0x40;
    fields.extend(first);
    fields.extend([0xBE; 2_000]);
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &fields).await;
    let answer = raw.next(&[HEADERS, RST_STREAM, GOAWAY]).await;
    assert!(!answer.is_some_and(|frame| frame.is_ok()));
    assert_eq!(upstream.seen(), [""; 0]);
    // Pieces of a head without anything in them go on for ever as well.
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_STREAM, 1, &good()).await;
    let mut sent = 0;
    while sent < 100_000 && raw.send(CONTINUATION, 0, 1, b"").await {
        sent += 1;
    }
    assert!(sent < 100_000, "{sent} empty pieces of a head were taken");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_asks_for_answers_and_reads_none_loses_the_connection(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.slow_ms = 300).await;
    for (kind, payload) in [(PING, vec![0; 8]), (SETTINGS, setting(4, 65_535))] {
        let mut raw = Raw::open(&secure, "portal.test", &[]).await;
        let length = u8::try_from(payload.len()).unwrap();
        let many = [&[0, 0, length, kind, 0, 0, 0, 0, 0][..], &payload].concat().repeat(500);
        let flooding = async { while raw.0.write_all(&many).await.is_ok() {} };
        tokio::time::timeout(4 * PATIENCE, flooding).await.expect("its answers pile up somewhere");
    }
    assert_eq!(secure.ask(get("https://portal.test/")).await.body(), "portal");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_body_of_empty_pieces_is_no_body(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.slow_ms = 300).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
    raw.send(HEADERS, END_HEADERS, 1, &post()).await;
    let flooding = async {
        while raw.send(DATA, 0, 1, b"").await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, flooding).await.expect("it goes on");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_makes_us_take_back_requests_all_the_time_loses_the_connection_too(db: PgPool) {
    let secure = Secure::with(db, |settings| {
        settings.limits.most_cancelled = 20;
        settings.limits.cancelled_forgotten = 0;
    })
    .await;
    let upstream = Upstream::new(|_, _| Act::Slowly(PATIENCE, ok("late"))).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    // Not a word about taking anything back: a mistake in each request makes us do it (CVE-2025-8671).
    for mistake in [(WINDOW_UPDATE, vec![0; 4]), (DATA, b"after the end".to_vec())] {
        let mut raw = Raw::open(&secure, "a.apps.test", &[]).await;
        let mut requests = 0;
        while requests < 200 {
            let stream = requests * 2 + 1;
            raw.send(HEADERS, END_HEADERS | END_STREAM, stream, &good()).await;
            raw.send(PING, 0, 0, b"12345678").await;
            if raw.next(&[PING]).await.is_none() {
                break;
            }
            raw.send(mistake.0, 0, stream, &mistake.1).await;
            requests += 1;
        }
        assert!(requests < 100, "{requests} requests were made to be taken back");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_head_that_does_not_go_on_ends_the_connection_and_a_pause_between_heads_does_not(db: PgPool) {
    let secure = Secure::with(db, |settings| settings.limits.head_ms = 300).await;
    let upstream = Upstream::answering(ok("a")).await;
    secure.world.serves_over_https("a.apps.test", &upstream).await;
    let mut patient = Raw::open(&secure, "a.apps.test", &[]).await;
    patient.send(HEADERS, END_HEADERS | END_STREAM, 1, &good()).await;
    assert!(patient.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap().is_ok());

    let mut begun = Raw::open(&secure, "a.apps.test", &[]).await;
    begun.send(HEADERS, END_STREAM, 1, &good()).await;
    begun.reads_until_closed().await;
    // Half a frame.
    let mut half = Raw::open(&secure, "a.apps.test", &[]).await;
    half.0.write_all(&[0, 0, 200, HEADERS, END_HEADERS | END_STREAM, 0, 0, 0, 1, 0]).await.unwrap();
    half.0.flush().await.unwrap();
    half.reads_until_closed().await;

    patient.send(HEADERS, END_HEADERS | END_STREAM, 3, &good()).await;
    assert!(patient.next(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap().is_ok(), "it was idle for longer than that");
}
