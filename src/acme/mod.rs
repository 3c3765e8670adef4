//! Certificates from an authority that speaks ACME (RFC 8555). The only file that names instant-acme.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error as Cause, Identifier, NewAccount, NewOrder,
    OrderStatus, RetryPolicy,
};

/// How long the authority may take to look at our answers, and then to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(60));

/// An authority, as the operator names it.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The address of its directory.
    pub directory: String,
    /// Whom it may write to.
    pub contact: Option<String>,
    /// Certificates that it may identify itself with, in PEM, when it is no public one.
    pub root_file: Option<PathBuf>,
}

/// How we show that a name is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The host itself answers over HTTP.
    Http01,
    /// A TXT record of the name says so.
    Dns01,
}

/// What an authority wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The name, without `*.`.
    pub name: String,
    /// Names the question (HTTP-01).
    pub token: String,
    /// What the host has to answer (HTTP-01).
    pub answer: String,
    /// What the TXT record has to say (DNS-01).
    pub text: String,
}

/// Shows an authority what it wants to see.
pub trait Shows: Sync {
    /// How.
    fn method(&self) -> Method;

    /// Shows it to the world before the authority looks.
    fn show(&self, challenge: &Challenge) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Takes back whatever was shown.
    fn hide(&self) -> impl Future<Output = ()> + Send;
}

/// A certificate that was got, with its private key.
pub struct Issued {
    /// The chain in PEM, the certificate first.
    pub chain_pem: String,
    /// The private key in PEM.
    pub key_pem: String,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authority said no; it will say so again until something changes.
    #[error("the certificate authority refused: {0}")]
    Refused(String),
    /// The authority, or what stands between it and us, did not work.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Api(problem) => {
                let about = |list: &[instant_acme::Subproblem]| {
                    list.iter().filter_map(|sub| sub.detail.clone()).collect::<Vec<_>>().join("; ")
                };
                let kind = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or("problem");
                let detail = problem.detail.clone().unwrap_or_else(|| about(&problem.subproblems));
                Self::Refused(format!("{kind}: {detail}"))
            }
            cause => Self::Failed(anyhow::Error::new(cause).context("talk to the certificate authority")),
        }
    }
}

impl Authority {
    fn builder(&self) -> Result<instant_acme::AccountBuilder, Error> {
        Ok(match &self.root_file {
            Some(root) => Account::builder_with_root(root)?,
            None => Account::builder()?,
        })
    }

    /// Opens an account, and returns what is needed to use it: a secret.
    pub async fn open_account(&self) -> Result<Vec<u8>, Error> {
        let contact: Vec<&str> = self.contact.as_deref().into_iter().collect();
        let account = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (_, credentials) = self.builder()?.create(&account, self.directory.clone(), None).await?;
        Ok(serde_json::to_vec(&credentials).context("write the account's credentials")?)
    }

    /// Orders a certificate. Whatever was shown is hidden again, also when something fails.
    pub async fn order(&self, credentials: &[u8], names: &[String], by: &impl Shows) -> Result<Issued, Error> {
        let credentials: AccountCredentials =
            serde_json::from_slice(credentials).context("read the account's credentials")?;
        let account = self.builder()?.from_credentials(credentials).await?;
        let issued = order(&account, names, by).await;
        by.hide().await;
        issued
    }
}

async fn order(account: &Account, names: &[String], by: &impl Shows) -> Result<Issued, Error> {
    let identifiers: Vec<Identifier> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let kind = match by.method() {
        Method::Http01 => ChallengeType::Http01,
        Method::Dns01 => ChallengeType::Dns01,
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            // It remembers that we have shown it lately.
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            status => return Err(Error::Refused(format!("the authorization is {status:?}"))),
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization
            .challenge(kind.clone())
            .ok_or_else(|| Error::Refused("it does not offer the way in which we can answer".to_owned()))?;
        let key = challenge.key_authorization();
        by.show(&Challenge {
            name: name.trim_start_matches("*.").to_owned(),
            token: challenge.token.clone(),
            answer: key.as_str().to_owned(),
            text: key.dns_value(),
        })
        .await?;
        challenge.set_ready().await?;
    }
    if order.poll_ready(&PATIENCE).await? != OrderStatus::Ready {
        return Err(Error::Refused(reason(&mut order).await));
    }
    let key_pem = order.finalize().await?;
    let chain_pem = order.poll_certificate(&PATIENCE).await?;
    Ok(Issued { chain_pem, key_pem })
}

/// Asks what the authority saw instead.
async fn reason(order: &mut instant_acme::Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        let problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| problem.detail.clone().unwrap_or_default()));
    }
    if reasons.is_empty() { "the order became invalid".to_owned() } else { reasons.join("; ") }
}
