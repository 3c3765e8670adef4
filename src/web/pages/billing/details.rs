//! `/account/billing/details`: who the customer is on paper.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{Tab, formats, may_manage, tabs};
use crate::accounts::policy::Action;
use crate::billing::profiles::{self, Profile, checks};
use crate::i18n::Locale;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed. A field that is missing is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DetailsForm {
    buyer: String,
    legal_name: String,
    street: String,
    postcode: String,
    city: String,
    country: String,
    vat_number: String,
    siren: String,
    ice: String,
    email: String,
    purchase_order: String,
    language: String,
}

impl DetailsForm {
    fn of(profile: &Profile) -> Self {
        Self {
            buyer: if profile.is_business { "business" } else { "person" }.to_owned(),
            legal_name: profile.legal_name.clone(),
            street: profile.street.clone(),
            postcode: profile.postcode.clone(),
            city: profile.city.clone(),
            country: profile.country.clone(),
            vat_number: profile.vat_number.clone(),
            siren: profile.siren.clone(),
            ice: profile.ice.clone(),
            email: profile.email.clone(),
            purchase_order: profile.purchase_order.clone(),
            language: profile.language.code().to_owned(),
        }
    }
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let profile = profiles::find(&mut db, member.account).await?;
    drop(db);
    answer::page(&DetailsPage::new(
        &member,
        DetailsForm::of(&profile),
        vat_note(&member.layout, &profile),
        Problems::default(),
    ))
}

/// Saves what was typed, or says field by field why not.
pub async fn post(portal: Data<Portal>, member: Member, posted: Posted<DetailsForm>) -> Answer {
    member.require(Action::ManageBilling)?;
    let typed = posted.form;
    let form = typed.clone();
    let layout = &member.layout;
    let mut problems = Problems::default();
    if regions::find_country(&form.country).is_none() {
        problems.add("country", layout.t("account-choose"));
    }
    let language = Locale::from_code(&form.language);
    if language.is_none() {
        problems.add("language", layout.t("account-choose"));
    }
    let profile = checks::tidied(Profile {
        is_business: form.buyer != "person",
        legal_name: form.legal_name,
        street: form.street,
        postcode: form.postcode,
        city: form.city,
        country: form.country,
        vat_number: form.vat_number,
        vat_checked: None,
        siren: form.siren,
        ice: form.ice,
        email: form.email,
        purchase_order: form.purchase_order,
        language: language.unwrap_or(layout.locale),
    });
    for (field, problem) in checks::problems(&profile) {
        problems.add(field, layout.t(problem.key()));
    }
    if !problems.is_empty() {
        return answer::again(&DetailsPage::new(&member, typed, None, problems));
    }
    profiles::change(&portal, &member.actor(), member.account, &profile).await?;
    answer::flash(urls::billing_details(), FlashKind::Good, "billing-details-saved")
}

/// What is known of the VAT number, and what that means.
fn vat_note(layout: &Layout, profile: &Profile) -> Option<VatNote> {
    if profile.vat_number.is_empty() {
        return None;
    }
    Some(match &profile.vat_checked {
        Some((at, answer)) => {
            let date = formats(layout).date(*at);
            VatNote { kind: "good", text: layout.t2("billing-vat-checked", "date", date, "answer", answer) }
        }
        None => VatNote { kind: "info", text: layout.t("billing-vat-unchecked") },
    })
}

struct VatNote {
    kind: &'static str,
    text: String,
}

/// A choice of a list.
struct Choice {
    code: String,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/billing/details.html")]
struct DetailsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    typed: DetailsForm,
    countries: Vec<Choice>,
    languages: Vec<Choice>,
    vat_note: Option<VatNote>,
    may_change: bool,
    is_person: bool,
    problems: Problems,
}

impl DetailsPage {
    fn new(member: &Member, typed: DetailsForm, vat_note: Option<VatNote>, problems: Problems) -> Self {
        let layout = member.layout.clone();
        let formats = formats(&layout);
        let mut countries: Vec<Choice> = regions::COUNTRIES
            .iter()
            .map(|known| Choice {
                code: known.code.to_owned(),
                name: layout.t(known.name),
                is_chosen: known.code == typed.country,
            })
            .collect();
        formats.sort_by_name(&mut countries, |choice| &choice.name);
        let languages = Locale::ALL.map(|locale| Choice {
            code: locale.code().to_owned(),
            name: locale.own_name().to_owned(),
            is_chosen: locale.code() == typed.language,
        });
        Self {
            tabs: tabs(&layout, &urls::billing_details()),
            countries,
            languages: languages.into(),
            vat_note,
            may_change: may_manage(member),
            is_person: typed.buyer == "person",
            typed,
            problems,
            layout,
        }
    }
}
