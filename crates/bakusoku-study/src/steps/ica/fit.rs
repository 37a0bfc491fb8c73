//! Decomposes the epochs of all runs, and finds the components that follow the heart and the eyes.

use super::copy::Copied;
use crate::config::Config;
use crate::input::wanted_types;
use crate::plan::Work;
use crate::steps::epochs::limits;
use crate::steps::events::UnitEvents;
use crate::{Error, Result};
use bakusoku_core::containers::Ica;
use bakusoku_core::{ChannelType, Info, Par, Picks, Span};
use bakusoku_methods::artifacts::{
    BlinkParams, HeartbeatParams, average_of_sensors, correlations, ctps, find_blinks, find_heartbeats,
    outliers_by_score,
};
use bakusoku_methods::epochs::{EpochsParams, EpochsPlan, EventRepeated, OnMissing, epochs_from_array};
use bakusoku_methods::ica::{
    IcaMethod, IcaParams, NComponents, PicardParams, Start, fit_ica, sort_by_variance, sources,
};
use ndarray::{Array2, Array3, Axis, s};
use std::sync::Arc;

/// A decomposition, and what is known of its components.
#[derive(Clone)]
pub(super) struct Found {
    /// What was found is excluded, and named in its labels.
    pub(super) ica: Arc<Ica>,
    /// How much each component follows the heart, where that was looked for.
    pub(super) ecg: Vec<f64>,
    /// How much each component follows each EOG channel, by name.
    pub(super) eog: Vec<(String, Vec<f64>)>,
}

/// Of all recordings of a unit.
///
/// # Errors
/// When there are no epochs to decompose, or the data do not allow it.
pub(super) fn find(copies: &[&Option<Copied>], events: &UnitEvents, work: &Work<'_>) -> Result<Found> {
    let config = work.config;
    let copies: Vec<&Copied> = copies.iter().filter_map(|copy| copy.as_ref()).collect();
    let Some(first) = copies.first() else {
        return Err(Error::data("there are no recordings to decompose", "check `exclude_runs`"));
    };
    let picks = Picks::types(&first.stream.info, &wanted_types(config), true);
    if picks.is_empty() {
        return Err(Error::data("there is no good data channel to decompose", "check `ch_types` and the bad channels"));
    }
    let info = first.stream.info.pick(&picks);
    let data = epochs(&copies, events, &picks, work)?;
    work.progress_of("independent components");
    let mut fitted = fit_ica(work.par, &info, data.view(), &params(config), &mut |_, _, _| Ok(work.cancel.check()?))?;
    sort_by_variance(work.par, &mut fitted.ica, data.view())?;
    fitted.warnings.into_iter().for_each(|text| work.warn(text));
    drop(data);
    let mut ica = fitted.ica;
    ica.fit.current_fit = "epochs".into();
    ica.fit.fit_params = Some(fit_params(config).into());
    ica.fit.reject = Some(limits(config, "ica_reject", &info)).filter(|limits| !limits.is_empty());
    let mut found = Found { ica: Arc::new(ica), ecg: Vec::new(), eog: Vec::new() };
    let of_runs = copies
        .iter()
        .map(|copy| Ok(sources(work.par, &found.ica, copy.data.select(Axis(0), picks.as_slice()).view())?))
        .collect::<Result<Vec<_>>>()?;
    let mut labels: Vec<(String, Vec<usize>)> = Vec::new();
    if config.flag("ica_use_ecg_detection") {
        found.ecg = heart(&copies, &of_runs, work)?;
        let threshold = config.number("ica_ecg_threshold").unwrap_or(0.1);
        let mut follow: Vec<usize> = (0..found.ecg.len()).filter(|&index| found.ecg[index] >= threshold).collect();
        follow.sort_by(|&a, &b| found.ecg[b].total_cmp(&found.ecg[a]));
        labels.push(("ecg".into(), follow));
    }
    if config.flag("ica_use_eog_detection") {
        found.eog = eyes(&copies, &of_runs, work)?;
        let n = found.ica.n_components();
        let scores = Array2::from_shape_fn((found.eog.len(), n), |(channel, index)| found.eog[channel].1[index]);
        let threshold = config.number("ica_eog_threshold").unwrap_or(3.0);
        labels.push(("eog".into(), outliers_by_score(scores.view(), threshold, false).0));
    }
    let mut exclude: Vec<usize> = labels.iter().flat_map(|(_, list)| list.iter().copied()).collect();
    exclude.sort_unstable();
    exclude.dedup();
    let ica = Arc::make_mut(&mut found.ica);
    (ica.exclude, ica.labels) = (exclude, labels);
    Ok(found)
}

