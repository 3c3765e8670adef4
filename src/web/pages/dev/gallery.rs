//! `/dev/gallery`: every component in every state, for those who write pages. Development only; its words are not translated.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::graph::{self, Graph, Marker, Series};
use crate::web::layout::Layout;

/// Shows the page.
pub async fn get(visitor: Visitor) -> Answer {
    let now = visitor.layout.now;
    answer::page(&GalleryPage {
        graph: example("example-one", "Processor", 1, now),
        graphs: example("example-three", "Memory", 3, now),
        empty: example("example-none", "Requests", 0, now),
        spark: graph::spark(&(0..40).map(|step| wave(step, 0)).collect::<Vec<_>>()),
        error: Some("Say what the company is called."),
        layout: visitor.layout,
    })
}

#[derive(Template)]
#[template(path = "pages/dev/gallery.html")]
struct GalleryPage {
    layout: Layout,
    graph: Graph,
    graphs: Graph,
    empty: Graph,
    spark: String,
    error: Option<&'static str>,
}

fn example(id: &str, title: &str, lines: usize, now: DateTime<Utc>) -> Graph {
    let from = now - TimeDelta::hours(12);
    let instant = |step: i32| from + TimeDelta::minutes(4) * step;
    let names = ["App", "Database", "Total"].into_iter().zip(0..).take(lines);
    let series: Vec<_> = names
        .map(|(name, number)| Series {
            name: name.to_owned(),
            // A hole, as when nothing could be measured.
            points: (0..180)
                .filter(|step| !(60..75).contains(step))
                .map(|step| (instant(step), wave(step, number)))
                .collect(),
        })
        .collect();
    Graph::draw(&graph::Request {
        id,
        title,
        from,
        to: now,
        series: &series,
        markers: &[Marker { at: instant(130), label: "Backup".to_owned() }],
        limit: (lines > 1).then_some(90.0),
        say_value: &|value| format!("{value:.0} %"),
        say_time: &|at| at.format("%d %b %H:%M").to_string(),
        say_tick: &|at| at.format("%H:%M").to_string(),
    })
}

fn wave(step: i32, number: i32) -> f64 {
    let (step, number) = (f64::from(step), f64::from(number));
    ((step / 14.0 + number).sin() + 1.4) * 18.0 + ((step * 79.0) % 9.7) + number * 10.0
}
