//! Charts as SVG in the page: no script, no style in an attribute. What they say stands in the table below them, too, so a chart is
//! an image with a title for who cannot see it, and each of its points tells its value when pointed at.
//!
//! Only our own words, dates and numbers are written into them, and names of the brand's, cut and escaped.

use maud::{Markup, html};
use std::fmt::Write as _;

/// The drawing's size, in its own units; the page stretches it.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers on the left and the labels below.
const LEFT: f64 = 96.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Lines across, about.
const TICKS: f64 = 4.0;
/// Labels below, at most.
const LABELS: usize = 6;
/// Letters of a channel's name beside a Sankey diagram.
const NAME_LETTERS: usize = 7;
/// Letters of a series' name beside its interval.
const SERIES_LETTERS: usize = 20;
/// A line of more points has no dots on it.
const DOTS_MAX: usize = 100;
/// Shades of a heat map, besides that of nothing.
const SHADES: f64 = 5.0;

/// A line over time, and perhaps another before it.
pub(super) struct Line<'a> {
    /// What it shows.
    pub(super) title: &'a str,
    /// Below, one for each value.
    pub(super) labels: &'a [String],
    /// From left to right; a gap where there is none.
    pub(super) values: &'a [Option<f64>],
    /// Dashed; as many at most.
    pub(super) before: &'a [Option<f64>],
    /// What happened, and above which label.
    pub(super) marks: &'a [(usize, String)],
}

/// From where to where an axis goes, and how far its lines are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// With 0 on it, ends and lines at round numbers.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if high - low <= 0.0 {
            high = low + 1.0;
        }
        let rough = (high - low) / TICKS;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * power).find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    fn y(self, value: f64) -> f64 {
        TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count.min(12)).map(move |tick| self.low + self.step * tick as f64)
    }
}

/// The line, its numbers said by `say`.
pub(super) fn line(line: &Line<'_>, say: impl Fn(f64) -> String) -> Markup {
    let Line { title, labels, values, before, marks } = *line;
    let axis = Axis::over(values.iter().chain(before).flatten().copied());
    let last = values.len().max(2) - 1;
    let x = |at: usize| LEFT + at as f64 / last as f64 * (WIDTH - LEFT - RIGHT);
    let every = values.len().div_ceil(LABELS).max(1);
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            title { (title) }
            @for tick in axis.ticks() {
                @let y = units(axis.y(tick));
                line class="grid" x1=(units(LEFT)) x2=(units(WIDTH - RIGHT)) y1=(y) y2=(y) {}
                text class="tick" x=(units(LEFT - 6.0)) y=(units(axis.y(tick) + 4.0)) { (say(tick)) }
            }
            @for (at, label) in labels.iter().enumerate().filter(|(at, _)| at % every == 0) {
                text class="label" x=(units(x(at))) y=(units(HEIGHT - 8.0)) { (label) }
            }
            @for (at, said) in marks {
                @let x = units(x(*at));
                line class="mark" x1=(x) x2=(x) y1=(units(TOP)) y2=(units(HEIGHT - BOTTOM)) { title { (said) } }
            }
            path class="before" d=(path(before, x, |value| axis.y(value))) {}
            path class="line" d=(path(values, x, |value| axis.y(value))) {}
            @if values.len() <= DOTS_MAX {
                @for (at, value) in values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?))) {
                    circle class="dot" cx=(units(x(at))) cy=(units(axis.y(value))) r="3" {
                        title { (labels.get(at).map_or("", String::as_str)) " " (say(value)) }
                    }
                }
            }
        }
    }
}

/// `M x y L x y …`, begun anew behind a gap.
fn path(values: &[Option<f64>], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> String {
    let (mut out, mut joined) = (String::new(), false);
    for (at, value) in values.iter().enumerate() {
        if let Some(value) = value {
            // Writing to a string does not fail.
            _ = write!(out, "{}{} {}", if joined { "L" } else { "M" }, units(x(at)), units(y(*value)));
        }
        joined = value.is_some();
    }
    out
}

/// A small line without numbers, the highest of all such at `most`.
pub(super) fn spark(title: &str, values: &[f64], most: f64) -> Markup {
    const WIDE: f64 = 160.0;
    const HIGH: f64 = 36.0;
    /// Room for the line's own width.
    const EDGE: f64 = 2.0;
    let last = values.len().max(2) - 1;
    let x = |at: usize| EDGE + at as f64 / last as f64 * (WIDE - 2.0 * EDGE);
    let y = |value: f64| EDGE + (1.0 - value / most) * (HIGH - 2.0 * EDGE);
    let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDE} {HIGH}")) role="img" {
            title { (title) }
            path class="line" d=(path(&values, x, y)) {}
        }
    }
}

