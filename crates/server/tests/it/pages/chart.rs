//! The chart: its ticks, its bars, and what it makes of nothing.

use server::pages::chart::{Chart, Drawing, nice_step, percent, share};

use super::samples;

#[track_caller]
fn steps(above: i64, below: i64, step: i64) {
    assert_eq!(nice_step(above, below), step, "{above} above, {below} below");
}

#[test]
fn steps_are_round_and_few() {
    steps(1, 0, 1);
    steps(8, 0, 1);
    steps(9, 0, 2);
    steps(0, 9, 2);
    steps(4_116, 2_200, 1_000);
    steps(120_000, 400_000, 100_000);
    steps(999_999_999_999, 1, 200_000_000_000);
    steps(i64::MAX / 2, i64::MAX / 2, 2_000_000_000_000_000_000);
}

fn drawn(chart: &Chart) -> Drawing {
    chart.drawing().expect("something to draw")
}

#[test]
fn nothing_is_not_drawn() {
    assert_eq!(samples::chart(30, 0).drawing(), None);
    assert_eq!(samples::chart(0, 100).drawing(), None);
}

#[test]
fn one_band_stands_in_the_middle_and_is_not_as_wide_as_the_page() {
    let drawing = drawn(&samples::chart(1, 1_000));
    let [column] = drawing.columns.as_slice() else { panic!("one column") };
    assert_eq!(
        (column.left.as_str(), column.width.as_str(), column.middle.as_str()),
        ("0.000%", "100.000%", "50.000%")
    );
    assert!(column.bars.iter().all(|it| it.left == "47.000%" && it.width == "6.000%"), "{:?}", column.bars);
    assert!(column.label.is_some() && column.is_kept);
}

#[test]
fn bars_stack_away_from_the_zero_line_and_stay_inside() {
    for bands in [1, 2, 7, 30, 60] {
        let drawing = drawn(&samples::chart(bands, 4_200));
        assert_eq!(drawing.columns.len(), bands);
        for column in &drawing.columns {
            let (above, below): (Vec<_>, Vec<_>) = column.bars.iter().partition(|it| it.tone == "earned");
            assert_eq!(above[0].top + above[0].height, drawing.zero);
            assert_eq!(below[0].top, drawing.zero);
            for pair in below.windows(2) {
                assert_eq!(pair[0].top + pair[0].height, pair[1].top, "no gap and no overlap");
            }
            assert!(column.bars.iter().all(|it| 0 <= it.top && it.top + it.height <= drawing.height));
        }
        let labels = drawing.columns.iter().filter(|it| it.label.is_some()).count();
        assert!((1..=13).contains(&labels), "{labels} labels of {bands} bands");
    }
}

#[test]
fn ticks_count_away_from_zero_in_both_directions() {
    let drawing = drawn(&samples::chart(30, 4_200));
    let labels: Vec<&str> = drawing.ticks.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels, ["3,000", "2,000", "1,000", "0", "1,000", "2,000", "3,000", "4,000", "5,000"]);
    assert_eq!(drawing.ticks[3].y, drawing.zero);
    assert_eq!((drawing.ticks[0].y, drawing.ticks[8].y), (drawing.height, 0));
    let large = drawn(&samples::chart(3, 4_200_000));
    assert!(large.ticks.iter().any(|it| it.label == "2m"), "{:?}", large.ticks);
}

#[test]
fn what_is_below_zero_is_drawn_as_nothing_and_told_as_it_is() {
    let mut chart = samples::chart(2, 1_000);
    chart.bands[0].values = vec![100, -20, 0, 0];
    let drawing = drawn(&chart);
    assert_eq!(drawing.columns[0].bars.len(), 1, "only what was earned");
    assert_eq!(chart.rows()[0].values, ["100", "-20", "0", "0"]);
}

#[test]
fn a_little_beside_much_is_still_seen() {
    let mut chart = samples::chart(2, 1_000);
    chart.bands[0].values = vec![1_000_000, 1, 0, 0];
    let bars = &drawn(&chart).columns[0].bars;
    assert_eq!((bars[1].tone, bars[1].height), ("redeemed", 1));
}

#[test]
fn shares_are_cut_to_the_whole() {
    assert_eq!(
        [(1, 3), (0, 3), (4, 3), (1, 0), (-1, 3)].map(|it| percent(share(it.0, it.1))),
        ["33.333%", "0.000%", "100.000%", "0.000%", "0.000%"]
    );
}
