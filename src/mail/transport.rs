//! How mails leave: by SMTP, or into the catcher on somebody's own machine. The only file that names lettre.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use sqlx::PgPool;

use super::{Message, store};
use crate::base::ids::JobId;
use crate::base::secret::Secret;
use crate::config::{Mail, Mode, Public};

/// A mail server that answers slower than this is tried again later.
const SMTP_LIMIT: Duration = Duration::from_secs(20);

/// How long a server may take to say goodbye.
const GOODBYE_LIMIT: Duration = Duration::from_secs(1);

/// Sends mails.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    /// Right side of the mails' own identifiers.
    host: String,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Smtp(AsyncSmtpTransportBuilder),
    Catcher(PgPool),
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The server refused this mail for good: the receiver does not exist, for example.
    #[error("the mail was refused for good")]
    Refused(#[source] anyhow::Error),
    /// Worth another try: the server is away, slow, or asks for patience.
    #[error("the mail did not leave")]
    Failed(#[source] anyhow::Error),
}

/// Asks a mail server whether it would take mails from us. Sends none.
pub async fn answers(url: &Secret<String>, limit: Duration) -> anyhow::Result<bool> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
        .ok()
        .context("[mail] smtp_url must look like smtps://user:password@host:465")?
        .timeout(Some(limit))
        .build::<Tokio1Executor>();
    let asked = tokio::time::timeout(limit, transport.test_connection()).await;
    asked.with_context(|| format!("no answer in {} seconds", limit.as_secs()))?.context("ask the mail server")
}

/// Whether the server does not let us in (RFC 4954): no fault of the mail, which goes once the password is mended.
fn is_about_us(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530..=539))
}

impl Mailer {
    /// Makes the mailer that the configuration asks for.
    pub fn new(mail: &Mail, public: &Public, db: &PgPool) -> anyhow::Result<Self> {
        let way = match &mail.smtp_url {
            Some(url) => Way::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())
                    .ok()
                    .context(
                        "[mail] smtp_url must look like smtps://user:password@host:465 or smtp://host:587?tls=required",
                    )?
                    .timeout(Some(SMTP_LIMIT)),
            ),
            None if public.mode == Mode::Development => Way::Catcher(db.clone()),
            None => anyhow::bail!("[mail] smtp_url is missing"),
        };
        let from = mail.from.parse().context("[mail] from must look like: Sayoo <portal@example.com>")?;
        Ok(Self { from, host: public.portal_host(), way })
    }

    /// Sends a mail. Sent twice for the same job it has the same identifier; the catcher keeps it once.
    pub async fn send(&self, job: JobId, message: &Message, now: DateTime<Utc>) -> Result<(), SendError> {
        match &self.way {
            Way::Catcher(pool) => {
                store::catch(pool, job, message, now).await.map_err(|error| SendError::Failed(error.into()))
            }
            Way::Smtp(smtp) => {
                let mail = self.built(job, message).map_err(SendError::Refused)?;
                // A connection for each mail: the answer that one was not waited for must not be taken for the next one's.
                let smtp = smtp.clone().build::<Tokio1Executor>();
                // lettre's own limit is for connecting only: a server may also accept and say nothing.
                let sent = tokio::time::timeout(SMTP_LIMIT, smtp.send(mail)).await;
                // Whether the server says goodbye changes nothing.
                drop(tokio::time::timeout(GOODBYE_LIMIT, smtp.shutdown()).await);
                match sent {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) if error.is_permanent() && !is_about_us(&error) => {
                        Err(SendError::Refused(error.into()))
                    }
                    Ok(Err(error)) => Err(SendError::Failed(error.into())),
                    Err(_) => Err(SendError::Failed(anyhow::anyhow!("the mail server does not answer"))),
                }
            }
        }
    }

    fn built(&self, job: JobId, message: &Message) -> anyhow::Result<lettre::Message> {
        let mut parts = MultiPart::alternative_plain_html(message.text.clone(), message.html.clone());
        if !message.attachments.is_empty() {
            parts = MultiPart::mixed().multipart(parts);
            for file in &message.attachments {
                let kind = ContentType::parse(file.media_type).context("read the kind of a file")?;
                parts = parts.singlepart(Attachment::new(file.name.clone()).body(file.content.clone(), kind));
            }
        }
        lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, message.to.parse().context("read the receiver's address")?))
            .subject(message.subject.clone())
            .message_id(Some(format!("<{job}@{}>", self.host)))
            .multipart(parts)
            .context("build the mail")
    }
}
