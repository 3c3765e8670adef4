//! `/account`: the organisation's settings and the person's own.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Tab, tabs};
use crate::accounts::policy::{self, Action};
use crate::accounts::settings::{self, Organisation};
use crate::accounts::signup::MAX_NAME;
use crate::accounts::{region, words};
use crate::i18n::Locale;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// The organisation's settings.
#[derive(Debug, Deserialize)]
pub struct OrganisationForm {
    company: String,
    country: String,
    #[serde(default)]
    currency: String,
    timezone: String,
}

/// The person's settings.
#[derive(Debug, Deserialize)]
pub struct PersonForm {
    name: String,
    locale: String,
}

/// Shows both forms.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    let organisation = settings::organisation(&portal, member.account).await?;
    answer::page(&OverviewPage::new(&portal, member, organisation, Problems::default()).await?)
}

/// Saves the organisation's settings.
pub async fn organisation(portal: Data<Portal>, member: Member, posted: Posted<OrganisationForm>) -> Answer {
    member.require(Action::ChangeOrganisation)?;
    let form = posted.form;
    let old = settings::organisation(&portal, member.account).await?;
    let mut problems = Problems::default();
    let name = words::one_line(&form.company, MAX_NAME);
    if let Err(problem) = name {
        problems.add("company", member.layout.t(problem.key()));
    }
    if regions::find_country(&form.country).is_none() {
        problems.add("country", member.layout.t("account-choose"));
    }
    if form.timezone.parse::<chrono_tz::Tz>().is_err() {
        problems.add("timezone", member.layout.t("account-choose"));
    }
    let currency = if form.currency.is_empty() { old.currency.clone() } else { form.currency };
    if !region::CURRENCIES.contains(&currency.as_str()) {
        problems.add("currency", member.layout.t("account-choose"));
    }
    let new = Organisation { name: form.company, country: form.country, currency, timezone: form.timezone, ..old };
    match name {
        Ok(name) if problems.is_empty() => {
            settings::change_organisation(&portal, &member.actor(), member.account, Organisation { name, ..new })
                .await?;
            answer::flash(urls::account(), FlashKind::Good, "account-saved")
        }
        _ => answer::again(&OverviewPage::new(&portal, member, new, problems).await?),
    }
}

/// Saves the person's settings.
pub async fn person(portal: Data<Portal>, member: Member, posted: Posted<PersonForm>) -> Answer {
    let locale = Locale::from_code(&posted.form.locale).unwrap_or(member.layout.locale);
    match words::one_line(&posted.form.name, MAX_NAME) {
        Ok(name) => {
            settings::rename_person(&portal, member.user, &name).await?;
            settings::choose_language(&portal, member.user, locale).await?;
            let mut response = answer::flash(urls::account(), FlashKind::Good, "account-saved")?;
            let year = Some(actix_web::cookie::time::Duration::days(365));
            let cookie = crate::web::cookies::cookie(
                &portal.public,
                crate::web::cookies::Kind::Language,
                locale.code().to_owned(),
                year,
            );
            let _ = response.add_cookie(&cookie);
            Ok(response)
        }
        Err(problem) => {
            let mut problems = Problems::default();
            problems.add("name", member.layout.t(problem.key()));
            let organisation = settings::organisation(&portal, member.account).await?;
            answer::again(&OverviewPage::new(&portal, member, organisation, problems).await?)
        }
    }
}

/// A choice of a list.
struct Choice {
    code: String,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/account/overview.html")]
struct OverviewPage {
    layout: Layout,
    tabs: Vec<Tab>,
    own_name: String,
    company: String,
    languages: Vec<Choice>,
    countries: Vec<Choice>,
    currencies: Vec<Choice>,
    timezones: Vec<Choice>,
    is_currency_open: bool,
    may_change: bool,
    may_close: bool,
    problems: Problems,
}

impl OverviewPage {
    async fn new(
        portal: &Portal,
        member: Member,
        organisation: Organisation,
        problems: Problems,
    ) -> anyhow::Result<Self> {
        let layout = member.layout;
        let choice =
            |code: &str, name: String, chosen: &str| Choice { code: code.to_owned(), name, is_chosen: code == chosen };
        let mut countries: Vec<Choice> = regions::COUNTRIES
            .iter()
            .map(|known| choice(known.code, layout.t(known.name), &organisation.country))
            .collect();
        countries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self {
            tabs: tabs(&layout, &urls::account()),
            own_name: member.name,
            company: organisation.name.clone(),
            languages: Locale::ALL
                .map(|locale| choice(locale.code(), locale.own_name().to_owned(), layout.locale.code()))
                .into(),
            countries,
            currencies: region::CURRENCIES.map(|code| choice(code, code.to_owned(), &organisation.currency)).into(),
            timezones: chrono_tz::TZ_VARIANTS
                .iter()
                .map(|zone| zone.name())
                .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"))
                .map(|name| choice(name, name.replace('_', " "), &organisation.timezone))
                .collect(),
            is_currency_open: settings::is_currency_open(portal, member.account).await?,
            may_change: policy::may(member.role, Action::ChangeOrganisation),
            may_close: policy::may(member.role, Action::CloseAccount),
            problems,
            layout,
        })
    }
}
