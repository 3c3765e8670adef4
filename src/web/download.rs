//! Files that people choose on a form: which, of which days, written as what. Reads the address and answers with the file.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, HttpResponseBuilder};
use anyhow::Context;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;

use super::error::PageError;
use super::layout::Layout;
use crate::base::ids::AccountId;
use crate::exports::focus::Set;
use crate::exports::{Export, Filter, Format, List, fec};
use crate::metering::export as usage;
use crate::portal::Portal;

/// Years beyond these are mistakes in typing, and some of them no database can read.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// What the address may hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    what: String,
    from: String,
    to: String,
    format: String,
    /// For staff: one customer's number.
    account: String,
}

/// A file that can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Usage by hour.
    Usage,
    /// A list.
    List(List),
    /// A data set for cost tools.
    Focus(Set),
    /// The books; for staff.
    Beancount,
    /// The French books, as the tax office asks for them; for staff.
    Fec,
}

impl What {
    /// Returns those that a customer may have.
    pub fn of_customers() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Usage).chain(List::ALL.map(Self::List)).chain(Set::ALL.map(Self::Focus))
    }

    /// Returns those that our people may have.
    pub fn of_staff() -> impl Iterator<Item = Self> {
        Self::of_customers().chain([Self::Beancount, Self::Fec])
    }

    /// Returns the word in addresses and names of files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::List(list) => list.word(),
            Self::Focus(set) => set.word(),
            Self::Beancount => "beancount",
            Self::Fec => "fec",
        }
    }
}

/// A choice on the form.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The word in the address.
    pub code: &'static str,
    /// What people read.
    pub name: String,
    /// Whether it is the present one.
    pub is_chosen: bool,
}

/// The form, as it was filled.
#[derive(Clone, Debug)]
pub struct Form {
    /// The first day.
    pub from: String,
    /// The day after the last one.
    pub to: String,
    /// One customer's number; for staff.
    pub account: String,
    /// Which file.
    pub whats: Vec<Choice>,
    /// Written as what.
    pub formats: Vec<Choice>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

impl Form {
    /// Shows what was asked for; without days, last month.
    pub fn new(layout: &Layout, whats: impl Iterator<Item = What>, wish: &Wish, problem: Option<&str>) -> Self {
        let (from, to) = last_month(layout.now);
        let or = |typed: &str, day: NaiveDate| if typed.is_empty() { day.to_string() } else { typed.to_owned() };
        Self {
            from: or(&wish.from, from),
            to: or(&wish.to, to),
            account: wish.account.clone(),
            whats: whats
                .map(|what| Choice {
                    code: what.word(),
                    name: layout.t(format!("exports-{}", what.word().replace('_', "-"))),
                    is_chosen: wish.what == what.word(),
                })
                .collect(),
            formats: [Format::Csv, Format::Json, Format::Parquet]
                .map(|format| Choice {
                    code: format.extension(),
                    name: layout.t(format!("exports-format-{}", format.extension())),
                    is_chosen: wish.format == format.extension(),
                })
                .into(),
            problem: problem.map(|key| layout.t(key)),
        }
    }
}

/// Whole months are what is billed.
fn last_month(now: DateTime<Utc>) -> (NaiveDate, NaiveDate) {
    let first = now.date_naive().with_day(1).unwrap_or_default();
    (first.pred_opt().and_then(|day| day.with_day(1)).unwrap_or(first), first)
}

/// Whose rows may be asked for.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// This customer's, whatever the address says.
    Own(AccountId),
    /// Everybody's, or those of the one that the address says.
    Any,
}

/// A wish that can be fulfilled.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    what: What,
    filter: Filter,
    format: Format,
}

impl Wish {
    /// Reads it, or returns the key of what is wrong.
    pub fn read(&self, mut whats: impl Iterator<Item = What>, whose: Whose) -> Result<Asked, &'static str> {
        let what = whats.find(|what| what.word() == self.what).ok_or("exports-bad-what")?;
        let day = |text: &str| text.parse().ok().filter(|day: &NaiveDate| YEARS.contains(&day.year()));
        let days = day(&self.from).zip(day(&self.to)).filter(|(from, to)| from < to);
        let (from, to) = days.ok_or("exports-bad-period")?;
        let account = match whose {
            Whose::Own(account) => Some(account),
            Whose::Any if self.account.trim().is_empty() => None,
            Whose::Any => Some(self.account.trim().parse().map_err(|_| "exports-bad-account")?),
        };
        let formats = [Format::Json, Format::Parquet];
        let format = formats.into_iter().find(|one| self.format == one.extension()).unwrap_or(Format::Csv);
        Ok(Asked { what, filter: Filter { from, to, account }, format })
    }
}

impl Asked {
    /// Answers with the file, part by part; or the key of why there is no such file.
    pub async fn answer(
        self,
        portal: &Portal,
        now: DateTime<Utc>,
    ) -> Result<Result<HttpResponse, &'static str>, PageError> {
        let Self { what, filter, format } = self;
        let (media_type, end) = match what {
            What::Usage | What::List(_) => (format.media_type(), format.extension()),
            What::Focus(_) => {
                let format = if format == Format::Parquet { format } else { Format::Csv };
                (format.media_type(), format.extension())
            }
            What::Beancount => ("text/plain; charset=utf-8", "beancount"),
            What::Fec => ("text/plain; charset=utf-8", "txt"),
        };
        let mut name = format!("{}-{}-{}.{end}", what.word(), filter.from, filter.to);
        // Books are everybody's together.
        let books = Filter { account: None, ..filter };
        let db = portal.db.clone();
        let export = match what {
            What::Usage => {
                let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
                let (from, until) = (start(filter.from), start(filter.to));
                let hours = usage::Filter { from, until, account: filter.account, environment: None };
                return Ok(Ok(file(media_type, &name).streaming(usage::stream(db, hours, format))));
            }
            What::List(list) => Export::list(list, filter, format),
            What::Focus(set) if format == Format::Parquet => Export::focus(set, filter, now).into_parquet(),
            What::Focus(set) => Export::focus(set, filter, now),
            What::Beancount => Export::beancount(books),
            What::Fec => {
                let mut connection = db.acquire().await.context("reach the control database")?;
                let Ok(seller) = fec::Seller::look(&mut connection).await? else { return Ok(Err("exports-no-fec")) };
                // The law says what it is called.
                name = seller.file_name(&books);
                Export::fec(&seller, books)
            }
        };
        Ok(Ok(file(media_type, &name).streaming(export.stream(db))))
    }
}

/// The head of an answer that is kept as a file.
fn file(media_type: &str, name: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(media_type);
    response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")));
    response
}
