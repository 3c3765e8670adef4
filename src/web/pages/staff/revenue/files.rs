//! `/staff/revenue/….csv`: movements and billed parts as files, one line a month and currency. Amounts are exact, with a point.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Data;
use anyhow::Context;
use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::stream;

use crate::base::money::{Currency, Money};
use crate::billing::revenue::{self, Month, Move, Report};
use crate::exports::text::push_csv;
use crate::portal::Portal;
use crate::web::answer::Answer;
use crate::web::extract::Staff;

/// Gives what recurs and how it moved.
pub async fn movements(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut out = Vec::new();
    let moves = Move::ALL.map(Move::word);
    let of_customers = moves.map(|word| format!("{word}_customers"));
    let mut names = vec!["month", "currency", "start"];
    names.extend(moves);
    names.extend(["end", "start_customers"]);
    names.extend(of_customers.iter().map(String::as_str));
    names.push("end_customers");
    push_line(&mut out, &names);
    for report in revenue::reports(&portal, staff.layout.now).await? {
        for month in &report.months {
            push_line(&mut out, &movement(&report, month));
        }
    }
    Ok(file("movements").body(out))
}

fn movement(report: &Report, month: &Month) -> Vec<String> {
    let money = |minor: i64| Money::new(minor, report.currency).exact().to_string();
    let first = month.span.from.with_timezone(&report.zone).date_naive();
    let mut fields = vec![named(first), report.currency.code().to_owned(), money(month.start.minor)];
    fields.extend(Move::ALL.map(|kind| money(month.moved(kind).minor)));
    fields.extend([money(month.end.minor), month.start.customers.to_string()]);
    fields.extend(Move::ALL.map(|kind| month.moved(kind).customers.to_string()));
    fields.push(month.end.customers.to_string());
    fields
}

/// Gives what was billed by plan and by what lines were about, a month at a time.
pub async fn billed(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut wanted: Vec<(Currency, NaiveDate)> = Vec::new();
    for report in revenue::reports(&portal, staff.layout.now).await? {
        wanted.extend(report.billed.iter().filter(|one| one.documents > 0).map(|one| (report.currency, one.month)));
    }
    let mut head = Vec::new();
    push_line(&mut head, &["month", "currency", "plan", "what", "net"]);
    let db = portal.db.clone();
    let parts = stream::try_unfold((db, Some(head), wanted.into_iter()), |(db, head, mut left)| async move {
        if let Some(head) = head {
            return Ok(Some((Bytes::from(head), (db, None, left))));
        }
        let Some((currency, month)) = left.next() else { return Ok::<_, anyhow::Error>(None) };
        let mut connection = db.acquire().await.context("reach the control database")?;
        let mut out = Vec::new();
        for part in revenue::parts(&mut connection, currency, month).await? {
            let plan = part.plan.map(|(_, code, _)| code).unwrap_or_default();
            push_line(
                &mut out,
                &[named(month), currency.code().to_owned(), plan, part.what, part.net.exact().to_string()],
            );
        }
        drop(connection);
        Ok(Some((Bytes::from(out), (db, None, left))))
    });
    Ok(file("billed").streaming(parts))
}

fn named(month: NaiveDate) -> String {
    month.format("%Y-%m").to_string()
}

fn push_line(out: &mut Vec<u8>, fields: &[impl AsRef<str>]) {
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        push_csv(out, field.as_ref());
    }
    out.push(b'\n');
}

fn file(word: &str) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    let name = format!("attachment; filename=\"revenue-{word}.csv\"");
    response.content_type("text/csv; charset=utf-8").insert_header((CONTENT_DISPOSITION, name));
    response
}
