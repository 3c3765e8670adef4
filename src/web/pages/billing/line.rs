//! `/account/billing/invoices/{document}/lines/{line}`: the days, hours and readings behind a line for usage.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use serde::Deserialize;
use sqlx::PgConnection;

use super::{day, exact, find, quantity, raw_per_unit, unit_of};
use crate::base::ids::DocumentId;
use crate::billing::documents::Final;
use crate::billing::lookup::{self, Hour, Usage};
use crate::billing::proofs;
use crate::i18n::format::{Formats, When};
use crate::metering::export::{self, Filter, Format};
use crate::metering::readings::{self, Wanted};
use crate::metering::rollup::hour_of;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// Which day's hours.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    day: String,
}

/// A line of the account's document that is about usage; anything else is not there.
async fn line(
    db: &mut PgConnection,
    member: &Member,
    (document, line): &(String, String),
) -> Result<(DocumentId, Final, u32, Usage), PageError> {
    let (id, found) = find(db, member, document).await?;
    let line_no: u32 = line.parse().map_err(|_| PageError::NotFound)?;
    let stored = i32::try_from(line_no).map_err(|_| PageError::NotFound)?;
    let usage = lookup::usage_of_line(db, member.account, id, stored).await?.ok_or(PageError::NotFound)?;
    Ok((id, found, line_no, usage))
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<(String, String)>, wish: Query<Wish>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (id, found, line_no, usage) = line(&mut db, &member, &path).await?;
    let hours = lookup::hours(&mut db, &usage).await?;
    let offered = proofs::of_document(&mut db, member.account, id).await?;
    drop(db);

    let layout = &member.layout;
    // Days are the seller's, as on the paper.
    let formats = Formats::new(layout.locale, &found.paper.period.zone);
    let days = by_day(formats, &hours);
    let shown = wish.day.parse().ok().and_then(|day: NaiveDate| days.iter().position(|(on, _)| *on == day));
    let number = shown.unwrap_or(0);
    let write = |raw: Decimal| quantity(layout, formats, raw / raw_per_unit(usage.meter), unit_of(usage.meter));
    let address = |number: usize| days.get(number).map(|(on, _)| urls::billing_line(id, line_no, Some(*on)));
    let sum: Decimal = hours.iter().map(|hour| hour.raw).sum();
    answer::page(&LinePage {
        meter: layout.t(format!("public-meter-{}", usage.meter.code())),
        instance: usage.name.clone(),
        from: exact(formats, usage.span.from),
        until: exact(formats, usage.span.until),
        used: write(usage.used_raw),
        included: quantity(layout, formats, usage.included, unit_of(usage.meter)),
        charged: quantity(layout, formats, usage.quantity, unit_of(usage.meter)),
        carry_in: (!usage.carry_in_raw.is_zero()).then(|| write(usage.carry_in_raw)),
        carry_out: (!usage.carry_out_raw.is_zero()).then(|| write(usage.carry_out_raw)),
        // The hour of a change is shared; and what was counted after the month was closed is corrected with a later one.
        differs: sum != usage.used_raw,
        days: days
            .iter()
            .enumerate()
            .map(|(at, (on, hours))| DayRow {
                url: urls::billing_line(id, line_no, Some(*on)),
                words: day(layout, *on),
                quantity: write(hours.iter().map(|hour| hour.raw).sum()),
                hours: hours.len(),
                is_shown: at == number,
            })
            .collect(),
        shown: days.get(number).map(|(on, _)| day(layout, *on)).unwrap_or_default(),
        hours: days
            .get(number)
            .map(|(_, hours)| hours.iter().map(|hour| hour_row(layout, formats, hour, &write)).collect())
            .unwrap_or_default(),
        newer: number.checked_sub(1).and_then(address).unwrap_or_default(),
        older: address(number + 1).unwrap_or_default(),
        number: found.listed.number.clone(),
        invoice_url: urls::billing_invoice(id),
        csv_url: urls::billing_line_hours(id, line_no),
        readings_url: urls::billing_line_readings(id, line_no),
        recompute_url: offered.map(|_| urls::billing_recompute_steps(id)),
        layout: member.layout.clone(),
    })
}

/// Gives every hour of the line's time as CSV: all meters, as they were counted.
pub async fn csv(portal: Data<Portal>, member: Member, path: Path<(String, String)>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (_, found, line_no, usage) = line(&mut db, &member, &path).await?;
    drop(db);
    let filter = Filter {
        from: hour_of(usage.span.from),
        until: usage.span.until,
        account: Some(member.account),
        environment: Some(usage.environment),
    };
    let number = found.listed.number.replace('/', "-");
    let name = format!("attachment; filename=\"{number}-{line_no}-hours.csv\"");
    Ok(HttpResponse::Ok()
        .content_type(Format::Csv.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(export::stream(portal.db.clone(), filter, Format::Csv)))
}

/// Gives every reading of the line's meter that speaks of its time, as it was read.
pub async fn readings(portal: Data<Portal>, member: Member, path: Path<(String, String)>) -> Answer {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (_, found, line_no, usage) = line(&mut db, &member, &path).await?;
    drop(db);
    let wanted = Wanted {
        environment: usage.environment,
        meter: usage.meter.code().to_owned(),
        from: usage.span.from,
        until: usage.span.until,
    };
    let number = found.listed.number.replace('/', "-");
    let name = format!("attachment; filename=\"{number}-{line_no}-readings.csv\"");
    Ok(HttpResponse::Ok()
        .content_type(Format::Csv.media_type())
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(readings::stream(portal.db.clone(), wanted)))
}

fn by_day(formats: Formats, hours: &[Hour]) -> Vec<(NaiveDate, Vec<&Hour>)> {
    let mut days: Vec<(NaiveDate, Vec<&Hour>)> = Vec::new();
    for hour in hours {
        let on = hour.at.with_timezone(&formats.zone()).date_naive();
        match days.last_mut() {
            Some((last, own)) if *last == on => own.push(hour),
            _ => days.push((on, vec![hour])),
        }
    }
    days
}

fn hour_row(layout: &Layout, formats: Formats, hour: &Hour, write: &dyn Fn(Decimal) -> String) -> HourRow {
    HourRow {
        at: When { iso: formats.iso(hour.at), words: formats.time(hour.at) },
        quantity: write(hour.raw),
        covered: formats.duration(TimeDelta::seconds(hour.covered_seconds.into())),
        badge: if hour.quality == "measured" { "running" } else { "neutral" },
        quality: layout.t(format!("billing-quality-{}", hour.quality)),
    }
}

struct DayRow {
    url: String,
    words: String,
    quantity: String,
    hours: usize,
    is_shown: bool,
}

struct HourRow {
    at: When,
    quantity: String,
    covered: String,
    badge: &'static str,
    quality: String,
}

#[derive(Template)]
#[template(path = "pages/billing/line.html")]
struct LinePage {
    layout: Layout,
    meter: String,
    instance: String,
    from: When,
    until: When,
    used: String,
    included: String,
    charged: String,
    carry_in: Option<String>,
    carry_out: Option<String>,
    differs: bool,
    days: Vec<DayRow>,
    shown: String,
    hours: Vec<HourRow>,
    newer: String,
    older: String,
    number: String,
    invoice_url: String,
    csv_url: String,
    readings_url: String,
    recompute_url: Option<String>,
}
