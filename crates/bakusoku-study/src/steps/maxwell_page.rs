//! What the report shows of the Maxwell filter and of the search for bad channels.

use super::find_bads::BadChannelScores;
use crate::config::Config;
use crate::report::data::{FoundBadsData, MaxwellData};
use bakusoku_core::{HeadPosition, Stream, Transform};
use bakusoku_methods::maxwell::{MaxwellParams, MaxwellReport};

/// Points of a movement plot, at most.
const MOST_POSITIONS: usize = 600;

/// The search for bad channels.
pub(crate) fn found(found: &BadChannelScores) -> FoundBadsData {
    let kinds = [("flat", &found.flat), ("noisy", &found.noisy)];
    let channels = kinds.into_iter().flat_map(|(kind, names)| {
        names.iter().map(move |name| {
            let (worst, n) = found.worst(name);
            (name.clone(), kind.to_owned(), if worst.is_finite() { worst } else { 0.0 }, n)
        })
    });
    let mut scores: Vec<(String, usize, Vec<u8>)> = Vec::new();
    for ch_type in ["mag", "grad", "ref_meg"] {
        let rows: Vec<&Vec<Option<f64>>> =
            found.scores_noisy.iter().zip(&found.ch_types).filter(|(_, t)| *t == ch_type).map(|(row, _)| row).collect();
        if !rows.is_empty() {
            let tenths =
                |score: &Option<f64>| score.map_or(255, |score| (score * 10.0).round().clamp(0.0, 254.0) as u8);
            scores.push((ch_type.into(), rows.len(), rows.iter().flat_map(|row| row.iter().map(tenths)).collect()));
        }
    }
    FoundBadsData {
        channels: channels.collect(),
        limit: found.limit,
        span: (found.bins.first().map_or(0.0, |bin| bin[0]), found.bins.last().map_or(0.0, |bin| bin[1])),
        n_intervals: found.bins.len(),
        scores,
    }
}

/// The filter of a run, once it has run.
pub(crate) fn page(config: &Config, params: &MaxwellParams, report: MaxwellReport, source: &Stream) -> MaxwellData {
    let sfreq = source.sfreq();
    let own = source.info.dev_head_t.as_ref();
    MaxwellData {
        doing: doing(config, params, &report),
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
        warnings: report.warnings,
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
