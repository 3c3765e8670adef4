//! `/instances/{id}/rename`: another name, another address.

use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;

use super::check_name;
use super::order::short_text;
use super::{by, find, forbidden_or_missing, id};
use crate::accounts::policy::Action;
use crate::base::names::Subdomain;
use crate::environments::renaming::{self, Refusal, RenamingError};
use crate::environments::{Environment, Wanted};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RenameForm {
    name: String,
    subdomain: String,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    member.require(Action::SteerInstance)?;
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return answer::flash(urls::instance(environment.id), FlashKind::Bad, "instances-refused-deleting");
    }
    let form = RenameForm {
        name: environment.name.clone(),
        subdomain: environment.subdomain.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    answer::page(&RenamePage::new(&member.layout, &environment, form, Problems::default()))
}

/// Renames, or says why not with everything that was typed.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<RenameForm>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::SteerInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let environment = find(&portal, &member, environment).await?;
    let layout = &member.layout;
    let form = posted.form;
    let mut problems = Problems::default();
    let name = short_text(&form.name, 100);
    if name.is_none() {
        problems.add("name", layout.t("order-name-missing"));
    }
    let address = match &environment.subdomain {
        // What it has, it keeps, even if today's rules would refuse it.
        Some(kept) if kept.as_str() == form.subdomain.trim().to_lowercase() => Some(kept.clone()),
        _ => Subdomain::parse(&form.subdomain)
            .map_err(|error| problems.add("subdomain", check_name::sentence(layout, error)))
            .ok(),
    };
    let (Some(name), Some(address)) = (name, address) else {
        return answer::again(&RenamePage::new(layout, &environment, form, problems));
    };
    match renaming::rename(&portal, &by(&member), environment.id, &name, &address).await {
        Ok(Some(())) => answer::flash(urls::instance(environment.id), FlashKind::Good, "instances-renamed"),
        Ok(None) => Err(PageError::NotFound),
        Err(RenamingError::Refused(Refusal::AddressTaken)) => {
            problems.add(
                "subdomain",
                layout.t1("instances-name-taken", "host", layout.public.instance_host(address.as_str())),
            );
            answer::again(&RenamePage::new(layout, &environment, form, problems))
        }
        Err(RenamingError::Refused(Refusal::BeingDeleted)) => {
            answer::flash(urls::instance(environment.id), FlashKind::Bad, "instances-refused-deleting")
        }
        Err(RenamingError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

#[derive(Template)]
#[template(path = "pages/instances/rename.html")]
struct RenamePage {
    layout: Layout,
    name: String,
    form: RenameForm,
    problems: Problems,
    suffix: String,
    check_url: String,
    rename_url: String,
    instance_url: String,
    list_url: String,
}

impl RenamePage {
    fn new(layout: &Layout, environment: &Environment, form: RenameForm, problems: Problems) -> Self {
        Self {
            layout: layout.clone(),
            name: environment.name.clone(),
            form,
            problems,
            suffix: layout.public.instance_suffix(),
            check_url: urls::check_name(),
            rename_url: urls::rename_instance(environment.id),
            instance_url: urls::instance(environment.id),
            list_url: urls::instances(),
        }
    }
}
