//! `/instances/{id}/usage`: processor, memory, database, requests and traffic over time.

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{find, formats, id};
use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::StoreError;
use crate::environments::history;
use crate::i18n::format::Formats;
use crate::metering::Meter;
use crate::metering::usage::{self, Point};
use crate::plans::{self, Resources};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::graph::{Graph, Marker, Request, Series};
use crate::web::layout::Layout;
use crate::web::urls;

/// How far back the graphs reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Hour,
    Day,
    Week,
    Month,
}

impl Period {
    const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    fn code(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Returns the time between two points.
    fn step(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::minutes(1),
            Self::Day => TimeDelta::minutes(10),
            Self::Week => TimeDelta::hours(1),
            Self::Month => TimeDelta::hours(4),
        }
    }

    fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
        }
    }
}

/// Which period.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    period: String,
}

/// What was measured, each in its own unit. Instants in order.
#[derive(Debug, Default)]
struct Measured {
    /// Cores in use.
    cpu: Vec<(DateTime<Utc>, f64)>,
    /// Bytes.
    memory: Vec<(DateTime<Utc>, f64)>,
    /// Bytes.
    database: Vec<(DateTime<Utc>, f64)>,
    /// Requests a minute.
    requests: Vec<(DateTime<Utc>, f64)>,
    /// Bytes a minute.
    egress: Vec<(DateTime<Utc>, f64)>,
}

impl Measured {
    async fn read(
        db: &mut PgConnection,
        whose: (AccountId, EnvironmentId),
        period: Period,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let step = period.step();
        // Whole steps, so that a line does not change its shape with every look at it.
        let until = now.duration_trunc(step).unwrap_or(now) + step;
        let span = (until - period.length(), until);
        let mut lines = Vec::new();
        for meter in Meter::ALL {
            lines.push(usage::series(db, whose, meter, span, step).await?);
        }
        let [cpu, memory, database, egress, requests] = lines.try_into().unwrap_or_default();
        let known: Vec<bool> = cpu.iter().map(|point| point.value.is_some()).collect();
        let minutes = 60.0 / step.as_seconds_f64();
        Ok(Self {
            cpu: scaled(&cpu, 0.001),
            memory: scaled(&memory, 1.0),
            database: scaled(&database, 1.0),
            requests: scaled(&quiet(&requests, &known), minutes),
            egress: scaled(&quiet(&egress, &known), minutes),
        })
    }
}

/// A proxy writes only when something happened: silence while the instance ran is a zero, not a hole.
fn quiet(points: &[Point], known: &[bool]) -> Vec<Point> {
    let silence = |is_known: bool| is_known.then_some(0);
    points.iter().zip(known).map(|(point, known)| Point { value: point.value.or(silence(*known)), ..*point }).collect()
}

fn scaled(points: &[Point], factor: f64) -> Vec<(DateTime<Utc>, f64)> {
    let value = |point: &Point| Decimal::from(point.value?).to_f64().map(|value| (point.at, value * factor));
    points.iter().filter_map(value).collect()
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>, wish: Query<Wish>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    let period = Period::ALL.into_iter().find(|period| period.code() == wish.period).unwrap_or(Period::Day);
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let plan = plans::version(&mut db, environment.plan_version).await?;
    let events = history::latest(&mut db, member.account, environment.id, 200).await?;
    let now = member.layout.now;
    let measured = Measured::read(&mut db, (member.account, environment.id), period, now).await?;
    let month = (now - Period::Month.length(), now);
    let users = usage::active_users(&mut db, member.account, &[environment.id], month).await?;
    drop(db);

    let layout = &member.layout;
    let formats = formats(layout);
    let markers: Vec<Marker> = events
        .iter()
        .filter(|event| ["started", "stopped", "restarted", "failing", "recovered"].contains(&event.kind.as_str()))
        .map(|event| Marker { at: event.at, label: layout.t(format!("event-{}", event.kind)) })
        .collect();
    let pen = Pen { layout, formats, markers: &markers, period };
    answer::page(&UsagePage {
        graphs: pen.draw_all(&measured, plan.map(|(_, version)| version.resources).as_ref()),
        periods: Period::ALL.map(|other| PeriodLink {
            url: urls::instance_usage(environment.id, other.code()),
            label: layout.t(format!("usage-period-{}", other.code())),
            is_current: other == period,
        }),
        users: users.first().map(|(_, users)| layout.t1("usage-users", "count", *users)),
        name: environment.name.clone(),
        instance_url: urls::instance(environment.id),
        logs_url: urls::instance_logs(environment.id),
        domains_url: urls::instance_domains(environment.id),
        usage_url: urls::instance_usage(environment.id, ""),
        list_url: urls::instances(),
        layout: member.layout.clone(),
    })
}

/// Draws the graphs of one page.
struct Pen<'a> {
    layout: &'a Layout,
    formats: Formats,
    markers: &'a [Marker],
    period: Period,
}

impl Pen<'_> {
    fn draw_all(&self, measured: &Measured, resources: Option<&Resources>) -> Vec<Graph> {
        const MEBIBYTE: f64 = 1_048_576.0;
        let limit = |number: fn(&Resources) -> i32, unit: f64| resources.map(|given| f64::from(number(given)) * unit);
        let cores = |value: f64| self.layout.t1("usage-cores", "value", self.decimal(value, 2));
        let bytes = |value: f64| self.formats.bytes(whole(value));
        let count = |value: f64| self.decimal(value, 1);
        vec![
            self.draw("cpu", &measured.cpu, limit(|given| given.cpu_millis, 0.001), &cores),
            self.draw("memory", &measured.memory, limit(|given| given.memory_mb, MEBIBYTE), &bytes),
            self.draw("database", &measured.database, limit(|given| given.storage_mb, MEBIBYTE), &bytes),
            self.draw("requests", &measured.requests, None, &count),
            self.draw("egress", &measured.egress, None, &bytes),
        ]
    }

    fn draw(
        &self,
        name: &str,
        points: &[(DateTime<Utc>, f64)],
        limit: Option<f64>,
        say_value: &dyn Fn(f64) -> String,
    ) -> Graph {
        let title = self.layout.t(format!("usage-{name}"));
        let now = self.layout.now;
        let tick = |at| match self.period {
            Period::Hour | Period::Day => self.formats.time(at),
            Period::Week | Period::Month => self.formats.day(at),
        };
        Graph::draw(&Request {
            id: &format!("graph-{name}"),
            title: &title,
            from: now - self.period.length(),
            to: now,
            series: &[Series { name: title.clone(), points: points.to_vec() }],
            markers: self.markers,
            // A limit far above what was used would press the line to the ground.
            limit: limit.filter(|limit| points.iter().any(|(_, value)| value * 3.0 > *limit)),
            say_value,
            say_time: &|at| self.formats.date_time(at),
            say_tick: &tick,
        })
    }

    fn decimal(&self, value: f64, places: u32) -> String {
        self.formats.decimal(Decimal::from_f64(value).unwrap_or_default(), places)
    }
}

/// Returns a whole number of something that is never negative.
fn whole(value: f64) -> u64 {
    Decimal::from_f64(value.max(0.0)).and_then(|value| value.trunc().try_into().ok()).unwrap_or(0)
}

struct PeriodLink {
    url: String,
    label: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/usage.html")]
struct UsagePage {
    layout: Layout,
    name: String,
    /// How many people used it lately; `None` while that is not known.
    users: Option<String>,
    graphs: Vec<Graph>,
    periods: [PeriodLink; 4],
    instance_url: String,
    logs_url: String,
    domains_url: String,
    usage_url: String,
    list_url: String,
}
