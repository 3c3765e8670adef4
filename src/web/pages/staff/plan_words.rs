//! `/staff/plans/{plan}/words`: what a plan is called in each language, and whether it is offered.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::plans::{failed, find};
use crate::audit;
use crate::base::ids::PlanId;
use crate::i18n::Locale;
use crate::plans::catalogue;
use crate::plans::{Plan, Translated};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WordsForm {
    name_en: String,
    name_fr: String,
    name_ar: String,
    summary_en: String,
    summary_fr: String,
    summary_ar: String,
    is_offered: String,
}

#[derive(Template)]
#[template(path = "pages/staff/plan_words.html")]
struct WordsPage {
    layout: Layout,
    title: String,
    list_url: String,
    post_url: String,
    /// Language's code and own name, plan's name, summary.
    languages: [(&'static str, &'static str, String, String); 3],
    is_offered: bool,
    problem: Option<String>,
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<PlanId>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (plan, _) = find(&mut db, *id).await?;
    answer::page(&WordsPage::new(staff.layout, &plan, &plan.names, &plan.summaries, plan.is_offered, None))
}

/// Saves the words.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<PlanId>, posted: Posted<WordsForm>) -> Answer {
    let form = posted.form;
    let cut = |text: &str, most: usize| text.trim().chars().take(most).collect::<String>();
    let three =
        |[en, fr, ar]: [&String; 3], most| Translated { en: cut(en, most), fr: cut(fr, most), ar: cut(ar, most) };
    let names = three([&form.name_en, &form.name_fr, &form.name_ar], 60);
    let summaries = three([&form.summary_en, &form.summary_fr, &form.summary_ar], 300);
    let is_offered = form.is_offered == "yes";
    let mut tx = portal.db.begin().await.context("begin")?;
    let (plan, _) = find(&mut tx, *id).await?;
    if [&names.en, &names.fr, &names.ar].into_iter().any(String::is_empty) {
        let problem = staff.layout.t("staff-plans-name-needed");
        return answer::again(&WordsPage::new(staff.layout, &plan, &names, &summaries, is_offered, Some(problem)));
    }
    catalogue::describe(&mut tx, *id, &names, &summaries, is_offered).await.map_err(failed)?;
    let detail = serde_json::json!({ "plan": *id, "names": names, "is_offered": is_offered });
    audit::record(&mut tx, &staff.actor(), audit::Entry::new("plan.described").detail(detail), staff.layout.now)
        .await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-described-done")
}

impl WordsPage {
    fn new(
        layout: Layout,
        plan: &Plan,
        names: &Translated,
        summaries: &Translated,
        is_offered: bool,
        problem: Option<String>,
    ) -> Self {
        Self {
            title: layout.t1("staff-plans-words-of", "plan", plan.names.of(layout.locale)),
            list_url: urls::staff_plans(),
            post_url: urls::staff_plan_words(plan.id),
            languages: Locale::ALL.map(|locale| {
                (locale.code(), locale.own_name(), names.of(locale).to_owned(), summaries.of(locale).to_owned())
            }),
            is_offered,
            problem,
            layout,
        }
    }
}
