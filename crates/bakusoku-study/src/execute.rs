//! One unit: one pass over each recording, then what is made of all of them.

use crate::config::Config;
use crate::prepare::{IN_HAND, Output, Prepared, PreparedRun};
use crate::report::data::{ChannelData, EvokedData, Failure, OutputFile, RunReport, Status, SubjectReport, Timing};
use crate::resume::{Replacement, Sidecar, Validity, remove_abandoned};
use crate::spilled::{Spilled, samples};
use crate::steps::find_bads::Found;
use crate::steps::{self, Step, events::RunEvents};
use crate::unit::{Run, Unit, failure};
use crate::{Error, Result};
use bakusoku_bids::Derivatives;
use bakusoku_core::containers::{Covariance, Evoked, Spectrum};
use bakusoku_core::run::NodeId;
use bakusoku_core::{ChannelType, Cx, Info, Progress, SpillDir, Stream};
use bakusoku_fiff::FileId;
use bakusoku_io::fif;
use bakusoku_methods::covariance::{CovarianceSink, RawCovarianceParams, RawCovarianceSink, raw_covariance_plan};
use bakusoku_methods::epochs::{EpochSink, EpochsPlan, EpochsSink};
use bakusoku_methods::evoked::EvokedSink;
use bakusoku_methods::psd::WelchSink;
use std::time::{Duration, Instant};

/// What a unit's work needs from outside.
pub(crate) struct Work<'a> {
    pub(crate) config: &'a Config,
    pub(crate) results: &'a Derivatives,
    pub(crate) par: &'a bakusoku_core::Par,
    pub(crate) cancel: &'a bakusoku_core::Cancel,
    pub(crate) spill: &'a SpillDir,
    pub(crate) progress: Progress,
}

impl Work<'_> {
    /// What the engine is handed for a pass that makes up `share` (from, how much) of the unit's work.
    pub(crate) fn cx(&self, share: (f64, f64)) -> Cx {
        let progress = self.progress.clone();
        Cx {
            par: self.par.clone(),
            cancel: self.cancel.clone(),
            memory: IN_HAND,
            spill: self.spill.clone(),
            progress: Some(std::sync::Arc::new(move |done: f64, what: &str| progress(share.0 + share.1 * done, what))),
        }
    }
}

/// Where a unit's epochs go, run after run.
struct Collectors {
    evoked: EvokedSink,
    covariance: Option<CovarianceSink>,
}

