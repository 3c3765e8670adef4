//! Mails that leave by SMTP, to a server that takes them, puts them off, refuses them, or is away or slow.

use std::future::Future;
use std::pin::pin;

use chrono::TimeDelta;
use futures_util::future::{self, Either};
use sayoo::jobs::worker;
use sayoo::mail::transport::Mailer;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, Person, World, mailer};
use crate::support::smtp::{Fault, Letter, MailServer};

/// State, tries and error of every mail's job, the oldest first.
async fn mails(pool: &PgPool) -> Vec<(String, i32, Option<String>)> {
    let sql = "SELECT state, attempts, last_error FROM jobs WHERE kind = 'send_letter' ORDER BY id";
    sqlx::query_as(sql).fetch_all(pool).await.unwrap()
}

/// Sends whatever is due.
async fn send(world: &World, mailer: &Mailer) {
    while worker::turn(&world.portal, mailer).await.unwrap() {}
}

/// The path of the link in a mail's plain text; the HTML has the same one.
fn link(world: &World, letter: &Letter) -> String {
    let (plain, html) = (letter.part("text/plain"), letter.part("text/html"));
    let link = plain.lines().find(|line| line.starts_with(&world.url)).unwrap_or_else(|| panic!("no link: {plain}"));
    assert!(html.contains(&format!("href=\"{link}\"")), "{link} is not in {html}");
    link[world.url.len()..].to_owned()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_mail_of_a_sign_up_arrives_in_the_customer_s_language_and_its_link_lets_them_in(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let server = MailServer::new(Some(("portal", "quiet-river"))).await;
    let mailer = mailer(&world.portal, Some(server.url()));
    for (lang, name, email, subject, hello) in [
        ("fr", "Zoé", "zoe@example.com", "Confirmez votre adresse e-mail", "Bonjour Zoé,"),
        ("ar", "أمينة", "amina@example.com", "أكّد بريدك الإلكتروني", "مرحبًا أمينة،"),
    ] {
        let customer = world.stranger();
        customer.post("/preferences", &[("lang", lang)]).await;
        customer.sign_up(name, email, PASSWORD).await.assert_redirect("/signup/check-mail");
        send(&world, &mailer).await;

        let letters = server.letters();
        let letter = letters.last().expect("a mail");
        assert_eq!(
            (letter.sender.as_str(), letter.receivers.as_slice()),
            ("portal@example.com", &[email.to_owned()][..])
        );
        assert_eq!(letter.header("From"), "Sayoo <portal@example.com>");
        assert_eq!((letter.header("To"), letter.header("Subject")), (email.to_owned(), subject.to_owned()));
        assert!(!letter.header("Date").is_empty());
        // The clock stands still here: the newest job is not told from the one before by its number.
        let named = letter.header("Message-ID");
        let job = named.strip_prefix('<').and_then(|rest| rest.strip_suffix("@127.0.0.1>")).unwrap_or(&named);
        let sql = "SELECT count(*) FROM jobs WHERE id::text = $1";
        let jobs: i64 = sqlx::query_scalar(sql).bind(job).fetch_one(&pool).await.unwrap();
        assert_eq!(jobs, 1, "{named}");
        assert!(letter.header("Content-Type").starts_with("multipart/alternative"));
        // What is put into a text has marks around it that keep its direction.
        let read = |kind| letter.part(kind).replace(['\u{2068}', '\u{2069}'], "");
        let (plain, html) = (read("text/plain"), read("text/html"));
        assert!(plain.contains(hello), "{plain}");
        assert!(html.contains(hello) && html.contains(&format!("lang=\"{lang}\"")), "{html}");
        customer.post(&link(&world, letter), &[]).await.assert_redirect("/instances");
    }
    assert_eq!(server.letters().len(), 2);
    assert!(mails(&pool).await.iter().all(|(state, tries, error)| state == "done" && *tries == 1 && error.is_none()));
    let caught: i64 = sqlx::query_scalar("SELECT count(*) FROM caught_mails").fetch_one(&pool).await.unwrap();
    assert_eq!(caught, 0, "what is sent is not caught too");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_that_is_put_off_is_tried_again_later_and_arrives_once(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let server = MailServer::new(None).await;
    let mailer = mailer(&world.portal, Some(server.url()));
    for (number, (command, says)) in [
        ("MAIL", "421 4.3.2 Closing for a moment"),
        ("RCPT", "451 4.7.1 Greylisted, come back later"),
        (".", "452 4.3.1 No room on my disk"),
    ]
    .into_iter()
    .enumerate()
    {
        server.meets(command, Fault::Says(says));
        let zoe = world.stranger();
        let email = format!("zoe{number}@example.com");
        zoe.sign_up("Zoé", &email, PASSWORD).await.assert_redirect("/signup/check-mail");
        send(&world, &mailer).await;
        assert_eq!(server.letters().len(), number, "{command}");
        let (state, tries, error) = mails(&pool).await.pop().unwrap();
        assert_eq!((state.as_str(), tries), ("due", 1), "{command}");
        assert!(error.as_ref().is_some_and(|error| error.contains(&says[10..])), "{command}: {error:?}");
        world.staff().await.get("/staff/queue").await.assert_says(200, &says[10..]);

        send(&world, &mailer).await;
        assert_eq!(server.letters().len(), number, "{command}: it waits a moment");
        // A mail that was taken is no second one because the server says no goodbye.
        server.meets("QUIT", Fault::Hangs);
        world.wait(TimeDelta::seconds(6));
        send(&world, &mailer).await;
        assert_eq!(server.letters().len(), number + 1, "{command}");
        world.wait(TimeDelta::hours(2));
        send(&world, &mailer).await;
        let letters = server.letters();
        assert_eq!(letters.len(), number + 1, "{command}: once");
        let (state, tries, error) = mails(&pool).await.pop().unwrap();
        assert_eq!((state.as_str(), tries, error), ("done", 2, None), "{command}");
        zoe.post(&link(&world, &letters[number]), &[]).await.assert_redirect("/instances");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_that_is_refused_for_good_is_given_up_and_staff_see_why_and_can_send_it_again(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let server = MailServer::new(None).await;
    let mailer = mailer(&world.portal, Some(server.url()));
    server.meets("RCPT", Fault::Says("550 5.1.1 No such user here"));
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    for _ in 0..3 {
        send(&world, &mailer).await;
        world.wait(TimeDelta::hours(2));
    }
    let (state, tries, error) = mails(&pool).await.pop().unwrap();
    assert_eq!((state.as_str(), tries, server.letters().len()), ("failed", 1, 0), "no second try");
    assert!(error.is_some_and(|error| error.contains("No such user here")));

    let staff = world.staff().await;
    let page = staff.get("/staff/queue").await;
    page.assert_says(200, "No such user here");
    page.assert_says(200, "given up");
    staff.post(&page.attribute("form[action*=\"/jobs/\"]", "action"), &[]).await.assert_redirect("/staff/queue");
    send(&world, &mailer).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    zoe.post(&link(&world, &letters[0]), &[]).await.assert_redirect("/instances");
    assert!(!staff.get("/staff/queue").await.words().contains("No such user here"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_server_that_refuses_our_password_is_said_and_nothing_is_lost(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let server = MailServer::new(Some(("portal", "quiet-river"))).await;
    let wrong = mailer(&world.portal, Some(server.url().replace("quiet-river", "loud-river")));
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    send(&world, &wrong).await;
    let (state, tries, error) = mails(&pool).await.pop().unwrap();
    assert_eq!((state.as_str(), tries), ("due", 1), "that is no fault of the mail");
    let error = error.unwrap_or_default();
    assert!(error.contains("Not you") && !error.contains("loud-river"), "{error}");
    assert!(server.letters().is_empty());
    world.wait(TimeDelta::seconds(6));
    send(&world, &mailer(&world.portal, Some(server.url()))).await;
    assert_eq!(server.letters().len(), 1);
}

/// Asks for everything that is told by mail, as somebody with an account.
async fn ask_for_mails(person: &Person, new_email: &str) {
    let (email, company) = (person.email.as_str(), format!("Works of {}", person.name));
    let asked = person.post("/forgot", &[("email", email)]).await;
    assert_eq!(asked.status, 303, "{}", asked.words());
    let change = [("email", new_email), ("password", PASSWORD)];
    person.post("/account/security/email", &change).await.assert_redirect("/account/security");
    let close = [("typed", company.as_str()), ("password", PASSWORD)];
    person.post("/account/close", &close).await.assert_redirect("/account/closing");
    person.get("/account/closing").await.assert_says(200, "being closed");
}

/// Runs what waits for a mail server while somebody uses pages; fails when the pages wait for it too.
async fn meanwhile(waits: impl Future<Output = ()>, pages: impl Future<Output = ()>) {
    match future::select(pin!(waits), pin!(pages)).await {
        Either::Left(_) => panic!("the pages were slower than a mail server that never answers"),
        Either::Right(((), waits)) => waits.await,
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_server_that_is_down_or_slow_keeps_nobody_waiting_and_every_mail_comes_later(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let server = MailServer::new(None).await;
    let good = mailer(&world.portal, Some(server.url()));
    let down = mailer(&world.portal, Some("smtp://127.0.0.1:9".to_owned()));
    for name in ["alice", "bob"] {
        let person = world.signed_up(name).await;
        let new_email = format!("{name}-new@example.com");
        ask_for_mails(&person, &new_email).await;
        let sent_before = server.letters().len();
        if name == "alice" {
            send(&world, &down).await;
        } else {
            for _ in 0..3 {
                server.meets("MAIL", Fault::Hangs);
            }
            let turn = || async { assert!(worker::turn(&world.portal, &good).await.unwrap()) };
            let waits = async {
                future::join3(turn(), turn(), turn()).await;
            };
            let pages = async {
                person.get("/account/closing").await.assert_says(200, "being closed");
                world.stranger().post("/forgot", &[("email", "nobody@example.com")]).await.assert_redirect("/login");
            };
            meanwhile(waits, pages).await;
        }
        assert_eq!(server.letters().len(), sent_before, "{name}");
        let waiting = mails(&pool).await.into_iter().filter(|(state, tries, _)| state == "due" && *tries == 1).count();
        assert_eq!(waiting, 3, "{name}: {:?}", mails(&pool).await);

        world.wait(TimeDelta::seconds(30));
        send(&world, &good).await;
        let came = server.letters().split_off(sent_before);
        let to = |address: &str, subject: &str| {
            let is_it =
                |letter: &&Letter| letter.receivers == [address] && letter.header("Subject").starts_with(subject);
            let all: Vec<&Letter> = came.iter().filter(is_it).collect();
            assert_eq!(all.len(), 1, "{subject} to {address} among {came:?}");
            link(&world, all[0])
        };
        let reset = to(&person.email, "Choose a new password");
        let confirm = to(&new_email, "Confirm your new e-mail address");
        let keep = to(&person.email, "Your account will be closed on");
        assert_eq!(came.len(), 3, "{came:?}");
        world.stranger().get(&reset).await.assert_says(200, "Choose a new password");
        world.stranger().get(&confirm).await.assert_says(200, &new_email);
        person.get(&keep).await.assert_says(200, "being closed");
    }
}
