//! Adds day totals up for the page: in the period, before it, of all time, by piece and by channel.

use std::collections::BTreeMap;

use engine::{Date, Points, value_of};
use store::{DayTotals, Totals};

use super::period::{Period, Piece};
use super::{ChannelLine, FiguresPage, FirstSteps, Line, Tile};
use crate::pages::admin::Chosen;
use crate::pages::chart::{Band, Chart, Series, Side, percent, share};
use crate::pages::say;
use crate::pages::shell::{Choice, Shell};
use crate::problem::Answer;
use crate::words::{Voice, number};

/// What the store knows.
pub(super) struct Read {
    /// Of the program, in order.
    pub(super) days: Vec<DayTotals>,
    pub(super) members: u64,
    pub(super) sign_ups: Vec<DayTotals>,
}

/// The sums that the page shows.
pub(super) struct Sums<'a> {
    chosen: &'a Chosen,
    voice: Voice<'a>,
    period: Period,
    from: Date,
    today: Date,
    before: Totals,
    within: Totals,
    /// Orders in as many days before the period.
    orders_before: Option<i64>,
    pieces: Vec<(Piece, Totals)>,
    channels: BTreeMap<u32, Totals>,
    members: u64,
    new_members: i64,
}

impl<'a> Sums<'a> {
    pub(super) fn of(read: &Read, chosen: &'a Chosen, period: Period) -> Answer<Self> {
        let voice = chosen.program.voice(chosen.now)?;
        let today = voice.terms.zone.date_of(chosen.now);
        let first = read.days.first().and_then(|it| Date::parse(&it.day).ok()).unwrap_or(today);
        let from = period.begins(today, first);
        let (begin, end) = (from.to_string(), today.to_string());
        let is_within = |it: &&DayTotals| begin <= it.day && it.day <= end;
        let earlier = from.plus_days(-(today.days_since(from) + 1)).to_string();
        let is_earlier = |it: &&DayTotals| earlier <= it.day && it.day < begin;
        let orders_before = (period != Period::All && first.to_string() <= earlier)
            .then(|| read.days.iter().filter(is_earlier).map(|it| it.totals.orders).sum());
        let mut channels: BTreeMap<u32, Totals> = BTreeMap::new();
        for day in read.days.iter().filter(is_within) {
            channels.entry(day.channel).or_default().add(&day.totals);
        }
        let pieces = period.pieces(today, first).into_iter().map(|it| (sum_of(&read.days, &it), it));
        Ok(Self {
            chosen,
            voice,
            period,
            from,
            today,
            before: sum(read.days.iter().filter(|it| it.day < begin)),
            within: sum(read.days.iter().filter(is_within)),
            orders_before,
            pieces: pieces.map(|(totals, piece)| (piece, totals)).collect(),
            channels,
            members: read.members,
            new_members: read.sign_ups.iter().filter(is_within).map(|it| it.totals.signed_up).sum(),
        })
    }

    pub(super) fn page(&self, shell: Shell, first: FirstSteps) -> FiguresPage {
        let chart = self.chart();
        let outstanding = self.outstanding();
        let name = &self.chosen.program.info.name;
        FiguresPage {
            shell,
            programs: self.chosen.choices("/admin"),
            program: name.clone(),
            periods: self.periods(),
            span: say::days(self.from, self.today),
            word: self.voice.names.many.clone(),
            is_new: self.before == Totals::default() && self.within == Totals::default(),
            first,
            tiles: self.tiles(outstanding),
            drawing: chart.drawing(),
            chart,
            statement: self.statement(outstanding),
            promise: self.promise(outstanding),
            channels: self.channels(),
        }
    }

    fn promise(&self, outstanding: Points) -> String {
        let voice = &self.voice;
        let worth = voice.amount(value_of(outstanding.max(Points::ZERO), voice.terms.redeem.rate));
        format!(
            "Outstanding is what members can spend, wait for, or hold in a checkout: {} that would pay {worth} {}.",
            voice.points(outstanding),
            voice.terms.currency.code(),
        )
    }

    fn outstanding(&self) -> Points {
        self.before.outstanding() + self.within.outstanding()
    }

    fn periods(&self) -> Vec<Choice> {
        let program = self.chosen.keep();
        let choice = |it: Period| Choice {
            label: it.label().to_owned(),
            href: format!(
                "/admin?period={}{}",
                it.name(),
                program.as_ref().map_or_else(String::new, |it| format!("&{it}"))
            ),
            is_current: it == self.period,
        };
        Period::ALL.map(choice).to_vec()
    }

