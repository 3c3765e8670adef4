//! `/staff/plans/new`: makes a plan. Its first version comes next, as every version does.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::plans::failed;
use crate::audit;
use crate::i18n::Locale;
use crate::plans::catalogue::{self, CatalogueError, NewPlan, Refusal};
use crate::plans::{Kind, Translated};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PlanForm {
    code: String,
    kind: String,
    position: String,
    name_en: String,
    name_fr: String,
    name_ar: String,
}

#[derive(Template)]
#[template(path = "pages/staff/plan_new.html")]
struct NewPage {
    layout: Layout,
    list_url: String,
    post_url: String,
    code: String,
    /// Code, word, whether it is chosen.
    kinds: Vec<(&'static str, String, bool)>,
    position: String,
    /// Language's code, its own name, what was typed, what is wrong with it.
    names: [(&'static str, &'static str, String, Option<String>); 3],
    code_problem: Option<String>,
    position_problem: Option<String>,
}

/// Shows the form; the new plan would be the last one.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let last = catalogue::everything(&mut db).await?.len() + 1;
    let form = PlanForm { position: last.to_string(), ..PlanForm::default() };
    answer::page(&NewPage::new(staff.layout, form, &Problems::default()))
}

/// Makes the plan and goes on to its first version.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<PlanForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout.clone());
    let new = match parse(&layout, &form) {
        Ok(new) => new,
        Err(problems) => return answer::again(&NewPage::new(layout, form, &problems)),
    };
    let mut tx = portal.db.begin().await.context("begin")?;
    let id = match catalogue::create(&mut tx, new.clone(), layout.now).await {
        Ok(id) => id,
        Err(CatalogueError::Refused(refusal)) => {
            let mut problems = Problems::default();
            let is_taken = refusal == Refusal::CodeTaken;
            problems.add("code", layout.t(if is_taken { "staff-plans-code-taken" } else { "staff-plans-code-bad" }));
            return answer::again(&NewPage::new(layout, form, &problems));
        }
        Err(error) => return Err(failed(error)),
    };
    let detail = serde_json::json!({ "plan": id, "code": new.code, "kind": new.kind, "names": new.names });
    audit::record(&mut tx, &staff.actor(), audit::Entry::new("plan.created").detail(detail), layout.now).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plan_draft(id), FlashKind::Good, "staff-plans-created-done")
}

fn parse(layout: &Layout, form: &PlanForm) -> Result<NewPlan, Problems> {
    let mut problems = Problems::default();
    let mut name = |field: &'static str, text: &str| {
        let name: String = text.trim().chars().take(60).collect();
        if name.is_empty() {
            problems.add(field, layout.t("staff-plans-name-needed"));
        }
        name
    };
    let names = Translated {
        en: name("name_en", &form.name_en),
        fr: name("name_fr", &form.name_fr),
        ar: name("name_ar", &form.name_ar),
    };
    let position = form.position.trim().parse().ok().filter(|position: &usize| *position > 0);
    if position.is_none() {
        problems.add("position", layout.t("staff-plans-position-bad"));
    }
    match position {
        Some(position) if problems.is_empty() => Ok(NewPlan {
            code: form.code.trim().to_owned(),
            // One of the list, whatever was sent.
            kind: form.kind.parse().unwrap_or(Kind::Development),
            names,
            position: position - 1,
        }),
        _ => Err(problems),
    }
}

impl NewPage {
    fn new(layout: Layout, form: PlanForm, problems: &Problems) -> Self {
        let of = |field| problems.of(field).map(str::to_owned);
        let kinds = Kind::ALL.map(|kind| {
            let word = kind.code();
            (word, layout.t(format!("kind-{word}")), form.kind == word)
        });
        Self {
            list_url: urls::staff_plans(),
            post_url: urls::staff_plan_new(),
            kinds: kinds.to_vec(),
            names: Locale::ALL.map(|locale| {
                let (field, typed) = match locale {
                    Locale::En => ("name_en", &form.name_en),
                    Locale::Fr => ("name_fr", &form.name_fr),
                    Locale::Ar => ("name_ar", &form.name_ar),
                };
                (field, locale.own_name(), typed.clone(), of(field))
            }),
            code_problem: of("code"),
            position_problem: of("position"),
            code: form.code,
            position: form.position,
            layout,
        }
    }
}