/// Bars below each other, each with its words and its number, such as the steps of a funnel.
pub(super) fn bars(title: &str, bars: &[(&str, f64, String)]) -> Markup {
    const ROW: f64 = 30.0;
    const WORDS: f64 = 150.0;
    const NUMBER: f64 = 110.0;
    let most = bars.iter().map(|(_, value, _)| *value).fold(1.0, f64::max);
    let height = ROW * bars.len() as f64;
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" {
            title { (title) }
            @for (at, (words, value, number)) in bars.iter().enumerate() {
                @let (top, wide) = (ROW * at as f64, value.max(0.0) / most * (WIDTH - WORDS - NUMBER));
                text class="tick" x=(units(WORDS - 8.0)) y=(units(top + 19.0)) { (words) }
                rect class="bar" x=(units(WORDS)) y=(units(top + 4.0)) width=(units(wide)) height=(units(ROW - 8.0)) {}
                text class="number" x=(units(WORDS + wide + 8.0)) y=(units(top + 19.0)) { (number) }
            }
        }
    }
}

/// A field for each hour of each row's 24, the darker the more.
pub(super) fn heat(title: &str, rows: &[(String, Vec<f64>)]) -> Markup {
    const ROW: f64 = 24.0;
    const WORDS: f64 = 60.0;
    const HOURS: usize = 24;
    let most = rows.iter().flat_map(|(_, values)| values).copied().fold(0.0, f64::max);
    let wide = (WIDTH - WORDS) / HOURS as f64;
    let height = ROW * (rows.len() + 1) as f64;
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {height}")) role="img" {
            title { (title) }
            @for (at, (words, values)) in rows.iter().enumerate() {
                @let top = ROW * at as f64;
                text class="tick" x=(units(WORDS - 6.0)) y=(units(top + 16.0)) { (words) }
                @for (hour, value) in values.iter().take(HOURS).enumerate() {
                    @let shade = if most > 0.0 { (value / most * SHADES).ceil() as u8 } else { 0 };
                    rect class=(format!("heat{shade}")) x=(units(WORDS + wide * hour as f64)) y=(units(top + 1.0))
                        width=(units(wide - 2.0)) height=(units(ROW - 2.0)) {
                        title { (words) " " (format!("{hour:02}:00")) " " (value) }
                    }
                }
            }
            @for hour in (0..HOURS).step_by(3) {
                text class="label" x=(units(WORDS + wide * (hour as f64 + 0.5))) y=(units(height - 7.0)) { (format!("{hour:02}")) }
            }
        }
    }
}

/// So much of a name stands beside a drawing; the table below has all of it.
fn brief(name: &str, letters: usize) -> String {
    let mut rest = name.chars();
    let begin: String = rest.by_ref().take(letters).collect();
    if rest.next().is_some() { begin + "…" } else { begin }
}

/// A name on the left, one on the right, and how much goes from one to the other.
pub(super) struct Flow<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) value: f64,
}