/// What a recording is looked at for.
enum Purpose<'a> {
    /// Epochs, where the study wants them.
    Epochs { events: &'a RunEvents, event_id: &'a [(String, i64)], collectors: &'a mut Collectors },
    /// The empty room, and its covariance where that is wanted.
    Noise(Option<&'a mut RawCovarianceSink>),
}

/// What became of a unit.
pub(crate) struct Done {
    pub(crate) report: SubjectReport,
    pub(crate) cancelled: bool,
}

/// A report with nothing in it yet.
pub(crate) fn blank(unit: &Unit) -> SubjectReport {
    SubjectReport {
        label: unit.label(),
        subject: unit.subject.clone(),
        session: unit.session.clone(),
        status: Status::Cancelled,
        failure: None,
        page: String::new(),
        runs: Vec::new(),
        evokeds: Vec::new(),
        covariances: Vec::new(),
        drops: None,
        timing: Vec::new(),
        wall_s: 0.0,
        peak_memory: 0,
        planned_memory: 0,
        outputs: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The report of a unit that could not be made ready.
pub(crate) fn failed(unit: &Unit, failure: Failure) -> SubjectReport {
    SubjectReport { status: Status::Failed, failure: Some(failure), ..blank(unit) }
}

/// The report kept beside a unit's results, when all of them are up to date.
pub(crate) fn recorded(prepared: &Prepared, results: &Derivatives) -> Option<SubjectReport> {
    if prepared.outputs().iter().any(|output| output.is_due()) {
        return None;
    }
    let text = fs_err::read_to_string(&prepared.record.path).ok()?;
    let mut report: SubjectReport = serde_json::from_str(&text).ok()?;
    report.status = Status::UpToDate;
    report.outputs = prepared
        .outputs()
        .iter()
        .filter(|output| output.step != steps::report::STEP.name)
        .filter_map(|output| output_file(output, results))
        .collect();
    Some(report)
}

/// Does what is due of a unit.
pub(crate) fn execute(work: &Work<'_>, unit: &Unit, prepared: &mut Prepared) -> Done {
    let start = Instant::now();
    let mut report = blank(unit);
    report.planned_memory = prepared.need.memory.0;
    let outcome = attempt(work, unit, prepared, &mut report);
    report.wall_s = start.elapsed().as_secs_f64();
    report.peak_memory = crate::system::peak_memory();
    let mut cancelled = false;
    match outcome {
        Ok(()) => report.status = Status::Done,
        Err(error) if error.is_cancelled() || work.cancel.is_cancelled() => {
            cancelled = true;
            report.status = Status::Cancelled;
        }
        Err(error) => {
            report.status = Status::Failed;
            report.failure = Some(failure("run", &error));
        }
    }
    let outputs = prepared.outputs();
    let shown = outputs.iter().filter(|output| output.step != steps::report::STEP.name);
    report.outputs = shown.filter_map(|output| output_file(output, work.results)).collect();
    if report.status == Status::Done
        && let Err(error) = keep_record(&prepared.record, &report)
    {
        report.status = Status::Failed;
        report.failure = Some(failure("report", &error));
    }
    Done { report, cancelled }
}

fn keep_record(output: &Output, report: &SubjectReport) -> Result<()> {
    let text = serde_json::to_string(report).map_err(std::io::Error::from)?;
    write(output, |path| Ok(fs_err::write(path, &text)?)).map(|_| ())
}

fn output_file(output: &Output, results: &Derivatives) -> Option<OutputFile> {
    let (sidecar, written) = match &output.validity {
        Validity::Current(sidecar) => (Some((**sidecar).clone()), false),
        _ => (Sidecar::read(&output.path).filter(|sidecar| sidecar.key == output.keys.key), true),
    };
    let path = output.path.strip_prefix(results.root()).unwrap_or(&output.path).to_string_lossy().into_owned();
    sidecar.map(|sidecar| OutputFile {
        path,
        step: output.step.into(),
        bytes: sidecar.bytes(),
        written,
        key: sidecar.key.to_string(),
    })
}

/// Writes an output under a temporary name and puts it in its place.
pub(crate) fn write(output: &Output, f: impl FnOnce(&std::path::Path) -> Result<()>) -> Result<Sidecar> {
    let place = Replacement::begin(&output.path)?;
    f(&place.path())?;
    place.commit(output.sidecar())
}

/// Names the step (and recording) in which something went wrong.
pub(crate) fn at<T, E: Into<Error>>(step: &Step, run: Option<&str>, result: Result<T, E>) -> Result<T> {
    result.map_err(|error| Error::Step { step: step.name, run: run.map(Into::into), source: Box::new(error.into()) })
}

fn attempt(work: &Work<'_>, unit: &Unit, prepared: &mut Prepared, report: &mut SubjectReport) -> Result<()> {
    let config = work.config;
    for output in prepared.outputs() {
        if let Some(folder) = output.path.parent() {
            remove_abandoned(folder)?;
        }
    }
    let bads = if steps::find_bads::wanted(config) { crate::found::find(work, prepared, report)? } else { Vec::new() };
    steps::esss::find(work, prepared, report)?;
    if let Some(site) = &prepared.site {
        report.warnings.extend(site.warnings.iter().cloned());
    }
    let prepared = &*prepared;
    let n = unit.runs.len() as f64;
    let mut epochs = Vec::new();
    let mut codes_before = Vec::new();
    let mut event_id: Vec<(String, i64)> = Vec::new();
    let wanted = steps::epochs::wanted(config);
    let of_room = steps::empty_room::gives_covariance(config);
    let mut collectors = Collectors {
        evoked: steps::evoked::sink(config),
        covariance: prepared.covariance.as_ref().filter(|_| !of_room).map(|_| steps::covariance::sink(config)),
    };
    let mut found = Vec::new();
    for (run, prepared) in unit.runs.iter().zip(&prepared.runs) {
        let start = Instant::now();
        found.push(if wanted {
            let filtered = prepared.steps.filtered();
            at(
                &steps::events::STEP,
                Some(&prepared.label),
                steps::events::find(config, run, &prepared.input, filtered),
            )?
        } else {
            RunEvents::default()
        });
        timing(report, &steps::events::STEP, Some(&prepared.label), start);
    }
    for events in &found {
        for (name, code) in &events.event_id {
            if !event_id.iter().any(|(other, _)| other == name) {
                event_id.push((name.clone(), *code));
            }
        }
    }
    if wanted {
        let codes: Vec<i64> = found.iter().flat_map(|events| events.events.iter().map(|event| event.code)).collect();
        let missing = steps::epochs::check_missing(config, &event_id, &codes);
        report.warnings.extend(at(&steps::events::STEP, None, missing)?);
    }
    for (index, ((run, prepared), events)) in unit.runs.iter().zip(&prepared.runs).zip(&found).enumerate() {
        let begun = if bads.is_empty() { 0.0 } else { 0.3 };
        let share = (begun + (0.9 - begun) * index as f64 / n, (0.9 - begun) / n);
        let purpose = Purpose::Epochs { events, event_id: &event_id, collectors: &mut collectors };
        let (kept, mut page, times) = pass(work, run, prepared, purpose, share)?;
        page.found_bads = bads.get(index).map(steps::maxwell_page::found);
        report.runs.push(page);
        report.warnings.extend(prepared.input.warnings.iter().cloned());
        pass_timing(report, &prepared.label, times);
        let used = |code: &i64| event_id.iter().any(|(_, other)| other == code);
        codes_before.extend(events.events.iter().map(|event| event.code).filter(used));
        epochs.extend(kept);
    }
    empty_room(work, unit, prepared, &bads, report)?;
    if !wanted {
        return Ok(());
    }
    work.cancel.check().map_err(bakusoku_core::Error::from)?;
    (work.progress)(0.92, "epochs");
    let start = Instant::now();
    let described = epochs.iter().map(Spilled::without_data).collect::<bakusoku_core::Result<Vec<_>>>();
    let described = at(&steps::epochs::STEP, None, described)?;
    let joined = at(&steps::epochs::STEP, None, steps::epochs::concatenate_runs(described))?;
    let conditions = at(&steps::evoked::STEP, None, steps::events::condition_codes(config, &joined.event_id))?;
    report.drops = Some(steps::epochs::drops(&joined, &codes_before, &conditions));
    if joined.events.is_empty() {
        let drops = report.drops.clone().unwrap_or_default();
        let why =
            drops.by_reason.iter().take(3).map(|(name, n)| format!("{name} ({n})")).collect::<Vec<_>>().join(", ");
        let message = if why.is_empty() {
            "no epoch lies inside the recording".to_owned()
        } else {
            format!("all {} epochs were dropped: {why}", drops.n_before)
        };
        let hint = "raise the limits of `reject`, or mark the channels as bad";
        return at(&steps::epochs::STEP, None, Err(Error::data(message, hint)));
    }
    if let Some(output) = prepared.epochs.as_ref().filter(|output| output.is_due()) {
        let sfreq = prepared.runs.first().map_or(joined.info.sfreq, |run| run.steps.filtered().sfreq());
        let written = write(output, |path| {
            steps::epochs::write(path, &joined, config, sfreq, file_id(output), &mut samples(&epochs))
        });
        at(&steps::epochs::STEP, None, written)?;
    }
    timing(report, &steps::epochs::STEP, None, start);
    drop(epochs);
    evoked_and_covariance(work, prepared, collectors, &joined.info, report)
}

fn evoked_and_covariance(
    work: &Work<'_>,
    prepared: &Prepared,
    collectors: Collectors,
    info: &Info,
    report: &mut SubjectReport,
) -> Result<()> {
    let (config, types) = (work.config, crate::input::wanted_types(work.config));
    (work.progress)(0.95, "evoked");
    let start = Instant::now();
    let (evokeds, warnings) = at(&steps::evoked::STEP, None, steps::evoked::finish(config, collectors.evoked))?;
    report.warnings.extend(warnings);
    if let Some(output) = prepared.evoked.as_ref().filter(|output| output.is_due()) {
        at(&steps::evoked::STEP, None, write(output, |path| Ok(fif::write_evoked(path, &evokeds, file_id(output))?)))?;
    }
    let n_conditions = evokeds.len() - config.contrasts().len().min(evokeds.len());
    report.evokeds =
        evokeds.iter().enumerate().map(|(index, evoked)| evoked_data(evoked, index >= n_conditions, &types)).collect();
    timing(report, &steps::evoked::STEP, None, start);
    if let Some(sink) = collectors.covariance {
        (work.progress)(0.97, "covariance");
        keep_covariance(work, prepared, sink.into_covariance(work.par), info, report)?;
    }
    Ok(())
}

fn keep_covariance(
    work: &Work<'_>,
    prepared: &Prepared,
    cov: bakusoku_core::Result<Covariance>,
    info: &Info,
    report: &mut SubjectReport,
) -> Result<()> {
    let Some(output) = &prepared.covariance else { return Ok(()) };
    let start = Instant::now();
    let step = &steps::covariance::STEP;
    let cov = at(step, None, cov)?;
    if output.is_due() {
        at(step, None, write(output, |path| Ok(fif::write_covariance(path, &cov, file_id(output))?)))?;
    }
    report.covariances = steps::covariance::by_type(&cov, info, &crate::input::wanted_types(work.config));
    timing(report, step, None, start);
    Ok(())
}

/// The pass of the empty room, where there is one, and the covariance of what is left of it.
fn empty_room(
    work: &Work<'_>,
    unit: &Unit,
    prepared: &Prepared,
    bads: &[Found],
    report: &mut SubjectReport,
) -> Result<()> {
    let index = unit.runs.len();
    let (Some(run), Some(ready)) = (&prepared.room, prepared.runs.get(index)) else { return Ok(()) };
    let mut noise = steps::empty_room::gives_covariance(work.config).then(RawCovarianceSink::new);
    let (_, mut page, times) = pass(work, run, ready, Purpose::Noise(noise.as_mut()), (0.9, 0.02))?;
    page.found_bads = bads.get(index).map(steps::maxwell_page::found);
    report.runs.push(page);
    report.warnings.extend(ready.input.warnings.iter().cloned());
    pass_timing(report, &ready.label, times);
    match noise {
        Some(sink) => keep_covariance(work, prepared, sink.into_covariance(work.par), &ready.steps.last().info, report),
        None => Ok(()),
    }
}

/// The identifier inside a file: made from contents only, so that the same input gives the same bytes.
pub(crate) fn file_id(output: &Output) -> FileId {
    FileId::from_key(&output.keys.id.bytes())
}

pub(crate) fn timing(report: &mut SubjectReport, step: &Step, run: Option<&str>, start: Instant) {
    report.timing.push(Timing {
        step: step.name.into(),
        run: run.map(Into::into),
        wall_s: start.elapsed().as_secs_f64(),
    });
}

fn pass_timing(report: &mut SubjectReport, run: &str, times: Times) {
    let timing = |(step, wall): (String, Duration)| Timing { step, run: Some(run.into()), wall_s: wall.as_secs_f64() };
    report.timing.extend(times.into_iter().map(timing));
}

/// Wall times by step.
type Times = Vec<(String, Duration)>;

/// Names the step in which a pass went wrong.
fn at_step(run: Option<&str>, error: bakusoku_core::Error) -> Error {
    let step = steps::STEPS.iter().find(|step| Some(step.name) == error.node()).map_or("read", |step| step.name);
    Error::Step { step, run: run.map(Into::into), source: Box::new(error.without_node().into()) }
}

/// One pass of a recording: filtered, written, looked at, cut into epochs.
fn pass(
    work: &Work<'_>,
    run_: &Run,
    prepared: &PreparedRun,
    purpose: Purpose<'_>,
    share: (f64, f64),
) -> Result<(Option<Spilled>, RunReport, Times)> {
    let config = work.config;
    let label = Some(prepared.label.as_str());
    let stages = &prepared.steps;
    let (source, filtered, last) = (stages.source(), stages.filtered(), stages.last());
    let types = crate::input::wanted_types(config);
    let cx = work.cx(share);
    let mut glance = steps::psd::Glance::new(config, source);
    let mut after_sss =
        stages.sss.and_then(|place| Some((place, steps::psd::Glance::new(config, &stages.streams[place])?)));
    let psd_params = steps::psd::params(config);
    let mut psd = match WelchSink::new(&psd_params, filtered) {
        Ok(sink) => Some(sink),
        // Without a file asked for, a recording too short for a spectrum is none of the study's business.
        Err(_) if prepared.psd.is_none() => None,
        Err(error) => return at(&steps::psd::STEP, label, Err(error)),
    };
    let mut keep = Spilled::new(work.spill);
    let (mut cut, mut seen) = (None, &RunEvents::default());
    match purpose {
        Purpose::Epochs { events, event_id, collectors } => {
            seen = events;
            if steps::epochs::wanted(config) {
                let stream = at(&steps::reference::STEP, label, steps::reference::with_projector(config, last))?;
                let picks = steps::epochs::picks(config, &stream.info)?;
                let params = steps::epochs::params(config, &stream.info);
                let plan = EpochsPlan::new(&stream, &events.events, Some(&event_id.to_vec()), Some(&picks), &params);
                let mut sinks: Vec<&mut dyn EpochSink> = vec![&mut keep, &mut collectors.evoked];
                if let Some(covariance) = &mut collectors.covariance {
                    sinks.push(covariance);
                }
                cut = Some(EpochsSink::new(at(&steps::epochs::STEP, label, plan)?, sinks));
            }
        }
        Purpose::Noise(Some(sink)) => {
            let plan = raw_covariance_plan(last, &RawCovarianceParams::default());
            cut = Some(EpochsSink::new(at(&steps::covariance::STEP, label, plan)?, vec![sink]));
        }
        Purpose::Noise(None) => {}
    }
    let due = prepared.raw.as_ref().filter(|output| output.is_due());
    let place = due.map(|output| Replacement::begin(&output.path)).transpose();
    let place = at(&steps::raw::STEP, label, place)?;
    let writer = match (&place, due) {
        (Some(place), Some(output)) => Some(steps::raw::writer(&place.path(), filtered, file_id(output))),
        _ => None,
    };
    let mut writer = at(&steps::raw::STEP, label, writer.transpose())?;
    let times;
    {
        let mut flow = at(&steps::filter::STEP, label, stages.flow())?;
        let nodes: Vec<NodeId> = flow.nodes().collect();
        let looks = glance.iter_mut().map(|glance| (0, glance));
        for (place, glance) in looks.chain(after_sss.iter_mut().map(|(place, glance)| (*place, glance))) {
            flow.tap(nodes[place], steps::psd::STEP.name, glance);
        }
        if let Some(psd) = &mut psd {
            flow.tap(nodes[stages.filtered], steps::psd::STEP.name, psd);
        }
        if let Some(writer) = &mut writer {
            flow.tap(nodes[stages.filtered], steps::raw::STEP.name, writer);
        }
        if let Some(cut) = &mut cut {
            flow.tap(flow.end(), steps::epochs::STEP.name, cut);
        }
        times = flow.run(&prepared.input, &cx).map_err(|error| at_step(label, error))?.times;
    }
    if let (Some(writer), Some(place), Some(output)) = (writer, place, due) {
        drop(writer);
        at(&steps::raw::STEP, label, place.commit(output.sidecar()))?;
    }
    let epochs = cut.map(drop).map(|()| keep);
    let mut page = run_report(config, run_, prepared, seen);
    if let Some(glance) = glance {
        page.spectra.extend(steps::psd::by_type("raw", &glance.finish(), &types));
    }
    if let Some((_, glance)) = after_sss {
        page.spectra.extend(steps::psd::by_type("sss", &glance.finish(), &types));
    }
    page.maxwell = steps::maxwell_page::page(config, prepared);
    if let Some(psd) = psd {
        let spectrum: Spectrum = psd.finish();
        page.spectra.extend(steps::psd::by_type("filtered", &spectrum, &types));
        if let Some(output) = prepared.psd.as_ref().filter(|output| output.is_due()) {
            at(
                &steps::psd::STEP,
                label,
                write(output, |path| Ok(bakusoku_io::h5io::write_spectrum(path, &spectrum)?)),
            )?;
        }
    }
    Ok((epochs, page, times))
}

fn run_report(config: &Config, run: &Run, prepared: &PreparedRun, events: &RunEvents) -> RunReport {
    let (source, filtered) = (prepared.steps.source(), prepared.steps.filtered());
    let mut n_channels: Vec<(String, usize)> = Vec::new();
    for ch in &source.info.chs {
        let name = ch.ch_type().name();
        match n_channels.iter_mut().find(|(other, _)| other == name) {
            Some((_, n)) => *n += 1,
            None => n_channels.push((name.into(), 1)),
        }
    }
    let mut line_freqs: Vec<f64> = source.info.line_freq.into_iter().chain(config.numbers("notch_freq")).collect();
    line_freqs.sort_by(f64::total_cmp);
    line_freqs.dedup();
    RunReport {
        label: prepared.label.clone(),
        path: run.name(),
        duration_s: source.n_times as f64 / source.sfreq(),
        sfreq: (source.sfreq(), filtered.sfreq()),
        n_channels,
        bads: prepared.input.bads.clone(),
        marked: marked(source),
        events_source: events.source.clone(),
        events: events.counts.clone(),
        event_times: events.times.clone(),
        spectra: Vec::new(),
        filters: filters(config, source.sfreq()),
        line_freqs,
        found_bads: None,
        maxwell: None,
    }
}

fn marked(stream: &Stream) -> Vec<(f64, f64, String)> {
    let sfreq = stream.sfreq();
    let gaps =
        stream.gaps.iter().map(|gap| (gap.start as f64 / sfreq, gap.stop as f64 / sfreq, "not acquired".to_owned()));
    let annotations = &stream.annotations;
    let bad =
        annotations.items.iter().enumerate().filter(|(_, item)| item.description.to_lowercase().starts_with("bad"));
    gaps.chain(bad.map(|(index, item)| {
        let onset = annotations.onset_from_first_sample(index, stream.info.meas_date, stream.first_samp, sfreq);
        (onset, onset + item.duration, item.description.clone())
    }))
    .collect()
}

/// The filters in words.
fn filters(config: &Config, sfreq: f64) -> Vec<String> {
    let mut out = Vec::new();
    let notches = config.numbers("notch_freq");
    if !notches.is_empty() {
        let list = notches.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        out.push(format!("notches at {list} Hz (FIR, zero phase)"));
    }
    if let Some(params) = steps::filter::params(config) {
        let edge = |freq: Option<f64>, none: &str| freq.map_or_else(|| none.to_owned(), |freq| format!("{freq} Hz"));
        let taps = params.taps(sfreq).map_or(0, |taps| taps.len());
        out.push(format!(
            "pass band {} to {}: FIR, Hamming window, zero phase, {taps} taps ({:.2} s)",
            edge(params.l_freq, "0 Hz"),
            edge(params.h_freq, "Nyquist frequency"),
            taps as f64 / sfreq
        ));
    }
    if let Some(to) = config.number("raw_resample_sfreq") {
        out.push(format!("resampled to {to} Hz (Fourier)"));
    }
    out
}

/// An evoked response as the report shows it: channels of the study's types.
pub(crate) fn evoked_data(evoked: &Evoked, is_contrast: bool, types: &[ChannelType]) -> EvokedData {
    let info = &evoked.info;
    let rows: Vec<usize> = (0..info.n_channels()).filter(|&ch| types.contains(&info.chs[ch].ch_type())).collect();
    EvokedData {
        name: evoked.comment.clone(),
        is_contrast,
        nave: evoked.nave,
        times: evoked.times().iter().map(|&t| t as f32).collect(),
        baseline: evoked.baseline,
        channels: rows
            .iter()
            .map(|&ch| {
                let channel = &info.chs[ch];
                let pos = [channel.loc[0], channel.loc[1], channel.loc[2]];
                ChannelData {
                    name: channel.name.clone(),
                    ch_type: channel.ch_type().name().into(),
                    pos,
                    bad: info.is_bad(ch),
                }
            })
            .collect(),
        data: rows.iter().map(|&ch| evoked.data.row(ch).iter().map(|&x| x as f32).collect()).collect(),
    }
}