    fn tiles(&self, outstanding: Points) -> Vec<Tile> {
        let voice = &self.voice;
        let worth = voice.amount(value_of(outstanding.max(Points::ZERO), voice.terms.redeem.rate));
        let owed = self.before.owed + self.within.owed;
        let (issued, redeemed) = (self.within.issued(), redeemed(&self.within));
        let part = share(redeemed.get(), issued.get()) / 1_000;
        let new = match (self.period, self.new_members) {
            (Period::All, _) => String::new(),
            (_, 0) => "none new in these days".to_owned(),
            (_, 1) => "1 new in these days".to_owned(),
            (_, new) => format!("{} new in these days", say::count(new)),
        };
        let tile = |label, value: String, note: String| Tile { label, value, note, ..Tile::default() };
        vec![
            Tile {
                unit: voice.names.many.clone(),
                is_first: true,
                ..tile("Outstanding", number(outstanding), format!("worth {worth} {}", voice.terms.currency.code()))
            },
            tile("Members", say::count(i64::try_from(self.members).unwrap_or(i64::MAX)), new),
            tile("Orders", say::count(self.within.orders), self.trend()),
            tile("Redeemed of issued", format!("{part}%"), format!("{} of {}", number(redeemed), number(issued))),
            tile("Owed", number(owed), "taken back beyond what was left".to_owned()),
        ]
    }

    /// How the orders compare with as many days before.
    fn trend(&self) -> String {
        let Some(before) = self.orders_before.filter(|it| 0 < *it) else { return "in these days".to_owned() };
        let change = (self.within.orders - before) * 100 / before;
        let span = match self.period {
            Period::Days30 => "the 30 days before",
            Period::Days90 => "the 90 days before",
            Period::Months12 | Period::All => "the year before",
        };
        match change {
            0 => format!("as many as in {span}"),
            1.. => format!("{}% more than {span}", say::count(change)),
            ..0 => format!("{}% fewer than {span}", say::count(-change)),
        }
    }

    fn chart(&self) -> Chart {
        let series = [
            ("Earned", "earned", Side::Above),
            ("Redeemed", "redeemed", Side::Below),
            ("Expired", "expired", Side::Below),
            ("Taken back", "revoked", Side::Below),
        ];
        let band = |(piece, totals): &(Piece, Totals)| Band {
            label: piece.label.clone(),
            name: piece.name.clone(),
            values: [totals.issued(), redeemed(totals), totals.expired, revoked(totals)].map(Points::get).to_vec(),
        };
        let piece = self.period.piece(self.pieces.len());
        let many = &self.voice.names.many;
        Chart {
            title: format!("By {piece}: {many} earned, redeemed, expired and taken back"),
            description: format!(
                "{}: {} earned, {} redeemed, {} expired, {} taken back. The table below has every {piece}.",
                say::days(self.from, self.today),
                number(self.within.issued()),
                number(redeemed(&self.within)),
                number(self.within.expired),
                number(revoked(&self.within)),
            ),
            series: series.map(|(name, tone, side)| Series { name, tone, side }).to_vec(),
            bands: self.pieces.iter().map(band).collect(),
        }
    }

    /// From what was outstanding to what is: every line that is not nothing.
    fn statement(&self, outstanding: Points) -> Vec<Line> {
        let it = &self.within;
        let sum = |label: String, value| Line { label, value: number(value), tone: "", is_sum: true };
        let changes = [
            ("Earned with orders", it.earned, "earned"),
            ("Added by staff", it.added, ""),
            ("Redeemed", -redeemed(it), "redeemed"),
            ("Taken back", -revoked(it), "revoked"),
            ("Expired", -it.expired, "expired"),
            ("Forfeited", -it.forfeited, ""),
            ("Deducted by staff", -it.deducted, ""),
            ("Moved elsewhere", -it.moved, ""),
            ("Became credit or certificates", -it.converted, ""),
        ];
        let mut lines = Vec::new();
        if self.period != Period::All {
            lines.push(sum(format!("Before {}", crate::words::day(self.from)), self.before.outstanding()));
        }
        for (label, value, tone) in changes {
            if !value.is_zero() || !tone.is_empty() {
                lines.push(Line { label: label.to_owned(), value: say::signed(value), tone, is_sum: false });
            }
        }
        lines.push(sum("Outstanding now".to_owned(), outstanding));
        lines
    }

    fn channels(&self) -> Vec<ChannelLine> {
        let all: i64 = self.within.orders;
        let mut channels: Vec<(&u32, &Totals)> = self.channels.iter().filter(|it| *it.1 != Totals::default()).collect();
        channels.sort_by_key(|it| std::cmp::Reverse(it.1.orders));
        let line = |(number_of, it): (&u32, &Totals)| ChannelLine {
            name: self.chosen.channel_name(*number_of),
            orders: say::count(it.orders),
            share: percent(share(it.orders, all)),
            issued: number(it.issued()),
            redeemed: number(redeemed(it)),
            revoked: number(revoked(it)),
            expired: number(it.expired),
        };
        channels.into_iter().map(line).collect()
    }
}

fn sum<'a>(days: impl Iterator<Item = &'a DayTotals>) -> Totals {
    let mut sum = Totals::default();
    for day in days {
        sum.add(&day.totals);
    }
    sum
}

fn sum_of(days: &[DayTotals], piece: &Piece) -> Totals {
    let (from, to) = (piece.from.to_string(), piece.to.to_string());
    sum(days.iter().filter(|it| from <= it.day && it.day <= to))
}

/// What was spent and did not come back.
fn redeemed(totals: &Totals) -> Points {
    totals.redeemed - totals.returned
}

/// What was taken back, repaid debts included, less what was given back.
fn revoked(totals: &Totals) -> Points {
    totals.revoked + totals.repaid - totals.regranted
}