/// Bands from left to right, as wide as what goes there (a Sankey diagram of two columns).
pub(super) fn sankey(title: &str, flows: &[Flow<'_>], say: impl Fn(f64) -> String) -> Markup {
    const GAP: f64 = 10.0;
    const THICK: f64 = 10.0;
    /// Left of the bands and right of them, for names.
    const NAMES: f64 = 250.0;
    const TALL: f64 = 240.0;
    const ROW_MIN: f64 = 16.0;
    let all: f64 = flows.iter().map(|flow| flow.value).sum::<f64>().max(f64::MIN_POSITIVE);
    // A node's name, its sum, and where its next band begins: in the order in which the flows name them.
    let column = |name: fn(&Flow<'_>) -> String| {
        let mut nodes = Vec::<(String, f64, f64)>::new();
        for flow in flows {
            let name = name(flow);
            match nodes.iter_mut().find(|(other, ..)| *other == name) {
                Some((_, sum, _)) => *sum += flow.value,
                None => nodes.push((name, flow.value, 0.0)),
            }
        }
        let mut top = 4.0;
        for (_, sum, at) in &mut nodes {
            *at = top;
            top += (*sum / all * TALL).max(ROW_MIN) + GAP;
        }
        (nodes, top)
    };
    let (mut left, bottom_left) = column(|flow| flow.from.to_owned());
    let (mut right, bottom_right) = column(|flow| flow.to.to_owned());
    let height = bottom_left.max(bottom_right);
    let (x0, x1) = (NAMES + THICK, WIDTH - NAMES - THICK);
    let middle = (x0 + x1) / 2.0;
    let names = |nodes: &[(String, f64, f64)], class: &str, bar: f64, name: f64| {
        html! {
            @for (words, sum, top) in nodes {
                rect class="bar" x=(units(bar)) y=(units(*top)) width=(units(THICK)) height=(units((sum / all * TALL).max(1.0))) {}
                text class=(class) x=(units(name)) y=(units(top + 12.0)) { (brief(words, NAME_LETTERS)) " " (say(*sum)) }
            }
        }
    };
    let named = html! {
        (names(&left, "tick", NAMES, NAMES - 6.0))
        (names(&right, "number", x1, WIDTH - NAMES + 6.0))
    };
    let take = |nodes: &mut Vec<(String, f64, f64)>, name: &str, wide: f64| {
        let node = nodes.iter_mut().find(|(other, ..)| other == name);
        node.map_or(0.0, |(_, _, next)| std::mem::replace(next, *next + wide))
    };
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {}", units(height))) role="img" {
            title { (title) }
            @for flow in flows {
                @let wide = flow.value / all * TALL;
                @let (from, to) = (take(&mut left, flow.from, wide) + wide / 2.0, take(&mut right, flow.to, wide) + wide / 2.0);
                path class="band" stroke-width=(units(wide.max(1.0)))
                    d=(format!("M{} {}C{m} {} {m} {} {} {}", units(x0), units(from), units(from), units(to), units(x1), units(to), m = units(middle))) {
                    title { (flow.from) " → " (flow.to) " " (say(flow.value)) }
                }
            }
            (named)
        }
    }
}

/// A number and between which two it lies, with its name.
pub(super) struct Interval {
    pub(super) name: String,
    pub(super) low: f64,
    pub(super) value: f64,
    pub(super) high: f64,
}

/// Intervals below each other, with a line where nothing is.
pub(super) fn intervals(title: &str, rows: &[Interval], say: impl Fn(f64) -> String) -> Markup {
    const ROW: f64 = 30.0;
    const WORDS: f64 = 250.0;
    let axis = Axis::over(rows.iter().flat_map(|row| [row.low, row.high]));
    let x = |value: f64| WORDS + (value - axis.low) / (axis.high - axis.low) * (WIDTH - WORDS - 40.0);
    let bottom = ROW * rows.len() as f64;
    html! {
        svg class="chart" viewBox=(format!("0 0 {WIDTH} {}", bottom + BOTTOM)) role="img" {
            title { (title) }
            @for tick in axis.ticks() {
                @let at = units(x(tick));
                line class=(if tick == 0.0 { "nought" } else { "grid" }) x1=(at) x2=(at) y1="0" y2=(units(bottom)) {}
                text class="label" x=(at) y=(units(bottom + 18.0)) { (say(tick)) }
            }
            @for (at, row) in rows.iter().enumerate() {
                @let y = ROW * (at as f64 + 0.5);
                text class="tick" x=(units(WORDS - 8.0)) y=(units(y + 4.0)) { (brief(&row.name, SERIES_LETTERS)) }
                line class="line" x1=(units(x(row.low))) x2=(units(x(row.high))) y1=(units(y)) y2=(units(y)) {}
                circle class="dot" cx=(units(x(row.value))) cy=(units(y)) r="5" {
                    title { (row.name) " " (say(row.value)) " (" (say(row.low)) " … " (say(row.high)) ")" }
                }
            }
        }
    }
}

