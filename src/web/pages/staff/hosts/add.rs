//! `/staff/hosts/new`: lets a machine join.

use actix_web::web::Data;
use askama::Template;

use super::{pools, problem};
use crate::hosts::Pool;
use crate::hosts::steering::{self, HostError, NewMachine};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Debug, Default, serde::Deserialize)]
pub struct HostForm {
    address: String,
    name: String,
    zone: String,
    pool: String,
}

#[derive(Template)]
#[template(path = "pages/staff/hosts/add.html")]
struct AddPage {
    layout: Layout,
    form: HostForm,
    /// Code, word, whether it is chosen.
    pools: Vec<(&'static str, String, bool)>,
    address_problem: Option<String>,
    name_problem: Option<String>,
}

impl AddPage {
    fn new(layout: Layout, form: HostForm) -> Self {
        let pools = pools(&layout, &form.pool);
        Self { layout, form, pools, address_problem: None, name_problem: None }
    }
}

/// Shows the form.
pub async fn get(staff: Staff) -> Answer {
    answer::page(&AddPage::new(staff.layout, HostForm::default()))
}

/// Writes down the machine; the worker looks at it and takes it in.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<HostForm>) -> Answer {
    let form = posted.form;
    let machine = NewMachine {
        address: form.address.clone(),
        name: form.name.clone(),
        zone: form.zone.clone(),
        pool: Pool::from_word(&form.pool),
    };
    match steering::add(&portal, &staff.actor(), &machine).await {
        Ok(id) => answer::flash(urls::staff_host(id), FlashKind::Good, "staff-host-added"),
        Err(HostError::Failed(cause)) => Err(cause.into()),
        Err(refusal) => {
            let is_name = matches!(refusal, HostError::BadName);
            let text = problem(&staff.layout, refusal)?;
            let mut page = AddPage::new(staff.layout, form);
            if is_name {
                page.name_problem = Some(text);
            } else {
                page.address_problem = Some(text);
            }
            answer::again(&page)
        }
    }
}
