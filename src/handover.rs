//! Listening sockets pass from a process to its successor, so that nobody who connects meanwhile is refused.
//!
//! Whoever listens waits at a socket file as well. A successor that connects there is given the listening sockets themselves,
//! with those who wait in them, gets ready, and says so; only then does the first accept nothing more. When anything is in the
//! way the successor binds its addresses itself, as on a first start.

use std::future::pending;
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// The first byte: how the two speak. A successor that speaks otherwise asks for nothing.
const VERSION: u8 = 1;
/// A byte that a listening socket comes with.
const LISTENER: u8 = b'l';
/// There are no more of them.
const THAT_IS_ALL: u8 = b'.';
/// The successor's only word: it serves.
const READY: u8 = b'r';

/// For the one before to say the next thing. It has nothing to look up.
const ANSWER: Duration = Duration::from_secs(2);

/// For a successor to get ready: it may wait for databases that are away.
const PREPARATION: Duration = Duration::from_mins(1);

/// When no connection can be taken at the socket file, trying again at once would only burn the processor.
const BREATH: Duration = Duration::from_secs(1);

/// Why a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stopped,
    /// A successor serves in its place.
    Relieved,
}

/// What the process before left to this one: nothing on a first start.
#[derive(Debug, Default)]
pub struct Inheritance {
    listeners: Vec<TcpListener>,
    from: Option<StdStream>,
}

impl Inheritance {
    /// Asks the process that waits at a socket file, if there is one.
    pub async fn ask(path: &Path) -> Self {
        let asked = path.to_owned();
        let received = tokio::task::spawn_blocking(move || receive(&asked)).await.map_err(Error::other).flatten();
        match received {
            Ok(inheritance) => {
                tracing::info!(listeners = inheritance.listeners.len(), "takes over from the process before");
                inheritance
            }
            Err(error) => {
                // No file or nobody behind it: nobody was before.
                if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
                    tracing::warn!(%error, path = %path.display(), "the process before hands nothing over");
                }
                Self::default()
            }
        }
    }

    /// Takes the sockets that listen at one address.
    pub fn take(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let is_there = |listener: &mut TcpListener| listener.local_addr().is_ok_and(|at| at == address);
        self.listeners.extract_if(.., is_there).collect()
    }

    /// Tells the process before that everything it listened to is served here, or not wanted any more.
    pub fn is_served(self) {
        if let Some(mut from) = self.from {
            // If it is gone it accepts nothing more either.
            let _ = from.write_all(&[READY]);
        }
    }
}

fn receive(path: &Path) -> std::io::Result<Inheritance> {
    let stream = StdStream::connect(path)?;
    stream.set_read_timeout(Some(ANSWER))?;
    let (version, _) = receive_one(&stream)?;
    if version != VERSION {
        return Err(Error::new(ErrorKind::Unsupported, "it speaks otherwise"));
    }
    let mut listeners = Vec::new();
    loop {
        match receive_one(&stream)? {
            (LISTENER, Some(socket)) => listeners.push(TcpListener::from(socket)),
            (THAT_IS_ALL, None) => return Ok(Inheritance { listeners, from: Some(stream) }),
            _ => return Err(Error::new(ErrorKind::InvalidData, "it speaks nonsense")),
        }
    }
}

/// Reads one byte and the socket that came with it.
fn receive_one(stream: &StdStream) -> std::io::Result<(u8, Option<OwnedFd>)> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let socket = beside.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    Ok((byte[0], socket))
}

/// Waits until `stop`, or until a successor that was given the listeners serves.
///
/// They are closed here when this returns. What waits in them is lost only where nobody else has them.
pub async fn until_end(path: &Path, listeners: Vec<TcpListener>, stop: &CancellationToken) -> End {
    tokio::select! {
        () = stop.cancelled() => End::Stopped,
        () = successor(path, listeners) => End::Relieved,
    }
}

async fn successor(path: &Path, listeners: Vec<TcpListener>) {
    let mut door = match Door::open(path) {
        Ok(door) => door,
        Err(error) => {
            tracing::info!(%error, path = %path.display(), "whoever comes after will have to listen anew");
            return pending().await;
        }
    };
    loop {
        let Ok((mut stream, _)) = door.listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        match tokio::time::timeout(PREPARATION, hand_over(&mut stream, &listeners))
            .await
            .map_err(Error::other)
            .flatten()
        {
            Ok(()) => break,
            Err(error) => tracing::warn!(%error, "a successor asked and did not get ready"),
        }
    }
    tracing::info!("a successor serves from now on");
    door.is_the_successors = true;
}

/// The socket file, which only this user opens.
#[derive(Debug)]
struct Door {
    listener: UnixListener,
    path: PathBuf,
    is_the_successors: bool,
}

impl Door {
    /// Made beside and renamed: it takes the place of the one before, whose process may still be there.
    fn open(path: &Path) -> std::io::Result<Self> {
        let beside = path.with_extension("new");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&beside)?;
        std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&beside, path)?;
        Ok(Self { listener, path: path.to_owned(), is_the_successors: false })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if !self.is_the_successors {
            // A file that is left finds nobody behind it: that is a first start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn hand_over(stream: &mut UnixStream, listeners: &[TcpListener]) -> std::io::Result<()> {
    send(stream, VERSION, &[]).await?;
    for listener in listeners {
        send(stream, LISTENER, &[listener.as_fd()]).await?;
    }
    send(stream, THAT_IS_ALL, &[]).await?;
    match stream.read_u8().await? {
        READY => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidData, "it speaks nonsense")),
    }
}

async fn send(stream: &UnixStream, byte: u8, sockets: &[BorrowedFd<'_>]) -> std::io::Result<()> {
    let sending = || {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !sockets.is_empty() {
            beside.push(SendAncillaryMessage::ScmRights(sockets));
        }
        sendmsg(stream, &[IoSlice::new(&[byte])], &mut beside, SendFlags::NOSIGNAL)?;
        Ok(())
    };
    stream.async_io(Interest::WRITABLE, sending).await
}