/// A tenth of a unit is enough.
fn units(value: f64) -> String {
    format!("{}", (value * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_axis_has_nought_on_it_and_ends_at_round_numbers() {
        for (values, low, high, step) in [
            (vec![], 0.0, 1.0, 0.5),
            (vec![0.0, 0.0], 0.0, 1.0, 0.5),
            (vec![3.0, 7.0], 0.0, 8.0, 2.0),
            (vec![-3.0, 7.0], -5.0, 10.0, 5.0),
            (vec![-1.0, -9.0], -10.0, 0.0, 5.0),
            (vec![1_234.0], 0.0, 1_500.0, 500.0),
            (vec![f64::NAN, f64::INFINITY, 4.0], 0.0, 4.0, 1.0),
        ] {
            let axis = Axis::over(values.iter().copied());
            assert_eq!((axis.low, axis.high, axis.step), (low, high, step), "{values:?}");
            assert!(axis.ticks().count() <= 7, "{values:?}");
        }
    }

    #[test]
    fn a_line_ends_at_a_gap_and_begins_behind_it() {
        let values = [Some(0.0), Some(1.0), None, Some(1.0)];
        let axis = Axis::over(values.iter().flatten().copied());
        let drawn = path(&values, |at| at as f64 * 10.0, |value| axis.y(value));
        assert_eq!(drawn, "M0 192L10 12M30 12");
        let labels: Vec<String> = (0..4).map(|day| format!("day {day}")).collect();
        let line = Line {
            title: "new",
            labels: &labels,
            values: &values,
            before: &[Some(2.0)],
            marks: &[(3, "No. 7".into())],
        };
        let svg = self::line(&line, |value| value.to_string()).into_string();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("<line class=\"mark\" x1=\"704\"") && svg.contains("<title>No. 7</title>"), "{svg}");
        assert!(svg.contains("<title>day 3 1</title>") && svg.contains("class=\"before\" d=\"M96 12\""), "{svg}");
    }

    #[test]
    fn a_bar_is_as_long_as_its_part_of_the_longest() {
        let svg =
            bars("funnel", &[("scans", 200.0, "200".into()), ("new", 50.0, "50".into()), ("lost", -3.0, "-3".into())]);
        let widths: Vec<&str> = svg.0.split(" width=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(widths, ["460", "115", "0"]);
    }

    #[test]
    fn a_heat_map_has_a_field_for_every_hour_and_its_shade_by_the_most() {
        let rows = [("Mon".to_owned(), (0..24).map(f64::from).collect()), ("Tue".to_owned(), vec![0.0; 24])];
        let svg = heat("hours", &rows).into_string();
        assert_eq!(svg.matches("<rect").count(), 48);
        for (shade, fields) in [(0, 25), (1, 4), (2, 5), (3, 4), (4, 5), (5, 5)] {
            assert_eq!(svg.matches(&format!("class=\"heat{shade}\"")).count(), fields, "{shade}");
        }
        assert!(heat("nothing", &[("Mon".to_owned(), vec![0.0; 24])]).into_string().contains("heat0"));
    }

    #[test]
    fn bands_are_as_wide_as_their_parts_and_lie_side_by_side() {
        let flow = |from, to, value| Flow { from, to, value };
        let flows = [flow("bag", "bag", 2.0), flow("bag", "shop", 1.0), flow("<b>", "shop", 1.0)];
        let svg = sankey("paths", &flows, |value| value.to_string()).into_string();
        let widths: Vec<&str> =
            svg.split("stroke-width=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(widths, ["120", "60", "60"]);
        // From the left: below each other; to the right: the second and the third share a node.
        for drawn in
            ["M260 64C360 64 360 64 460 64", "M260 154C360 154 360 164 460 164", "M260 224C360 224 360 224 460 224"]
        {
            assert!(svg.contains(drawn), "{drawn} {svg}");
        }
        assert!(
            svg.contains("bag 3")
                && svg.contains("shop 2")
                && svg.contains("&lt;b&gt; → shop 1")
                && !svg.contains("<b>")
        );
    }

    #[test]
    fn an_interval_reaches_from_its_low_to_its_high_with_nought_on_the_axis() {
        let rows = [Interval { name: "feed".into(), low: 10.0, value: 20.0, high: 40.0 }];
        let svg = intervals("uplift", &rows, |value| value.to_string()).into_string();
        assert!(svg.contains("class=\"nought\" x1=\"250\"") && svg.contains("x1=\"357.5\" x2=\"680\""), "{svg}");
        assert!(svg.contains("<title>feed 20 (10 … 40)</title>"));
    }
}
