//! A chart of amounts over time, drawn on the server: what comes in stands above the line, what goes out hangs below it.
//!
//! Across, everything is a share of the width, in thousandths of a percent; down, it is pixels. So one drawing fits a
//! phone and a desk without scripts, and its texts keep their size. Bounded by the bands that the caller forms.

/// The height of the plot in pixels, without the labels below it.
const HEIGHT: i64 = 240;

/// At most so many steps between grid lines, above and below the line together.
const STEPS_MAX: i64 = 8;

/// A thousandth of a percent is the unit across.
const WHOLE: usize = 100_000;

/// The widest a bar gets, however few there are.
const BAR_MAX: usize = 6_000;

/// At most so many bands carry a label; on a narrow screen a third of them.
const LABELS_MAX: usize = 13;

/// Where a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Above,
    Below,
}

/// One kind of amount; `tone` names its colour in the style sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub name: &'static str,
    pub tone: &'static str,
    pub side: Side,
}

/// A day, week or month with one amount for each series. What is below zero is drawn as zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// What stands below the band, where there is room.
    pub label: String,
    /// What it is called in the table: "16 to 22 November 2026".
    pub name: String,
    pub values: Vec<i64>,
}

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    pub title: String,
    /// A sentence for those who do not see the drawing.
    pub description: String,
    pub series: Vec<Series>,
    pub bands: Vec<Band>,
}

/// A chart with its geometry, as the template writes it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    pub height: i64,
    /// The height with the labels.
    pub full_height: i64,
    /// Where nothing came in and nothing went out.
    pub zero: i64,
    pub ticks: Vec<Tick>,
    pub columns: Vec<Column>,
}

/// A band in the table beside the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub values: Vec<String>,
}

/// A grid line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    pub y: i64,
    pub label: String,
}

/// A drawn band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub left: String,
    pub width: String,
    pub middle: String,
    pub label: Option<String>,
    /// Whether the label stays on a narrow screen.
    pub is_kept: bool,
    /// What the pointer is told.
    pub tip: String,
    pub bars: Vec<Bar>,
}

/// A rectangle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    pub tone: &'static str,
    pub left: String,
    pub width: String,
    pub top: i64,
    pub height: i64,
}

impl Chart {
    /// Nothing when there is nothing to draw.
    pub fn drawing(&self) -> Option<Drawing> {
        let above = self.highest(Side::Above);
        let below = self.highest(Side::Below);
        if above == 0 && below == 0 {
            return None;
        }
        let step = nice_step(above, below);
        let scale = Scale { up: steps(above, step), down: steps(below, step), step };
        let every = self.bands.len().div_ceil(LABELS_MAX).max(1);
        let place = |index| Place { index, of: self.bands.len() };
        let columns = self.bands.iter().enumerate();
        let columns = columns.map(|(index, band)| self.column(band, place(index), every, &scale)).collect();
        Some(Drawing {
            height: HEIGHT,
            full_height: HEIGHT + 28,
            zero: scale.y(0),
            ticks: (-scale.down..=scale.up).map(|it| scale.tick(it)).collect(),
            columns,
        })
    }

    /// The same numbers for those who read rather than look.
    pub fn rows(&self) -> Vec<Row> {
        let text = |it: &Band| Row { name: it.name.clone(), values: it.values.iter().copied().map(grouped).collect() };
        self.bands.iter().map(text).collect()
    }

    /// The tallest stack on a side.
    fn highest(&self, side: Side) -> i64 {
        self.bands.iter().map(|it| self.on(it, side).map(|(_, value)| value).sum()).max().unwrap_or(0)
    }