/// The algorithm, as mne-bids-pipeline sets it.
fn params(config: &Config) -> IcaParams {
    let method = match config.text("ica_algorithm") {
        Some("fastica") => IcaMethod::FastIca,
        Some("extended_infomax") => IcaMethod::Infomax,
        _ => IcaMethod::Picard,
    };
    let picard = match config.text("ica_algorithm") {
        Some("picard-extended_infomax") => PicardParams::of_method(method, Some(false), Some(true), None),
        Some("extended_infomax") => PicardParams::of_method(method, None, Some(true), None),
        Some("fastica") => PicardParams::of_method(method, None, None, None),
        _ => PicardParams { fastica_it: 5, ..PicardParams::of_method(method, None, None, None) },
    };
    let whole = |key: &str| config.get(key).as_i64().and_then(|value| usize::try_from(value).ok());
    let seed = whole("random_state").map_or(42, |seed| seed as u32);
    IcaParams {
        n_components: config.number("ica_n_components").map(NComponents::from_value),
        n_pca_components: None,
        method,
        picard: PicardParams { max_iter: whole("ica_max_iterations").unwrap_or(500), ..picard },
        start: if method == IcaMethod::Infomax { Start::Identity } else { Start::Seed(seed) },
    }
}

fn fit_params(config: &Config) -> &'static str {
    match config.text("ica_algorithm") {
        Some("picard-extended_infomax") => r#"{"ortho":false,"extended":true}"#,
        Some("extended_infomax") => r#"{"extended":true}"#,
        Some("fastica") => "{}",
        _ => r#"{"fastica_it":5}"#,
    }
}

/// The epochs of all runs one after the other, `(n_channels, n_times)`.
fn epochs(copies: &[&Copied], events: &UnitEvents, picks: &Picks, work: &Work<'_>) -> Result<Array2<f64>> {
    let config = work.config;
    let decim = config.get("ica_decim").as_i64().map_or(1, |n| n.max(1) as usize);
    let mut of_runs = Vec::new();
    for (copy, own) in copies.iter().zip(&events.runs) {
        let params = EpochsParams {
            tmin: config.number("epochs_tmin").unwrap_or_default(),
            tmax: config.number("epochs_tmax").unwrap_or_default(),
            baseline: None,
            reject: limits(config, "ica_reject", &copy.stream.info),
            proj: false,
            event_repeated: EventRepeated::Drop,
            reject_by_annotation: config.flag("reject_by_annotation"),
            on_missing: OnMissing::Ignore,
            ..EpochsParams::default()
        };
        let known = |code: i64| events.event_id.iter().any(|(_, other)| *other == code);
        let own = if own.events.iter().any(|event| known(event.code)) { &own.events[..] } else { &[] };
        let plan = EpochsPlan::new(&copy.stream, own, Some(&events.event_id), Some(picks), &params)?;
        of_runs.push(epochs_from_array(copy.data.view(), &plan, work.par)?.data);
    }
    let n_epochs: usize = of_runs.iter().map(|data| data.dim().0).sum();
    if n_epochs == 0 {
        return Err(Error::data(
            "no epoch is left to decompose into independent components",
            "raise the limits of `ica_reject`, or compare `conditions` with the events",
        ));
    }
    let length = of_runs.iter().map(|data| data.dim().2.div_ceil(decim)).max().unwrap_or(0);
    let mut out = Array2::zeros((picks.len(), n_epochs * length));
    let mut at = 0;
    for data in of_runs {
        for epoch in data.axis_iter(Axis(0)) {
            out.slice_mut(s![.., at..at + length]).assign(&epoch.slice(s![.., ..;decim as isize]));
            at += length;
        }
    }
    Ok(out)
}

/// The windows of one second around samples that lie inside a recording and touch no stretch marked as bad.
fn windows(copy: &Copied, samples: &[usize]) -> Vec<std::ops::Range<usize>> {
    let half = (0.5 * copy.stream.sfreq()).round_ties_even() as usize;
    let bad = copy.stream.annotated(&["bad"]);
    let inside = |sample: &usize| *sample >= half && sample + half < copy.data.ncols();
    let window = |sample: &usize| sample - half..sample + half + 1;
    let good = |window: &std::ops::Range<usize>| {
        let touches = |span: &Span| (span.start as usize) < window.end && window.start < span.stop as usize;
        !bad.iter().any(touches)
    };
    samples.iter().filter(|sample| inside(sample)).map(window).filter(good).collect()
}

