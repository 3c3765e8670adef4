//! A mail server that takes mails, puts them off, refuses them or never answers, as a test wants: as much of RFC 5321 as
//! a sender needs.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What happens to a command instead of being obeyed.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answered with this line.
    Says(&'static str),
    /// Never answered, until the sender gives up.
    Hangs,
}

/// The server. Ends with the test.
pub struct MailServer {
    address: String,
    login: Option<(&'static str, &'static str)>,
    book: Arc<Book>,
}

/// What it has in mind and what it took.
#[derive(Default)]
struct Book {
    faults: Mutex<VecDeque<(&'static str, Fault)>>,
    letters: Mutex<Vec<Letter>>,
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The envelope's sender.
    pub sender: String,
    /// The envelope's receivers.
    pub receivers: Vec<String>,
    pub raw: String,
}

impl MailServer {
    /// A server that takes mails from anybody, or only after this user logged in with this password.
    pub async fn new(login: Option<(&'static str, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let book = Arc::<Book>::default();
        let taking = Arc::clone(&book);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let book = Arc::clone(&taking);
                // A sender that goes away in the middle is its own affair.
                tokio::spawn(async move { drop(serve(client, &book, login).await) });
            }
        });
        Self { address, login, book }
    }

    /// Its address as it is configured.
    pub fn url(&self) -> String {
        match self.login {
            Some((user, password)) => format!("smtp://{user}:{password}@{}", self.address),
            None => format!("smtp://{}", self.address),
        }
    }

    /// The next of these commands (`RCPT`; `.` ends a mail) meets the fault.
    pub fn meets(&self, command: &'static str, fault: Fault) {
        self.book.faults.lock().unwrap().push_back((command, fault));
    }

    /// What arrived, the oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        self.book.letters.lock().unwrap().clone()
    }
}

impl Book {
    fn fault(&self, command: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let place = faults.iter().position(|(met, _)| *met == command)?;
        faults.remove(place).map(|(_, fault)| fault)
    }
}

async fn serve(client: TcpStream, book: &Book, login: Option<(&str, &str)>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    client.write_all(b"220 mail.example.com ESMTP\r\n").await?;
    let (mut is_known, mut sender, mut receivers) = (login.is_none(), String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let command = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        if met(&mut client, book, &command).await? {
            continue;
        }
        let mut answer = "250 2.0.0 Ok";
        match command.as_str() {
            "EHLO" if login.is_some() => answer = "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "EHLO" => answer = "250-mail.example.com\r\n250 8BITMIME",
            "AUTH" => {
                let (user, password) = login.unwrap_or_default();
                is_known = line == format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{user}\0{password}")));
                answer = if is_known { "235 2.7.0 Welcome" } else { "535 5.7.8 Not you" };
            }
            "MAIL" if !is_known => answer = "530 5.7.0 Log in first",
            "MAIL" => sender = path_of(line),
            "RCPT" => receivers.push(path_of(line)),
            "DATA" => {
                client.write_all(b"354 Go on\r\n").await?;
                let raw = text(&mut client).await?;
                if met(&mut client, book, ".").await? {
                    continue;
                }
                let letter = Letter { sender: sender.clone(), receivers: std::mem::take(&mut receivers), raw };
                book.letters.lock().unwrap().push(letter);
            }
            "RSET" => receivers.clear(),
            "NOOP" => {}
            "QUIT" => return client.write_all(b"221 2.0.0 Bye\r\n").await,
            _ => answer = "502 5.5.1 Not here",
        }
        client.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// Lets a command meet its fault, if there is one for it.
async fn met(client: &mut BufReader<TcpStream>, book: &Book, command: &str) -> io::Result<bool> {
    match book.fault(command) {
        None => return Ok(false),
        Some(Fault::Says(answer)) => client.write_all(format!("{answer}\r\n").as_bytes()).await?,
        Some(Fault::Hangs) => while client.read(&mut [0; 1024]).await? > 0 {},
    }
    Ok(true)
}

/// Reads a mail up to the line with a dot alone.
async fn text(client: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut raw = String::new();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(raw);
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn path_of(line: &str) -> String {
    let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    path.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

impl Letter {
    /// A header as a person reads it; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        header(&self.raw, name)
    }

    /// The part of this type as a person reads it.
    #[track_caller]
    pub fn part(&self, kind: &str) -> String {
        let boundary = self.header("Content-Type");
        let boundary = boundary.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
        let boundary = format!("--{}", boundary.expect("a mail of several parts"));
        let part = self.raw.split(&boundary).find(|part| header(part.trim_start(), "Content-Type").starts_with(kind));
        let part = part.unwrap_or_else(|| panic!("no {kind} in {}", self.raw)).trim_start();
        let body = part.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let bytes = match header(part, "Content-Transfer-Encoding").as_str() {
            "base64" => STANDARD.decode(body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => unquoted(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn header(text: &str, name: &str) -> String {
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let named = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let value = named.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next();
    let mut read = String::new();
    let mut was_encoded = false;
    for word in value.unwrap_or_default().split(' ') {
        let encoded = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        // Between two encoded words a space stands for nothing.
        let are_one = was_encoded && encoded.is_some();
        if !read.is_empty() && !are_one {
            read.push(' ');
        }
        was_encoded = encoded.is_some();
        match encoded {
            Some(encoded) => read.push_str(&String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()),
            None => read.push_str(word),
        }
    }
    read
}

/// Reads quoted-printable (RFC 2045).
fn unquoted(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, others @ ..] = rest {
        rest = match (first, others) {
            (b'=', [b'\r', b'\n', after @ ..]) => after,
            (b'=', [high, low, after @ ..]) => {
                bytes.extend(hex::decode([*high, *low]).unwrap());
                after
            }
            _ => {
                bytes.push(*first);
                others
            }
        };
    }
    bytes
}