    fn on<'a>(&'a self, band: &'a Band, side: Side) -> impl Iterator<Item = (&'a Series, i64)> {
        let all = self.series.iter().zip(&band.values);
        all.filter(move |it| it.0.side == side).map(|(series, value)| (series, (*value).max(0)))
    }

    fn column(&self, band: &Band, place: Place, every: usize, scale: &Scale) -> Column {
        let has_label = place.index.is_multiple_of(every);
        Column {
            left: percent(place.left()),
            width: percent(WHOLE / place.of),
            middle: percent(place.middle()),
            label: has_label.then(|| band.label.clone()),
            is_kept: place.index.is_multiple_of(every * 3),
            tip: self.tip(band),
            bars: self.bars(band, place, scale),
        }
    }

    fn bars(&self, band: &Band, place: Place, scale: &Scale) -> Vec<Bar> {
        let mut bars = Vec::new();
        for side in [Side::Above, Side::Below] {
            let mut sum = 0;
            for (series, value) in self.on(band, side).filter(|it| 0 < it.1) {
                let (from, to) = (sum, sum + value);
                sum = to;
                let (one, other) = match side {
                    Side::Above => (scale.y(to), scale.y(from)),
                    Side::Below => (scale.y(-from), scale.y(-to)),
                };
                let width = place.bar();
                bars.push(Bar {
                    tone: series.tone,
                    left: percent(place.middle() - width / 2),
                    width: percent(width),
                    top: one,
                    // What is there is seen, however little it is.
                    height: (other - one).max(1),
                });
            }
        }
        bars
    }

    fn tip(&self, band: &Band) -> String {
        let mut tip = band.name.clone();
        for (series, value) in self.series.iter().zip(&band.values) {
            tip += &format!("\n{} {}", series.name, grouped(*value));
        }
        tip
    }
}

/// Which band of how many.
#[derive(Clone, Copy)]
struct Place {
    index: usize,
    of: usize,
}

impl Place {
    fn left(self) -> usize {
        WHOLE * self.index / self.of
    }

    fn middle(self) -> usize {
        WHOLE * (2 * self.index + 1) / (2 * self.of)
    }

    fn bar(self) -> usize {
        (WHOLE * 7 / (10 * self.of)).min(BAR_MAX)
    }
}

/// How amounts become pixels.
struct Scale {
    up: i64,
    down: i64,
    step: i64,
}

impl Scale {
    fn y(&self, value: i64) -> i64 {
        let top = i128::from(self.up) * i128::from(self.step);
        let span = i128::from(self.up + self.down) * i128::from(self.step);
        let y = (top - i128::from(value)) * i128::from(HEIGHT) / span;
        i64::try_from(y).unwrap_or(HEIGHT)
    }

    fn tick(&self, steps: i64) -> Tick {
        Tick { y: self.y(steps.saturating_mul(self.step)), label: short(steps.saturating_mul(self.step).abs()) }
    }
}

/// The least of 1, 2, 5, 10, 20, 50 … with which both sides need few steps.
pub fn nice_step(above: i64, below: i64) -> i64 {
    let mut power = 1_i64;
    loop {
        for digit in [1, 2, 5] {
            let step = power.saturating_mul(digit);
            if steps(above, step) + steps(below, step) <= STEPS_MAX {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

fn steps(value: i64, step: i64) -> i64 {
    if value <= 0 { 0 } else { (value - 1) / step + 1 }
}

/// "950", "2,500", "12k", "1.5m": a nice step never needs more digits than that.
fn short(value: i64) -> String {
    let (unit, name) = match value {
        ..10_000 => return grouped(value),
        10_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "m"),
        1_000_000_000.. => (1_000_000_000, "bn"),
    };
    let (whole, tenths) = (value / unit, value % unit / (unit / 10));
    if tenths == 0 { format!("{}{name}", grouped(whole)) } else { format!("{}.{tenths}{name}", grouped(whole)) }
}

fn grouped(value: i64) -> String {
    crate::words::number(engine::Points::new(value))
}

/// "3.333%" of thousandths of a percent.
pub fn percent(thousandths: usize) -> String {
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

/// How much of `whole` that is, in thousandths of a percent.
pub fn share(part: i64, whole: i64) -> usize {
    if whole <= 0 || part <= 0 {
        return 0;
    }
    let share = i128::from(part.min(whole)) * 100_000 / i128::from(whole);
    usize::try_from(share).unwrap_or(WHOLE)
}
