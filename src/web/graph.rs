//! Graphs over time, drawn as SVG by the server. Pure: values in, paths and labels out.
//!
//! Time runs from left to right in every language, as in the tools that people compare with.

use chrono::{DateTime, Utc};

/// One measured line.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is, in the reader's language.
    pub name: String,
    /// Instants in order, with what was measured. A hole in time stays a hole in the line.
    pub points: Vec<(DateTime<Utc>, f64)>,
}

/// Something that happened: a deployment, a sleep, a backup.
#[derive(Clone, Debug)]
pub struct Marker {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in the reader's language.
    pub label: String,
}

/// What a graph is asked to show.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Unique on the page.
    pub id: &'a str,
    /// The heading.
    pub title: &'a str,
    /// The period on the horizontal axis.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// At most three lines.
    pub series: &'a [Series],
    /// What happened meanwhile.
    pub markers: &'a [Marker],
    /// A limit drawn across, such as the plan's memory.
    pub limit: Option<f64>,
    /// Says a value with its unit.
    pub say_value: &'a dyn Fn(f64) -> String,
    /// Says an instant for the table and the read-out.
    pub say_time: &'a dyn Fn(DateTime<Utc>) -> String,
    /// Says an instant below the axis, shortly.
    pub say_tick: &'a dyn Fn(DateTime<Utc>) -> String,
}

/// A drawn graph, ready for `components/graph.html`.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Unique on the page.
    pub id: String,
    /// The heading.
    pub title: String,
    /// The newest value of the first line, as said.
    pub latest: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// Labels of the vertical axis.
    pub heights: Vec<Tick>,
    /// Labels of the horizontal axis.
    pub times: Vec<Tick>,
    /// What happened meanwhile.
    pub markers: Vec<Tick>,
    /// Where the limit is, if there is one.
    pub limit: Option<Tick>,
    /// The same as a table, newest first.
    pub rows: Vec<Row>,
}

/// One drawn line, in a box of 1000 × 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// The class that gives it colour and dash.
    pub class: &'static str,
    /// The line.
    pub path: String,
    /// The line closed to the ground.
    pub area: String,
}

/// A label at a place in percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Percent from the start (or from the top).
    pub at: String,
    /// What it says.
    pub label: String,
    /// How the label stands to its place: `start`, `middle` or `end`.
    pub anchor: &'static str,
}

/// One instant in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where on the horizontal axis, out of 1000.
    pub x: String,
    /// The instant, machine-readable.
    pub iso: String,
    /// The instant, as said.
    pub when: String,
    /// One for each line; a dash where nothing was measured.
    pub values: Vec<String>,
}

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
const CLASSES: [&str; 3] = ["one", "two", "three"];

impl Graph {
    /// Draws a graph.
    #[must_use]
    pub fn draw(request: &Request<'_>) -> Self {
        let frame = Frame::around(request);
        let lines = request.series.iter().zip(CLASSES).map(|(series, class)| frame.line(series, class)).collect();
        let newest = request.series.first().and_then(|series| series.points.last());
        Self {
            id: request.id.to_owned(),
            title: request.title.to_owned(),
            latest: newest.map(|(_, value)| (request.say_value)(*value)).unwrap_or_default(),
            lines,
            heights: frame.heights(request.say_value),
            times: frame.times(request.say_tick),
            markers: request
                .markers
                .iter()
                .filter(|marker| (request.from..=request.to).contains(&marker.at))
                .map(|marker| Tick {
                    at: percent(frame.x(marker.at) / WIDTH),
                    label: marker.label.clone(),
                    anchor: "middle",
                })
                .collect(),
            limit: request.limit.map(|limit| Tick {
                at: percent(frame.y(limit) / HEIGHT),
                label: (request.say_value)(limit),
                anchor: "end",
            }),
            rows: frame.rows(request),
        }
    }

    /// Says whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Draws values as a small line in a box of 100 × 24, without axes.
#[must_use]
pub fn spark(values: &[f64]) -> String {
    let top = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let step = 100.0 / count(values.len().saturating_sub(1).max(1));
    let mut path = String::new();
    for (index, value) in values.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        path.push_str(&format!(
            "{command}{} {}",
            short(count(index) * step),
            short(23.0 - 22.0 * value.max(0.0) / top)
        ));
    }
    path
}

/// The box that the values are drawn in.
struct Frame {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    top: f64,
    step: f64,
}

impl Frame {
    fn around(request: &Request<'_>) -> Self {
        let values = request.series.iter().flat_map(|series| series.points.iter().map(|(_, value)| *value));
        let highest = values.chain(request.limit).filter(|value| value.is_finite()).fold(0.0, f64::max);
        let step = round_step(highest / 3.0);
        let top = ((highest / step).ceil() * step).max(step);
        Self { from: request.from, to: request.to, top, step }
    }

    fn x(&self, at: DateTime<Utc>) -> f64 {
        let span = (self.to - self.from).as_seconds_f64().max(1.0);
        ((at - self.from).as_seconds_f64() / span * WIDTH).clamp(0.0, WIDTH)
    }

    fn y(&self, value: f64) -> f64 {
        (HEIGHT - value / self.top * HEIGHT).clamp(0.0, HEIGHT)
    }

