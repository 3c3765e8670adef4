//! `/staff/join/…`: the page behind an invitation. Looking at it does not use the invitation up.

use actix_web::web::{Data, Path};
use askama::Template;

use super::login::browser;
use super::second_factor::go_on;
use crate::accounts::password::NewPassword;
use crate::base::names::EmailAddress;
use crate::base::secret::Secret;
use crate::portal::Portal;
use crate::staff::invitations::{self, JoinError, Joining};
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Visitor};
use crate::web::form::Problems;
use crate::web::keys::Keys;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/join.html")]
struct JoinPage {
    is_good: bool,
    person: String,
    name_problem: Option<String>,
    email: String,
    email_problem: Option<String>,
    password_problem: Option<String>,
    password_hint: String,
    layout: Layout,
}

/// What the form holds.
#[derive(Debug, serde::Deserialize)]
pub struct JoinForm {
    name: String,
    email: String,
    password: Secret<String>,
}

impl JoinPage {
    fn new(layout: Layout, is_good: bool) -> Self {
        Self {
            is_good,
            person: String::new(),
            name_problem: None,
            email: String::new(),
            email_problem: None,
            password_problem: None,
            password_hint: layout.t("password-hint"),
            layout,
        }
    }

    fn with(self, form: &JoinForm, problems: &Problems) -> Self {
        let of = |field| problems.of(field).map(str::to_owned);
        Self {
            person: form.name.clone(),
            name_problem: of("name"),
            email: form.email.clone(),
            email_problem: of("email"),
            password_problem: of("password"),
            ..self
        }
    }
}

/// Shows the form, or says that the link is spent.
pub async fn get(portal: Data<Portal>, visitor: Visitor, token: Path<String>) -> Answer {
    let is_good = invitations::is_good(&portal, &token).await?;
    answer::page(&JoinPage::new(visitor.layout, is_good))
}

/// Makes the staff member; the second factor comes next.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    token: Path<String>,
    posted: Posted<JoinForm>,
) -> Answer {
    let form = posted.form;
    let layout = visitor.layout.clone();
    let joining = match parse(&layout, &form) {
        Ok(joining) => joining,
        Err(problems) => return answer::again(&JoinPage::new(layout, true).with(&form, &problems)),
    };
    match invitations::join(&portal, &keys.seal, &token, joining, &browser(&visitor)).await {
        Ok(session) => go_on(&portal, &session, urls::staff_enrol()),
        Err(JoinError::LinkIsSpent) => answer::again(&JoinPage::new(layout, false)),
        Err(JoinError::EmailTaken) => {
            let mut problems = Problems::default();
            problems.add("email", layout.t("staff-join-email-taken"));
            answer::again(&JoinPage::new(layout, true).with(&form, &problems))
        }
        Err(JoinError::Failed(cause)) => Err(cause.into()),
    }
}

fn parse(layout: &Layout, form: &JoinForm) -> Result<Joining, Problems> {
    let mut problems = Problems::default();
    let name = form.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 200 {
        problems.add("name", layout.t("staff-join-name-missing"));
    }
    let email = EmailAddress::parse(&form.email).inspect_err(|_| problems.add("email", layout.t("email-invalid"))).ok();
    let password = NewPassword::check(form.password.expose(), &[&form.name, &form.email])
        .inspect_err(|problem| problems.add("password", layout.t(problem.key())))
        .ok();
    match (email, password) {
        (Some(email), Some(password)) if problems.is_empty() => {
            Ok(Joining { email, name, password, locale: layout.locale })
        }
        _ => Err(problems),
    }
}
