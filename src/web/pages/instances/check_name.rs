//! `/instances/check-name`: a fragment that says whether a name is free, asked while it is typed.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use crate::base::names::{Subdomain, SubdomainError};
use crate::environments::names;
use crate::portal::Portal;
use crate::web::answer::Answer;
use crate::web::extract::Member;
use crate::web::layout::Layout;

/// What is typed.
#[derive(Debug, Deserialize)]
pub struct Typed {
    #[serde(default)]
    value: String,
}

/// Answers with the fragment.
pub async fn get(portal: Data<Portal>, member: Member, typed: Query<Typed>) -> Answer {
    let layout = &member.layout;
    let (is_free, text) = match Subdomain::parse(&typed.value) {
        Err(error) => (false, layout.t(problem(error))),
        Ok(name) => {
            let mut db = portal.db.acquire().await.context("acquire a connection")?;
            let host = portal.public.instance_host(name.as_str());
            if names::is_free(&mut db, member.account, &name, layout.now).await? {
                (true, layout.t1("instances-name-free", "host", host))
            } else {
                (false, layout.t1("instances-name-taken", "host", host))
            }
        }
    };
    let html = Fragment { is_free, text }.render().context("render the fragment")?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}

/// Returns the key of the sentence that says what is wrong with a name.
#[must_use]
pub fn problem(error: SubdomainError) -> &'static str {
    match error {
        SubdomainError::Empty => "instances-name-empty",
        SubdomainError::TooShort => "instances-name-short",
        SubdomainError::TooLong => "instances-name-long",
        SubdomainError::BadCharacter => "instances-name-letters",
        SubdomainError::BadHyphen => "instances-name-hyphen",
        SubdomainError::Reserved => "instances-name-reserved",
    }
}

/// Returns the problem with a name as a sentence, when there is one.
pub(super) fn sentence(layout: &Layout, error: SubdomainError) -> String {
    layout.t(problem(error))
}

#[derive(Template)]
#[template(source = r#"<p class="{% if is_free %}yes{% else %}no{% endif %}">{{ text }}</p>"#, ext = "html")]
struct Fragment {
    is_free: bool,
    text: String,
}
