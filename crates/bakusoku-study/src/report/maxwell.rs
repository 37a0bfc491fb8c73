//! The Maxwell filter and the search for bad channels, as pictures.

use super::data::{FoundBadsData, MaxwellData};
use super::page::{card, note, plots, table, text, tiles, warnings};
use super::plot::Plot;
use super::units::{display_unit, format_measure, format_number};
use super::{image, page};
use maud::{Markup, html};

const COLOURS: [&str; 3] = ["#d92d20", "#0f7b4b", "#1d4ed8"];

/// Channels found, with their scores interval by interval.
pub(super) fn found_bads(found: &FoundBadsData) -> Markup {
    let rows: Vec<Vec<Markup>> = found
        .channels
        .iter()
        .map(|(name, kind, worst, n)| {
            let scored = kind != "flat";
            let score = if scored { format_number(*worst) } else { String::new() };
            let often = if scored { format!("{n} of {}", found.n_intervals) } else { String::new() };
            vec![page::name(name), text(kind), text(score), text(often)]
        })
        .collect();
    let cards: Vec<Markup> =
        found.scores.iter().filter_map(|(ch_type, n, scores)| scores_of(found, ch_type, *n, scores)).collect();
    html! {
        h3 { "Search for bad channels" }
        @if rows.is_empty() {
            (note(&format!("None found in {} intervals.", found.n_intervals)))
        } @else {
            (table(&["channel", "found", "largest score", "intervals above the limit"], &rows))
        }
        @if !cards.is_empty() {
            (plots(&cards))
            (note("Score of a channel: how many standard deviations its difference from its Maxwell filtered signal \
                   lies above that of the other channels. Grey: left out."))
        }
    }
}

/// Scores of a channel type as a picture: white to red, full at the limit; grey: left out.
fn scores_of(found: &FoundBadsData, ch_type: &str, n: usize, scores: &[u8]) -> Option<Markup> {
    if scores.len() != n * found.n_intervals {
        return None;
    }
    let mut palette = vec![[255u8; 3]];
    palette.extend((0..=60u8).map(|i| {
        let share = f64::from(i) / 60.0;
        let fade = |to: f64| (255.0 - (255.0 - to) * share).round() as u8;
        [fade(190.0), fade(20.0), fade(20.0)]
    }));
    palette.push([226, 230, 236]);
    let pixel = |&score: &u8| match score {
        255 => 62,
        score => 1 + (f64::from(score) / 10.0 / found.limit * 60.0).clamp(0.0, 60.0) as u8,
    };
    let pixels: Vec<u8> = scores.iter().map(pixel).collect();
    let image = image::data_uri(found.n_intervals, n, &pixels, &palette)?;
    let name = display_unit(ch_type).name;
    let heading = html! { (name) " · scores, red from " (format_number(found.limit)) };
    Some(card(
        &heading,
        &html! {
            img.scores alt={ "Scores of " (name) } src=(image);
            (note(&format!(
                "Down: {n} channels. Across: {} intervals from {} to {} s.",
                found.n_intervals,
                format_measure(found.span.0),
                format_measure(found.span.1)
            )))
        },
    ))
}

/// What the filter did.
pub(super) fn filtered(maxwell: &MaxwellData) -> Markup {
    let mm = |point: [f64; 3]| point.map(|x| format!("{:.1}", x * 1e3)).join(", ");
    let range = |values: &[f64]| {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        if high - low < 0.05 * high.abs() {
            format_measure(high)
        } else {
            format!("{} – {}", format_measure(low), format_measure(high))
        }
    };
    let of = |pick: fn(&(f64, usize, usize, usize, usize, f64)) -> f64| -> Vec<f64> {
        maxwell.bases.iter().map(pick).collect()
    };
    let all = maxwell.bases.first().map_or((0, 0), |basis| (basis.2, basis.4));
    let mut numbers = vec![
        (format!("{} mm", mm(maxwell.origin)), "origin"),
        (maxwell.n_good.to_string(), "channels used"),
        (maxwell.rebuilt.len().to_string(), "channels reconstructed"),
    ];
    if !maxwell.bases.is_empty() {
        numbers.push((format!("{} of {}", range(&of(|basis| basis.1 as f64)), all.0), "internal components"));
        numbers.push((format!("{} of {}", range(&of(|basis| basis.3 as f64)), all.1), "external components"));
        numbers.push((range(&of(|basis| basis.5)), "condition number"));
    }
    if let Some((distance, angle)) = maxwell.moved {
        numbers.push((format!("{:.1} mm, {angle:.1}°", distance * 1e3), "from head to destination"));
    }
    let mut cards = Vec::new();
    if !maxwell.windows.is_empty() {
        cards.push(components(maxwell));
    }
    if maxwell.head.len() > 1 {
        cards.extend(movement(maxwell));
    }
    html! {
        h3 { "Maxwell filter " span.soft { (maxwell.doing.join(" · ")) } }
        (warnings(&maxwell.warnings))
        (tiles(&numbers))
        (plots(&cards))
    }
}

fn components(maxwell: &MaxwellData) -> Markup {
    let stop = maxwell.windows.iter().map(|window| window.1).fold(0.0, f64::max);
    let most = maxwell.windows.iter().map(|window| window.2).max().unwrap_or(0).max(1) as f64;
    let total: usize = maxwell.windows.iter().map(|window| window.2).sum();
    let mut plot = Plot::new((0.0, stop), (0.0, most * 1.15), false);
    // A step for each window.
    let points = maxwell.windows.iter().flat_map(|&(start, stop, n)| [(start, n as f64), (stop, n as f64)]);
    plot.line(points, COLOURS[2], 1.6, 1.0);
    let heading = html! { "tSSS components removed: " (total) " in " (maxwell.windows.len()) " windows" };
    card(&heading, &plot.finish("Time (s)", "components", "tSSS components removed from each window"))
}

fn movement(maxwell: &MaxwellData) -> Vec<Markup> {
    let first = maxwell.head[0];
    let stop = maxwell.head.last().map_or(1.0, |last| last.0);
    type Row = (f64, [f64; 3], [f64; 3]);
    let moved: fn(&Row, &Row, usize) -> f64 = |row, first, i| (row.1[i] - first.1[i]) * 1e3;
    let turned: fn(&Row, &Row, usize) -> f64 = |row, first, i| row.2[i] - first.2[i];
    let draw = |(title, unit, value): (&str, &str, fn(&Row, &Row, usize) -> f64)| {
        let all = || maxwell.head.iter().flat_map(|row| (0..3).map(|i| value(row, &first, i)).collect::<Vec<_>>());
        let most = all().fold(0.0, |most: f64, x| most.max(x.abs())).max(0.1) * 1.1;
        let mut plot = Plot::new((first.0.min(0.0), stop), (-most, most), false);
        plot.horizontal(0.0, "#d0d5dd");
        for (i, colour) in COLOURS.iter().enumerate() {
            plot.line(maxwell.head.iter().map(|row| (row.0, value(row, &first, i))), colour, 1.4, 1.0);
        }
        let heading = html! {
            (title) " since the first position"
            @for (colour, axis) in COLOURS.iter().zip(["x", "y", "z"]) { " · " span style={ "color:" (colour) } { (axis) } }
        };
        card(&heading, &plot.finish("Time (s)", unit, title))
    };
    [("Head movement", "mm", moved), ("Head rotation", "°", turned)].map(draw).into()
}
