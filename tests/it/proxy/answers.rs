//! Answers that are not what an upstream should say, or not when.

use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{Act, PATIENCE, Upstream, World, header, ok, read_all, read_until};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn announcements_of_an_answer_are_not_passed_on_and_do_not_go_on_for_ever(db: PgPool) {
    let world = World::new(db).await;
    let hints =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
    let polite = Upstream::answering(format!("{hints}{}", ok("after all"))).await;
    world.serves("a.test", &polite).await;
    for _ in 0..3 {
        let answer = world.get("a.test", "/").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nafter all"), "{answer}");
        assert!(!answer.contains("</a>"));
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.route("b.test", "serving", &[listener.local_addr().unwrap()]).await;
    world.knows("b.test").await;
    let babbling = async {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_until(&mut stream, "\r\n\r\n").await;
            while stream.write_all(hints.as_bytes()).await.is_ok() {}
        }
    };
    tokio::select! {
        () = babbling => {}
        answer = world.get("b.test", "/") => assert!(answer.starts_with("HTTP/1.1 502"), "{answer}"),
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_follows_an_answer_that_has_no_body_is_nobody_s_answer(db: PgPool) {
    let world = World::new(db).await;
    for (host, head) in [
        ("a.test", "HTTP/1.1 204 No Content\r\n"),
        ("b.test", "HTTP/1.1 304 Not Modified\r\n"),
        ("c.test", "HTTP/1.1 204 No Content\r\nContent-Length: 64\r\n"),
        ("d.test", "HTTP/1.1 304 Not Modified\r\nContent-Length: 64\r\n"),
    ] {
        let upstream = Upstream::new(move |number, _| match number {
            0 => Act::Answer(format!("{head}\r\n{}", ok("poison"))),
            _ => Act::Answer(ok("right")),
        })
        .await;
        world.serves(host, &upstream).await;
        let first = world.get(host, "/").await;
        assert!(first.starts_with(head.trim_end().split("\r\n").next().unwrap()), "{host}: {first}");
        assert!(first.ends_with("\r\n\r\n") && !first.contains("poison"), "{host}: {first}");
        for _ in 0..4 {
            let next = world.get(host, "/").await;
            assert!(next.starts_with("HTTP/1.1 200") && next.ends_with("right"), "{host}: {next}");
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_answer_that_ends_with_its_connection_arrives_whole(db: PgPool) {
    let world = World::new(db).await;
    let body = "x".repeat(300_000);
    let upstream = Upstream::new({
        let body = body.clone();
        move |_, _| Act::AnswerAndClose(format!("HTTP/1.1 200 OK\r\n\r\n{body}"))
    })
    .await;
    world.serves("a.test", &upstream).await;
    let answer = world.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{} bytes", answer.len());
    let answer = world.get("a.test", "/").await;
    assert_eq!(header(&answer, "transfer-encoding"), Some("chunked"));
    assert!(answer.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(answer.matches('x').count() - answer.split("\r\n\r\n").next().unwrap().matches('x').count(), 300_000);

    // One that is cut off is not passed off as whole.
    let cut =
        Upstream::new(|_, _| Act::AnswerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart".to_owned())).await;
    world.serves("b.test", &cut).await;
    let answer = world.get("b.test", "/").await;
    assert!(header(&answer, "content-length") == Some("9") && !answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_answer_during_an_upload_reaches_the_visitor(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 24).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.route("a.test", "serving", &[listener.local_addr().unwrap()]).await;
    world.knows("a.test").await;
    let refusing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
        stream.read_exact(&mut vec![0; 10_000]).await.unwrap();
        let answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 6\r\nConnection: close\r\n\r\nenough";
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    };
    let uploading = async {
        let mut stream = world.connect().await;
        let head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b'x'; 100_000]).await.unwrap();
        read_until(&mut stream, "enough").await
    };
    let (_stream, answer) = tokio::join!(refusing, uploading);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_asks_whether_to_send_a_body_is_told_so_once(db: PgPool) {
    let world = World::with(db, |settings| settings.max_body_bytes = 1 << 24).await;
    let upstream = Upstream::answering(ok("done")).await;
    world.serves("a.test", &upstream).await;
    for length in [4, 200_000] {
        let mut stream = world.connect().await;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(read_until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(&vec![b'x'; length]).await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    }
    assert!(upstream.seen().iter().all(|request| header(request, "expect").is_none()));
    // Nobody is asked for a body that is refused anyway.
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 99000000\r\n\r\n";
    let answer = tokio::time::timeout(PATIENCE, world.send(head)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_cannot_be_read_at_all_is_answered_with_a_page_and_a_name_for_the_request(db: PgPool) {
    let world = World::new(db).await;
    let long = "x".repeat(100_000);
    let page = "Accept: text/html\r\n";
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: portal.test\r\nno header\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: portal.test\r\nX: {long}\r\n\r\n"), "431"),
        (format!("TRACE / HTTP/1.1\r\nHost: portal.test\r\n{page}\r\n"), "405"),
        (format!("CONNECT portal.test:80 HTTP/1.1\r\nHost: portal.test:80\r\n{page}\r\n"), "405"),
    ] {
        let answer = world.send(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let id = header(&answer, "x-request-id").unwrap_or_else(|| panic!("no name: {answer}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.contains("<html") && body.contains(id), "{answer}");
        assert_eq!(header(head, "content-length"), Some(body.len().to_string().as_str()));
    }
    // After an answer too; and what an instance says is left alone.
    let upstream =
        Upstream::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 28\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n")
            .await;
    world.serves("a.test", &upstream).await;
    let mut stream = world.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert_eq!(header(&head, "content-length"), Some("28"));
        read_until(&mut stream, "HTTP/1.1 400 Bad Request\r\n\r\n").await;
    }
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    assert!(read_all(&mut stream).await.contains("<html"));
}
