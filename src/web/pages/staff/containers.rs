//! In how many containers a customer's instance runs: what staff see of it, and their form (POST).

use actix_web::web::{Data, Path};

use super::instances::{self, Slip};
use super::rows::formats;
use crate::base::ids::EnvironmentId;
use crate::environments::scaling::{Refusal, Standing};
use crate::portal::Portal;
use crate::staff::scaling::{self, StaffScalingError};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::instances::containers::number;
use crate::web::urls;

/// What was typed.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct CountForm {
    count: String,
    why: String,
}

/// What was wrong, with what was typed.
#[derive(Debug)]
pub struct CountSlip {
    form: CountForm,
    wrong: Wrong,
}

#[derive(Clone, Copy, Debug)]
enum Wrong {
    Number,
    Reason,
    Refused(Refusal),
}

/// Wants another number.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<EnvironmentId>, posted: Posted<CountForm>) -> Answer {
    let form = posted.form;
    let wrong = match number(&form.count) {
        None => Wrong::Number,
        Some(number) => match scaling::scale(&portal, &staff.member, *id, number, &form.why).await {
            Ok(_) => return answer::flash(urls::staff_instance(*id), FlashKind::Good, "staff-scaling-done"),
            Err(StaffScalingError::NotFound) => return Err(PageError::NotFound),
            Err(StaffScalingError::Failed(cause)) => return Err(cause.into()),
            Err(StaffScalingError::ReasonNeeded) => Wrong::Reason,
            Err(StaffScalingError::Refused(why)) => Wrong::Refused(why),
        },
    };
    instances::show(&portal, staff.layout, *id, Some(Slip::Count(CountSlip { form, wrong }))).await
}

/// The section of the instance's page.
pub(super) struct Containers {
    /// How many are wanted.
    pub wanted: String,
    /// How many requests are sent to.
    pub serving: String,
    /// What the plan allows.
    pub most: String,
    /// What the customer's rule says.
    pub rule: String,
    /// As it is, or as it was typed.
    pub count: String,
    /// What is wrong with it.
    pub count_problem: Option<String>,
    /// As it was typed.
    pub why: String,
    /// What is wrong with it.
    pub why_problem: Option<String>,
    /// Where the form is sent.
    pub post_url: String,
    /// The rule's page.
    pub rule_url: String,
}

impl Containers {
    /// Puts it into words.
    pub fn new(layout: &Layout, standing: &Standing, slip: Option<CountSlip>) -> Self {
        let formats = formats(layout);
        let rule = match standing.rule.as_ref().filter(|rule| rule.is_on) {
            Some(rule) => {
                let (low, high) = rule.bounds(standing.most);
                layout.t2("staff-scaling-rule-on", "minimum", formats.number(low), "maximum", formats.number(high))
            }
            None => layout.t("staff-scaling-rule-off"),
        };
        let (mut count_problem, mut why_problem) = (None, None);
        let mut typed = CountForm { count: standing.replicas.to_string(), why: String::new() };
        if let Some(CountSlip { form, wrong }) = slip {
            typed = form;
            match wrong {
                Wrong::Number => count_problem = Some(layout.t("scaling-whole")),
                Wrong::Reason => why_problem = Some(layout.t("staff-reason-needed")),
                Wrong::Refused(why) => count_problem = Some(refused(layout, why)),
            }
        }
        Self {
            wanted: formats.number(standing.replicas),
            serving: formats.number(standing.serving),
            most: formats.number(standing.most),
            rule,
            count: typed.count,
            count_problem,
            why: typed.why,
            why_problem,
            post_url: urls::staff_containers(standing.id),
            rule_url: urls::staff_scaling(standing.id),
        }
    }
}

fn refused(layout: &Layout, why: Refusal) -> String {
    let (key, most) = crate::web::pages::instances::containers::refusal(why);
    layout.t1(key, "most", formats(layout).number(most))
}
