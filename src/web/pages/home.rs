//! `/`: the front page; who is logged in goes to the instances.

use std::time::Duration;

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;

use crate::environments;
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;
use crate::web::urls;

/// The page is there for everybody, with or without the one figure that it asks the database for.
const LIMIT: Duration = Duration::from_millis(300);

/// Shows the page.
pub async fn get(portal: Data<Portal>, visitor: Visitor) -> Answer {
    if visitor.session.is_some() {
        return answer::see_other(urls::instances());
    }
    let usual = match tokio::time::timeout(LIMIT, usual_time(&portal)).await {
        Ok(Ok(usual)) => usual,
        Ok(Err(_)) | Err(_) => None,
    };
    let formats = Formats::new(visitor.layout.locale, "UTC");
    answer::page(&HomePage {
        usual_time: usual.map(|time| formats.stopwatch(time)).unwrap_or_default(),
        example_host: visitor.layout.public.instance_host("atlas"),
        sign_up: urls::sign_up(),
        pricing: urls::pricing(),
        layout: visitor.layout,
    })
}

/// Returns how long instances lately took here from the order to the first answer, once there were any.
async fn usual_time(portal: &Portal) -> anyhow::Result<Option<TimeDelta>> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let seconds = environments::usual_seconds(&mut db).await?;
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(time.and_then(|time| TimeDelta::from_std(time).ok()))
}

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage {
    layout: Layout,
    usual_time: String,
    example_host: String,
    sign_up: String,
    pricing: String,
}
