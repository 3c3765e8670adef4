//! `/instances/{id}/domains`: the customer's own domains for an instance.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{by, find, forbidden_or_missing, formats, id};
use crate::accounts::policy::{self, Action};
use crate::base::hostname::{Hostname, HostnameError};
use crate::base::ids::{DomainId, EnvironmentId};
use crate::domains::{self, AddError, Domain, Refusal, State};
use crate::environments::{Environment, Wanted};
use crate::i18n::format::{Formats, When};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DomainForm {
    hostname: String,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    let page = DomainsPage::new(&portal, &member, &environment, DomainForm::default(), Problems::default()).await?;
    answer::page(&page)
}

/// Adds a domain, or says why not.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<DomainForm>) -> Answer {
    let environment = allowed(&portal, &member, id(&path)?).await?;
    let layout = &member.layout;
    let form = posted.form;
    let mut problems = Problems::default();
    match Hostname::parse(&form.hostname) {
        Ok(hostname) => match domains::add(&portal, &by(&member), environment.id, &hostname).await {
            Ok(Some(())) => {
                return answer::flash(urls::instance_domains(environment.id), FlashKind::Good, "domains-added");
            }
            Ok(None) => return Err(PageError::NotFound),
            Err(AddError::Refused(Refusal::BeingDeleted)) => {
                return answer::flash(urls::instance(environment.id), FlashKind::Bad, "instances-refused-deleting");
            }
            Err(AddError::Refused(why)) => problems.add("hostname", layout.t(refusal(why))),
            Err(AddError::Failed(cause)) => return Err(PageError::Failed(cause)),
        },
        Err(HostnameError::Empty) => problems.add("hostname", layout.t("domains-name-empty")),
        Err(HostnameError::Invalid) => problems.add("hostname", layout.t("domains-name-invalid")),
    }
    let page = DomainsPage::new(&portal, &member, &environment, form, problems).await?;
    answer::again(&page)
}

fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::Ours => "domains-refused-ours",
        Refusal::Known => "domains-refused-known",
        Refusal::TooMany => "domains-refused-too-many",
        Refusal::BeingDeleted => "instances-refused-deleting",
    }
}

/// Asks for another look at once.
pub async fn look(portal: Data<Portal>, member: Member, path: Path<(String, String)>, _: Posted<Button>) -> Answer {
    let (environment, domain) = ids(&portal, &member, &path).await?;
    domains::look_again(&portal, &by(&member), environment, domain).await?.ok_or(PageError::NotFound)?;
    answer::flash(urls::instance_domains(environment), FlashKind::Good, "domains-looking")
}

/// Removes a domain.
pub async fn remove(portal: Data<Portal>, member: Member, path: Path<(String, String)>, _: Posted<Button>) -> Answer {
    let (environment, domain) = ids(&portal, &member, &path).await?;
    domains::remove(&portal, &by(&member), environment, domain).await?.ok_or(PageError::NotFound)?;
    answer::flash(urls::instance_domains(environment), FlashKind::Good, "domains-removed")
}

async fn ids(
    portal: &Portal,
    member: &Member,
    path: &(String, String),
) -> Result<(EnvironmentId, DomainId), PageError> {
    let environment = allowed(portal, member, id(&path.0)?).await?;
    Ok((environment.id, id(&path.1)?))
}

/// Returns the instance, for somebody who may change it.
async fn allowed(portal: &Portal, member: &Member, environment: EnvironmentId) -> Result<Environment, PageError> {
    if let Err(error) = member.require(Action::SteerInstance) {
        return Err(forbidden_or_missing(portal, member, environment, error).await);
    }
    find(portal, member, environment).await
}

/// One domain on the page.
struct DomainLine {
    hostname: String,
    badge: &'static str,
    word: String,
    sentence: String,
    problem: String,
    looked: Option<When>,
    /// The record that proves it, while nothing does.
    proof: Option<Proof>,
    look: String,
    remove: String,
}

/// The two records of which one is enough.
struct Proof {
    txt_name: String,
    txt_value: String,
}

impl DomainLine {
    fn new(layout: &Layout, formats: Formats, domain: &Domain) -> Self {
        let problem = domain.problem.as_ref();
        let said = |name: &str| problem.and_then(|problem| problem[name].as_str()).unwrap_or_default().to_owned();
        let (badge, state) = match domain.state {
            State::Waiting => ("warning", "waiting"),
            State::Proven => ("working", "proven"),
            State::Serving => ("running", "serving"),
        };
        let until = domain.certified_until.filter(|_| domain.state == State::Serving);
        let sentence = match until {
            Some(until) => layout.t1("domains-certified", "until", formats.day(until)),
            None => layout.t(format!("domains-{state}-text")),
        };
        let key = said("key");
        let is_unproved = domain.state != State::Waiting && domain.is_unproved();
        Self {
            hostname: domain.hostname.to_string(),
            badge: if domain.state == State::Proven && !key.is_empty() || is_unproved { "warning" } else { badge },
            word: layout.t(format!("domains-{state}")),
            sentence,
            problem: if key.is_empty() {
                String::new()
            } else {
                layout.t2(&key, "reason", said("reason"), "addresses", said("addresses"))
            },
            looked: domain.looked_at.map(|at| formats.when(at, layout.now)),
            proof: (domain.state == State::Waiting || is_unproved).then(|| Proof {
                txt_name: domains::txt_name(&domain.hostname),
                txt_value: domains::txt_value(&domain.token),
            }),
            look: urls::look_at_domain(domain.environment, domain.id),
            remove: urls::remove_domain(domain.environment, domain.id),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/instances/domains.html")]
struct DomainsPage {
    layout: Layout,
    name: String,
    /// The instance's own host name: where the domains have to lead.
    own_host: String,
    domains: Vec<DomainLine>,
    is_moving: bool,
    can_change: bool,
    form: DomainForm,
    problems: Problems,
    list_url: String,
    instance_url: String,
    usage_url: String,
    logs_url: String,
    this_url: String,
}

impl DomainsPage {
    async fn new(
        portal: &Portal,
        member: &Member,
        environment: &Environment,
        form: DomainForm,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let mut db = portal.db.acquire().await.context("acquire a connection")?;
        let found = domains::list(&mut db, member.account, environment.id).await?;
        drop(db);
        let layout = &member.layout;
        let formats = formats(layout);
        let own = environment.subdomain.as_ref();
        Ok(Self {
            name: environment.name.clone(),
            own_host: own.map(|name| layout.public.instance_host(name.as_str())).unwrap_or_default(),
            // Nothing typed is lost: the page loads anew only while the field is empty.
            is_moving: form.hostname.is_empty() && found.iter().any(|domain| domain.state != State::Serving),
            domains: found.iter().map(|domain| DomainLine::new(layout, formats, domain)).collect(),
            can_change: policy::may(member.role, Action::SteerInstance)
                && !matches!(environment.wanted, Wanted::Deleted { .. }),
            form,
            problems,
            list_url: urls::instances(),
            instance_url: urls::instance(environment.id),
            usage_url: urls::instance_usage(environment.id, ""),
            logs_url: urls::instance_logs(environment.id),
            this_url: urls::instance_domains(environment.id),
            layout: layout.clone(),
        })
    }
}
