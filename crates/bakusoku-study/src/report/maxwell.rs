//! The Maxwell filter and the search for bad channels, as pictures.

use super::data::{FoundBadsData, MaxwellData};
use super::html::{self, escape};
use super::png;
use super::svg::Plot;
use super::units::{short, shown};
use std::fmt::Write;

const COLOURS: [&str; 3] = ["#d92d20", "#0f7b4b", "#1d4ed8"];

/// Channels found, with their scores interval by interval.
pub(super) fn found_bads(out: &mut String, found: &FoundBadsData) {
    out.push_str("<h3>Search for bad channels</h3>\n");
    if found.channels.is_empty() {
        let _ = writeln!(out, "<p class=\"soft\">None found in {} intervals.</p>", found.n_intervals);
    } else {
        let rows: Vec<Vec<String>> = found
            .channels
            .iter()
            .map(|(name, kind, worst, n)| {
                let score = if kind == "flat" { String::new() } else { short(*worst) };
                let often = if kind == "flat" { String::new() } else { format!("{n} of {}", found.n_intervals) };
                vec![escape(name), escape(kind), score, often]
            })
            .collect();
        html::table(out, &["channel", "found", "largest score", "intervals above the limit"], &rows);
    }
    if found.n_intervals == 0 {
        return;
    }
    // White to red, full at the limit; grey: left out.
    let mut palette = vec![[255u8; 3]];
    palette.extend((0..=60u8).map(|i| {
        let share = f64::from(i) / 60.0;
        let fade = |to: f64| (255.0 - (255.0 - to) * share).round() as u8;
        [fade(190.0), fade(20.0), fade(20.0)]
    }));
    palette.push([226, 230, 236]);
    out.push_str("<div class=\"plots\">");
    for (ch_type, n, scores) in &found.scores {
        let pixel = |&score: &u8| match score {
            255 => 62,
            score => 1 + (f64::from(score) / 10.0 / found.limit * 60.0).clamp(0.0, 60.0) as u8,
        };
        let pixels: Vec<u8> = scores.iter().map(pixel).collect();
        if pixels.len() != n * found.n_intervals {
            continue;
        }
        let image = png::data_uri(found.n_intervals, *n, &pixels, &palette);
        let _ = write!(
            out,
            "<div class=\"card\"><h3>{} · score by channel (down) and interval (across, {} to {} s), red: {} and above</h3>\
             <img alt=\"scores\" style=\"width:100%;height:180px;image-rendering:pixelated\" src=\"{image}\"></div>",
            shown(ch_type).name,
            short(found.span.0),
            short(found.span.1),
            short(found.limit)
        );
    }
    out.push_str("</div>\n<p class=\"soft\">A score is how many standard deviations a channel's distance from its Maxwell filtered self lies above that of the others; grey was left out.</p>\n");
}

/// What the filter did.
pub(super) fn filtered(out: &mut String, maxwell: &MaxwellData) {
    let _ = writeln!(out, "<h3>Maxwell filter <span class=\"soft\">{}</span></h3>", escape(&maxwell.doing.join(" · ")));
    html::warnings(out, &maxwell.warnings);
    let mm = |point: [f64; 3]| point.map(|x| format!("{:.1}", x * 1e3)).join(", ");
    let range = |values: &[f64]| {
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        if high - low < 0.05 * high.abs() { short(high) } else { format!("{} – {}", short(low), short(high)) }
    };
    let of = |pick: fn(&(f64, usize, usize, usize, usize, f64)) -> f64| -> Vec<f64> {
        maxwell.bases.iter().map(pick).collect()
    };
    let there = maxwell.bases.first().map_or((0, 0), |basis| (basis.2, basis.4));
    let mut facts = vec![
        (format!("{} mm", mm(maxwell.origin)), "origin"),
        (maxwell.n_good.to_string(), "channels used"),
        (maxwell.rebuilt.len().to_string(), "channels rebuilt"),
        (format!("{} of {}", range(&of(|basis| basis.1 as f64)), there.0), "inner moments"),
        (format!("{} of {}", range(&of(|basis| basis.3 as f64)), there.1), "outer moments"),
        (range(&of(|basis| basis.5)), "condition"),
    ];
    if let Some((distance, angle)) = maxwell.moved {
        facts.push((format!("{:.1} mm, {angle:.1}°", distance * 1e3), "head to destination"));
    }
    html::facts(out, &facts);
    out.push_str("<div class=\"plots\">");
    if !maxwell.windows.is_empty() {
        components(out, maxwell);
    }
    if maxwell.head.len() > 1 {
        movement(out, maxwell);
    }
    out.push_str("</div>\n");
}

fn components(out: &mut String, maxwell: &MaxwellData) {
    let stop = maxwell.windows.iter().map(|window| window.1).fold(0.0, f64::max);
    let most = maxwell.windows.iter().map(|window| window.2).max().unwrap_or(0).max(1) as f64;
    let mut plot = Plot::new((0.0, stop), (0.0, most * 1.15), false);
    let points = maxwell.windows.iter().map(|&(start, stop, n)| ((start + stop) / 2.0, n as f64));
    plot.line(points, COLOURS[2], 1.6, 1.0);
    let total: usize = maxwell.windows.iter().map(|window| window.2).sum();
    let _ = write!(
        out,
        "<div class=\"card\"><h3>Directions in time taken out · {} in {} windows</h3>{}</div>",
        total,
        maxwell.windows.len(),
        plot.finish("s", "directions", "Directions in time taken out of each window")
    );
}

fn movement(out: &mut String, maxwell: &MaxwellData) {
    let first = maxwell.head[0];
    let stop = maxwell.head.last().map_or(1.0, |last| last.0);
    type Row = (f64, [f64; 3], [f64; 3]);
    let moved: fn(&Row, &Row, usize) -> f64 = |row, first, i| (row.1[i] - first.1[i]) * 1e3;
    let turned: fn(&Row, &Row, usize) -> f64 = |row, first, i| row.2[i] - first.2[i];
    for (title, unit, value) in [("Head movement", "mm", moved), ("Head rotation", "°", turned)] {
        let all = || maxwell.head.iter().flat_map(|row| (0..3).map(|i| value(row, &first, i)).collect::<Vec<_>>());
        let most = all().fold(0.0, |most: f64, x| most.max(x.abs())).max(0.1) * 1.1;
        let mut plot = Plot::new((first.0.min(0.0), stop), (-most, most), false);
        plot.horizontal(0.0, "#d0d5dd");
        for (i, colour) in COLOURS.iter().enumerate() {
            plot.line(maxwell.head.iter().map(|row| (row.0, value(row, &first, i))), colour, 1.4, 1.0);
        }
        let _ = write!(
            out,
            "<div class=\"card\"><h3>{title} since the first position · <span style=\"color:{}\">x</span> <span style=\"color:{}\">y</span> <span style=\"color:{}\">z</span></h3>{}</div>",
            COLOURS[0],
            COLOURS[1],
            COLOURS[2],
            plot.finish("s", unit, title)
        );
    }
}
