//! A gate before a database server: closed, it is as if the server were away; it can also break one connection off.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The gate. Ends with the test.
pub struct Gate {
    port: u16,
    is_open: watch::Sender<bool>,
    messages_left: Arc<AtomicI64>,
}

impl Gate {
    /// Opens a gate before the server of these options.
    pub async fn before(server: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, state) = watch::channel(true);
        let messages_left = Arc::new(AtomicI64::new(i64::MAX));
        let (left, server) = (Arc::clone(&messages_left), (server.get_host().to_owned(), server.get_port()));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (state, left, server) = (state.clone(), Arc::clone(&left), server.clone());
                tokio::spawn(async move { drop(passed(client, server, state, &left).await) });
            }
        });
        Self { port, is_open, messages_left }
    }

    /// The same address, by way of the gate.
    pub fn options(&self, server: PgConnectOptions) -> PgConnectOptions {
        server.host("127.0.0.1").port(self.port)
    }

    /// The same address as a text.
    pub fn url(&self, server: &str) -> String {
        self.options(server.parse().unwrap()).to_url_lossy().to_string()
    }

    /// Breaks every connection off and lets no other in.
    pub fn close(&self) {
        self.is_open.send_replace(false);
    }

    /// Lets all in again.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Breaks one connection off, right after the server got the `nth` message from now on: nobody hears its answer.
    pub fn break_off_after(&self, nth: i64) {
        self.messages_left.store(nth, Ordering::SeqCst);
    }

    /// Whether the message to break off at has come.
    pub fn has_broken_off(&self) -> bool {
        self.messages_left.load(Ordering::SeqCst) <= 0
    }
}

async fn passed(
    mut client: TcpStream,
    server: (String, u16),
    mut state: watch::Receiver<bool>,
    messages_left: &AtomicI64,
) -> std::io::Result<()> {
    if !*state.borrow_and_update() {
        return Ok(());
    }
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                server.write_all(&asked[..read]).await?;
                if messages_left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    return Ok(());
                }
            }
            read = server.read(&mut answered) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..read]).await?;
            }
            _ = state.changed() => return Ok(()),
        }
    }
}