fn rows_of(info: &Info, ch_type: ChannelType) -> Vec<usize> {
    (0..info.n_channels()).filter(|&ch| info.chs[ch].ch_type() == ch_type && !info.is_bad(ch)).collect()
}

/// The cross-trial phase statistic of each component; empty where there is no ECG, nor MEG to stand for it.
fn heart(copies: &[&Copied], of_runs: &[Array2<f64>], work: &Work<'_>) -> Result<Vec<f64>> {
    let mut pieces = Vec::new();
    for (copy, sources) in copies.iter().zip(of_runs) {
        let info = &copy.stream.info;
        let ecg = match rows_of(info, ChannelType::Ecg).first() {
            Some(&row) => copy.data.row(row).to_owned(),
            None => match average_of_sensors(info, copy.data.view()) {
                Ok(mean) => mean,
                Err(_) => {
                    work.warn("heartbeats were not looked for: there is no ECG channel, and no MEG to stand for it");
                    return Ok(Vec::new());
                }
            },
        };
        let skipped = copy.stream.annotated(&["bad"]);
        let mut stretches = Vec::new();
        let mut at = 0;
        for span in &skipped {
            stretches.push(at..(span.start as usize).max(at));
            at = at.max(span.stop as usize);
        }
        stretches.push(at.min(ecg.len())..ecg.len());
        stretches.retain(|stretch| !stretch.is_empty());
        // As create_ecg_epochs.
        let params =
            HeartbeatParams { band: bakusoku_methods::artifacts::Band::new(8.0, 16.0), ..HeartbeatParams::default() };
        let (beats, _) = find_heartbeats(work.par, ecg.view(), &stretches, copy.stream.sfreq(), &params)?;
        pieces.extend(windows(copy, &beats).into_iter().map(|window| sources.slice(s![.., window])));
    }
    let Some(first) = pieces.first() else {
        work.warn("no heartbeats were found, so no component follows the heart");
        return Ok(Vec::new());
    };
    let (n, n_times) = first.dim();
    let mut epochs = Array3::zeros((pieces.len(), n, n_times));
    for (mut to, from) in epochs.axis_iter_mut(Axis(0)).zip(&pieces) {
        to.assign(from);
    }
    let (_, probability) = ctps(work.par, epochs.view())?;
    Ok(probability.map_axis(Axis(1), |row| row.fold(0.0_f64, |most, x| most.max(*x))).to_vec())
}

/// The correlation of each component with each EOG channel around blinks; empty where there is no EOG.
fn eyes(copies: &[&Copied], of_runs: &[Array2<f64>], work: &Work<'_>) -> Result<Vec<(String, Vec<f64>)>> {
    let Some(first) = copies.first() else { return Ok(Vec::new()) };
    let rows = rows_of(&first.stream.info, ChannelType::Eog);
    if rows.is_empty() {
        work.warn("blinks were not looked for: there is no EOG channel");
        return Ok(Vec::new());
    }
    let (mut pieces, mut targets) = (Vec::new(), Vec::new());
    for (copy, sources) in copies.iter().zip(of_runs) {
        let eog = copy.data.select(Axis(0), &rows);
        let (blinks, _) = find_blinks(work.par, eog.view(), copy.stream.sfreq(), &BlinkParams::default())?;
        for window in windows(copy, &blinks) {
            pieces.push(sources.slice(s![.., window.clone()]));
            targets.push(eog.slice(s![.., window]).to_owned());
        }
    }
    if pieces.is_empty() {
        work.warn("no blinks were found, so no component follows the eyes");
        return Ok(Vec::new());
    }
    let scores = scores(work.par, &pieces, &targets)?;
    let name = |row: &usize| first.stream.info.chs[*row].name.clone();
    Ok(rows.iter().map(name).zip(scores.rows()).map(|(name, row)| (name, row.to_vec())).collect())
}

fn scores(par: &Par, pieces: &[ndarray::ArrayView2<'_, f64>], targets: &[Array2<f64>]) -> Result<Array2<f64>> {
    let fail = |error: ndarray::ShapeError| Error::data(error.to_string(), "the runs must have the same channels");
    let sources = ndarray::concatenate(Axis(1), pieces).map_err(fail)?;
    let targets: Vec<_> = targets.iter().map(|target| target.view()).collect();
    let targets = ndarray::concatenate(Axis(1), &targets).map_err(fail)?;
    Ok(correlations(par, sources.view(), targets.view())?)
}
