//! The Maxwell filter on the page: what it did, components removed, head movement.

use crate::config::Config;
use crate::report::page::{card, plots, tiles};
use crate::report::plot::Plot;
use crate::report::units::format_measure;
use bakusoku_core::{HeadPosition, Stream, Transform};
use bakusoku_methods::maxwell::{MaxwellParams, MaxwellReport};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// Points of a movement plot, at most.
const MOST_POSITIONS: usize = 600;

const COLOURS: [&str; 3] = ["#d92d20", "#0f7b4b", "#1d4ed8"];

/// The Maxwell filter of one recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MaxwellData {
    /// What was done, in words.
    pub(crate) doing: Vec<String>,
    /// Centre of the expansions in the head frame (m).
    pub(crate) origin: [f64; 3],
    /// Channels used.
    pub(crate) n_good: usize,
    /// Bad channels rebuilt.
    pub(crate) rebuilt: Vec<String>,
    /// Bases in the order of time: time (s), inner moments kept and there, outer moments kept and there, condition.
    pub(crate) bases: Vec<(f64, usize, usize, usize, usize, f64)>,
    /// Windows of the temporal extension: start, stop (s), directions taken out.
    pub(crate) windows: Vec<(f64, f64, usize)>,
    /// Where the head was: time (s), position of the device's origin in the head frame (m), rotation (degrees).
    pub(crate) head: Vec<(f64, [f64; 3], [f64; 3])>,
    /// How far the head was moved to its destination (m), and turned (degrees).
    pub(crate) moved: Option<(f64, f64)>,
}

/// The filter of a run, once it has run.
pub(super) fn shown(config: &Config, params: &MaxwellParams, report: &MaxwellReport, source: &Stream) -> MaxwellData {
    let sfreq = source.sfreq();
    let own = source.info.dev_head_t.as_ref();
    MaxwellData {
        doing: doing(config, params, report),
        origin: report.origin_head,
        n_good: report.n_good,
        rebuilt: report.bads.clone(),
        bases: report
            .decompositions
            .iter()
            .map(|basis| (basis.time, basis.n_in, basis.n_in_all, basis.n_out, basis.n_out_all, basis.condition))
            .collect(),
        windows: report
            .windows
            .iter()
            .map(|window| (window.start as f64 / sfreq, window.stop as f64 / sfreq, window.n_components))
            .collect(),
        head: head(params, own, source.first_samp as f64 / sfreq),
        moved: own.zip(report.destination.as_ref()).map(|(from, to)| between(from, to)),
    }
}

fn doing(config: &Config, params: &MaxwellParams, report: &MaxwellReport) -> Vec<String> {
    let mut out = vec![format!(
        "{} of orders {} and {}, {} of {} moments",
        if params.st_duration.is_some() { "tSSS" } else { "SSS" },
        report.int_order,
        report.ext_order,
        report.moments.len(),
        report.int_order * (report.int_order + 2) + report.ext_order * (report.ext_order + 2) + report.n_extended
    )];
    if let Some(duration) = params.st_duration {
        out.push(format!("windows of {duration} s, correlation {}", params.st_correlation));
    }
    if !params.extended_proj.is_empty() {
        let shares = params.extended_proj.iter().filter_map(|proj| proj.explained_var);
        let shares: Vec<String> = shares.map(|share| format!("{:.1} %", 100.0 * share)).collect();
        out.push(format!("directions of the empty room as outer ones: {}", shares.join(", ")));
    }
    let or_not = |given: bool, what: &str| format!("{}{what}", if given { "" } else { "no " });
    out.push(or_not(params.calibration.is_some(), "fine calibration"));
    out.push(or_not(params.cross_talk.is_some(), "cross-talk correction"));
    if params.head_pos.is_some() {
        out.push("movement compensated".into());
    }
    out.push(match config.text("mf_destination") {
        Some("reference_run") => match config.text("mf_reference_run") {
            Some(run) => format!("destination: head position of run {run}"),
            None => "destination: head position of the first run".into(),
        },
        _ => format!("destination {}", config.get("mf_destination")),
    });
    out
}

/// Head positions over time; without any the one that the recording says.
fn head(params: &MaxwellParams, own: Option<&Transform>, first_time: f64) -> Vec<(f64, [f64; 3], [f64; 3])> {
    let row = |time: f64, trans: [f64; 3], quat: [f64; 3]| {
        // Small angles: twice the quaternion's vector part.
        (time, trans, quat.map(|q| (2.0 * q.clamp(-1.0, 1.0).asin()).to_degrees()))
    };
    let Some(positions) = &params.head_pos else {
        return own.map(|t| row(0.0, [t.matrix[0][3], t.matrix[1][3], t.matrix[2][3]], t.quat())).into_iter().collect();
    };
    let step = positions.items.len().div_ceil(MOST_POSITIONS).max(1);
    let shown = |at: &HeadPosition| row(at.time - first_time, at.trans, at.quat);
    positions.items.iter().step_by(step).map(shown).collect()
}

/// Distance (m) and angle (degrees) between two positions of the head.
fn between(from: &Transform, to: &Transform) -> (f64, f64) {
    let distance = (0..3).map(|i| (from.matrix[i][3] - to.matrix[i][3]).powi(2)).sum::<f64>().sqrt();
    // The trace of the rotation from one to the other.
    let trace: f64 = (0..3).map(|i| (0..3).map(|j| from.matrix[i][j] * to.matrix[i][j]).sum::<f64>()).sum();
    (distance, ((trace - 1.0) / 2.0).clamp(-1.0, 1.0).acos().to_degrees())
}

/// What the filter did.
pub(super) fn drawn(maxwell: &MaxwellData) -> Markup {
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
