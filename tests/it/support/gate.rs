//! A gate before a database server: closed, it is as if the server were away; it can also break one connection off, or
//! let every message wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The gate. Ends with the test.
pub struct Gate {
    port: u16,
    is_open: watch::Sender<bool>,
    messages: Arc<Messages>,
}

/// What happens to messages on their way to the server.
struct Messages {
    left: AtomicI64,
    wait_ms: AtomicU64,
}

impl Gate {
    /// Opens a gate before the server of these options.
    pub async fn before(server: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, state) = watch::channel(true);
        let messages = Arc::new(Messages { left: AtomicI64::new(i64::MAX), wait_ms: AtomicU64::new(0) });
        let (passing, server) = (Arc::clone(&messages), (server.get_host().to_owned(), server.get_port()));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (state, passing, server) = (state.clone(), Arc::clone(&passing), server.clone());
                tokio::spawn(async move { drop(passed(client, server, state, &passing).await) });
            }
        });
        Self { port, is_open, messages }
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
        self.messages.left.store(nth, Ordering::SeqCst);
    }

    /// Lets every message wait so long before the server gets it: a server that is slow with every answer.
    pub fn slow(&self, wait: Duration) {
        self.messages.wait_ms.store(wait.as_millis().try_into().unwrap(), Ordering::SeqCst);
    }

    /// Whether the message to break off at has come.
    pub fn has_broken_off(&self) -> bool {
        self.messages.left.load(Ordering::SeqCst) <= 0
    }
}

async fn passed(
    mut client: TcpStream,
    server: (String, u16),
    mut state: watch::Receiver<bool>,
    messages: &Messages,
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
                tokio::time::sleep(Duration::from_millis(messages.wait_ms.load(Ordering::SeqCst))).await;
                server.write_all(&asked[..read]).await?;
                if messages.left.fetch_sub(1, Ordering::SeqCst) == 1 {
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
