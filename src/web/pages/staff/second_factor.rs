//! `/staff/second-factor` and `/staff/enrol`: what comes after the password.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::login::browser;
use crate::base::secret::Secret;
use crate::portal::Portal;
use crate::staff::Stage;
use crate::staff::login::{self, LoginError, Session};
use crate::web::answer::{self, Answer};
use crate::web::cookies::{self, Kind};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Visitor, staff_token};
use crate::web::keys::Keys;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/second_factor.html")]
struct CodePage {
    layout: Layout,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/staff/enrol.html")]
struct EnrolPage {
    layout: Layout,
    qr_svg: String,
    typed: String,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/staff/recovery_codes.html")]
struct CodesPage {
    layout: Layout,
    codes: Vec<String>,
}

/// What the forms hold.
#[derive(Debug, serde::Deserialize)]
pub struct CodeForm {
    code: String,
}

/// Asks for the code, or sends those to the set-up who have none yet.
pub async fn get(portal: Data<Portal>, visitor: Visitor, request: HttpRequest) -> Answer {
    match half(&portal, &request).await?.0.stage {
        Stage::MustEnrol => answer::see_other(urls::staff_enrol()),
        Stage::MustProve => answer::page(&CodePage { layout: visitor.layout, problem: None }),
        Stage::Complete => answer::see_other(urls::staff()),
    }
}

/// Checks the code.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    request: HttpRequest,
    posted: Posted<CodeForm>,
) -> Answer {
    let (session, token) = half(&portal, &request).await?;
    let (code, browser) = (&posted.form.code, browser(&visitor));
    match login::with_second_factor(&portal, &keys.throttle, &keys.seal, (&session, &token), code, &browser).await {
        Ok(token) => go_on(&portal, &token, urls::staff()),
        Err(error) => {
            answer::again(&CodePage { problem: Some(problem(&visitor.layout, error)?), layout: visitor.layout })
        }
    }
}

/// Shows the picture to scan.
pub async fn enrol(portal: Data<Portal>, keys: Data<Keys>, visitor: Visitor, request: HttpRequest) -> Answer {
    let (session, _) = half(&portal, &request).await?;
    enrol_page(&portal, &keys, visitor.layout, &session, None).await
}

/// Checks the first code and shows the recovery codes.
pub async fn enrol_post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    request: HttpRequest,
    posted: Posted<CodeForm>,
) -> Answer {
    let (session, token) = half(&portal, &request).await?;
    match login::enrol(&portal, &keys.seal, (&session, &token), &posted.form.code, &browser(&visitor)).await {
        Ok((token, codes)) => with_cookie(&portal, &token, answer::page(&CodesPage { layout: visitor.layout, codes })?),
        Err(error) => {
            let problem = problem(&visitor.layout, error)?;
            enrol_page(&portal, &keys, visitor.layout, &session, Some(problem)).await
        }
    }
}

async fn enrol_page(
    portal: &Portal,
    keys: &Keys,
    layout: Layout,
    session: &Session,
    problem: Option<String>,
) -> Answer {
    // The secret is for setting it up only: shown later, a password would be enough to read it.
    if session.stage != Stage::MustEnrol {
        return answer::see_other(urls::staff_second_factor());
    }
    let shown = login::enrolment(portal, &keys.seal, session).await?;
    let is_again = problem.is_some();
    let page = EnrolPage { layout, qr_svg: shown.qr_svg, typed: shown.typed, problem };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}

fn problem(layout: &Layout, error: LoginError) -> Result<String, PageError> {
    match error {
        LoginError::Wrong => Ok(layout.t("staff-code-wrong")),
        LoginError::Throttled(seconds) => Ok(layout.t1("staff-login-throttled", "minutes", seconds.div_ceil(60))),
        LoginError::Failed(cause) => Err(cause.into()),
    }
}

/// The session that has come as far as the password, or further.
async fn half(portal: &Portal, request: &HttpRequest) -> Result<(Session, String), PageError> {
    let back = || PageError::Elsewhere(urls::staff_login());
    let token = staff_token(request, &portal.public).ok_or_else(back)?;
    let session = login::find_session(portal, &token).await?.ok_or_else(back)?;
    Ok((session, token))
}

/// Gives the browser a staff session and sends it on.
pub fn go_on(portal: &Portal, token: &Secret<String>, path: String) -> Answer {
    with_cookie(portal, token, answer::see_other(path)?)
}

fn with_cookie(portal: &Portal, token: &Secret<String>, mut response: HttpResponse) -> Answer {
    let cookie = cookies::cookie(&portal.public, Kind::Staff, token.expose().clone(), None);
    response.add_cookie(&cookie).map_err(|error| PageError::Failed(error.into()))?;
    Ok(response)
}