    fn line(&self, series: &Series, class: &'static str) -> Line {
        let hole = usual_distance(&series.points) * 2.5;
        let mut path = String::new();
        let mut area = String::new();
        let mut last: Option<DateTime<Utc>> = None;
        for (at, value) in series.points.iter().filter(|(_, value)| value.is_finite()) {
            let (x, y) = (short(self.x(*at)), short(self.y(*value)));
            let follows = last.is_some_and(|before| (*at - before).as_seconds_f64() <= hole);
            if follows {
                path.push_str(&format!("L{x} {y}"));
                area.push_str(&format!("L{x} {y}"));
            } else {
                if let Some(before) = last {
                    area.push_str(&format!("L{} 100Z", short(self.x(before))));
                }
                // A lone point is drawn as a dot: a line of no length with round ends.
                path.push_str(&format!("M{x} {y}h0"));
                area.push_str(&format!("M{x} 100L{x} {y}"));
            }
            last = Some(*at);
        }
        if let Some(before) = last {
            area.push_str(&format!("L{} 100Z", short(self.x(before))));
        }
        Line { name: series.name.clone(), class, path, area }
    }

    fn heights(&self, say: &dyn Fn(f64) -> String) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let mut value = 0.0;
        while value <= self.top * 1.001 {
            ticks.push(Tick { at: percent(self.y(value) / HEIGHT), label: say(value), anchor: "end" });
            value += self.step;
        }
        ticks
    }

    fn times(&self, say: &dyn Fn(DateTime<Utc>) -> String) -> Vec<Tick> {
        const PARTS: i32 = 4;
        let part = (self.to - self.from) / PARTS;
        (0..=PARTS)
            .map(|index| {
                let at = self.from + part * index;
                let anchor = match index {
                    0 => "start",
                    PARTS => "end",
                    _ => "middle",
                };
                Tick { at: percent(self.x(at) / WIDTH), label: say(at), anchor }
            })
            .collect()
    }

    fn rows(&self, request: &Request<'_>) -> Vec<Row> {
        let mut instants: Vec<_> =
            request.series.iter().flat_map(|series| series.points.iter().map(|(at, _)| *at)).collect();
        instants.sort_unstable_by(|a, b| b.cmp(a));
        instants.dedup();
        let value_at = |series: &Series, at| {
            let found = series.points.binary_search_by(|(instant, _)| instant.cmp(&at));
            found.map_or_else(|_| String::from("–"), |index| (request.say_value)(series.points[index].1))
        };
        instants
            .into_iter()
            .map(|at| Row {
                x: short(self.x(at)),
                iso: at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                when: (request.say_time)(at),
                values: request.series.iter().map(|series| value_at(series, at)).collect(),
            })
            .collect()
    }
}

/// The middle one of the distances between neighbours, in seconds.
fn usual_distance(points: &[(DateTime<Utc>, f64)]) -> f64 {
    let mut distances: Vec<f64> = points.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_seconds_f64()).collect();
    distances.sort_unstable_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(f64::INFINITY)
}

/// The next of 1, 2, 5, 10, 20, 50, … (or 0.5, 0.2, …) that is not smaller.
fn round_step(rough: f64) -> f64 {
    if rough <= 0.0 || !rough.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power)
}

fn percent(part: f64) -> String {
    format!("{}%", short(part * 100.0))
}

/// A coordinate with at most one decimal.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone};

    fn minute(number: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a real instant") + TimeDelta::minutes(number)
    }

    fn drawn(points: &[(i64, f64)]) -> Graph {
        let points = points.iter().map(|(at, value)| (minute(*at), *value)).collect();
        Graph::draw(&Request {
            id: "cpu",
            title: "CPU",
            from: minute(0),
            to: minute(100),
            series: &[Series { name: "CPU".into(), points }],
            markers: &[],
            limit: None,
            say_value: &|value| format!("{value:.0}"),
            say_time: &|at| at.format("%H:%M").to_string(),
            say_tick: &|at| at.format("%H:%M").to_string(),
        })
    }

    #[test]
    fn a_hole_in_time_is_a_hole_in_the_line() {
        let graph = drawn(&[(0, 1.0), (1, 1.0), (2, 1.0), (50, 1.0), (51, 1.0)]);
        assert_eq!(graph.lines[0].path.matches('M').count(), 2, "{}", graph.lines[0].path);
    }

    #[test]
    fn the_axis_ends_at_a_round_number_above_the_highest_value() {
        let labels: Vec<_> = drawn(&[(0, 3.0), (1, 87.0)]).heights.into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["0", "50", "100"]);
    }

    #[test]
    fn a_graph_of_nothing_is_empty_and_still_has_axes() {
        let graph = drawn(&[]);
        assert!(graph.is_empty());
        assert_eq!(graph.heights.len(), 2);
    }

    #[test]
    fn a_single_point_is_visible() {
        assert_eq!(drawn(&[(50, 1.0)]).lines[0].path, "M500 0h0");
    }

    #[test]
    fn the_table_is_newest_first() {
        let times: Vec<_> = drawn(&[(0, 3.0), (1, 87.0)]).rows.into_iter().map(|row| row.when).collect();
        assert_eq!(times, ["12:01", "12:00"]);
    }

    #[test]
    fn a_spark_of_zeros_lies_on_the_ground() {
        assert_eq!(spark(&[0.0, 0.0]), "M0 23L100 23");
        assert_eq!(spark(&[]), "");
    }
}
