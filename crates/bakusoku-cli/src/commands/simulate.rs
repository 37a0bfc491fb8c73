//! `bakusoku simulate FOLDER`: recordings whose truth is known, in BIDS layout.

use super::{budget, count, seconds};
use crate::args::SimulateArgs;
use crate::diagnostics::Usage;
use crate::printer::Printer;
use crate::progress::Progress;
use bakusoku_bids::layout::{self, Participant};
use bakusoku_bids::{DataType, Entities};
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{Cx, Progress as Told, Recording};
use bakusoku_io::fif::{RawOptions, RawWriter, SplitNaming};
use bakusoku_pool::{Bytes, Cancel, Event, EventKind, Need, Pool, SpillDir, TaskContext};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, StudyParams, TASK, subject_label};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What one recording holds in hand.
const NEED: Need = Need { memory: Bytes(160_000_000), disk: Bytes(0) };

const README: &str =
    "Simulated by bakusoku: dipoles in a spherical head under a Neuromag-306 helmet and a 10-20 cap, with
noise, blinks, heartbeats, line noise and broken channels. What is true stands in sourcedata/truth.
";

/// Writes all recordings.
pub(crate) fn run(args: &SimulateArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let start = Instant::now();
    let files = write(args, recordings(args)?, printer, cancel)?;
    let mut bytes = 0;
    for file in &files {
        bytes += fs_err::metadata(file)?.len();
    }
    let wall_s = start.elapsed().as_secs_f64();
    printer.json_document(|| json!({"folder": args.folder, "files": files, "bytes": bytes, "wall_s": wall_s}));
    say(files.len(), args, bytes, wall_s, printer);
    Ok(0)
}

/// Writes the recordings that are not there.
pub(super) fn missing(args: &SimulateArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut absent = Vec::new();
    for recording in recordings(args)? {
        // The truth is written last: with it the recording is whole.
        if !fs_err::exists(truth_path(args, &recording.1))? {
            absent.push(recording);
        }
    }
    if absent.is_empty() {
        return Ok(());
    }
    let files = write(args, absent, printer, cancel)?;
    let mut bytes = 0;
    for file in &files {
        bytes += fs_err::metadata(file)?.len();
    }
    say(files.len(), args, bytes, start.elapsed().as_secs_f64(), printer);
    Ok(())
}

fn say(n: usize, args: &SimulateArgs, bytes: u64, wall_s: f64, printer: &Printer) {
    printer.line(format!(
        "simulated {} of {} ({}) in {} below {}",
        count(n, "recording"),
        seconds(args.duration),
        Bytes(bytes),
        seconds(wall_s),
        args.folder.display()
    ));
}

fn data_type(args: &SimulateArgs) -> DataType {
    if args.no_meg { DataType::Eeg } else { DataType::Meg }
}

/// What is to be simulated, and how it is named.
fn recordings(args: &SimulateArgs) -> anyhow::Result<Vec<(SimulationParams, Entities)>> {
    let recording = SimulationParams {
        seed: args.seed,
        sfreq: args.sfreq,
        duration: args.duration,
        meg: !args.no_meg,
        eeg: !args.no_eeg,
        line_freq: args.line_freq,
        ..SimulationParams::default()
    };
    recording.check()?;
    let study = StudyParams { n_subjects: args.subjects, n_runs: args.runs, recording };
    let name = |params: SimulationParams| {
        let mut entities = Entities::unit(&subject_label(params.subject), None);
        entities.task = Some(TASK.to_owned());
        if args.runs > 1 {
            entities.run = Some(format!("{:02}", params.run));
        }
        (params, entities)
    };
    let mut recordings: Vec<_> = study.recordings().into_iter().map(name).collect();
    if args.empty_room {
        recordings.push(empty_room(&study.recording)?);
    }
    Ok(recordings)
}

/// The same room a moment before anybody came.
fn empty_room(recording: &SimulationParams) -> anyhow::Result<(SimulationParams, Entities)> {
    let params = SimulationParams { empty_room: true, subject: 0, ..recording.clone() };
    let date = Simulation::new(params.clone())?.stream().info.meas_date.map(|(seconds, _)| bakusoku_bids::day(seconds));
    let mut entities = Entities::unit("emptyroom", date.as_deref());
    entities.task = Some("noise".to_owned());
    Ok((params, entities))
}

fn truth_path(args: &SimulateArgs, entities: &Entities) -> PathBuf {
    args.folder.join("sourcedata").join("truth").join(entities.file_name("truth", ".json"))
}

/// Simulated recordings must not mix with real ones, nor replace what describes them.
fn refuse_other_data(root: &Path) -> anyhow::Result<()> {
    if !root.exists() || fs_err::read_to_string(root.join("README")).is_ok_and(|text| text == README) {
        return Ok(());
    }
    let mut names: Vec<String> = Vec::new();
    for entry in fs_err::read_dir(root)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    match names.first() {
        None => Ok(()),
        Some(name) => Err(Usage {
            message: format!("`{}` holds something else than simulated recordings (`{name}`)", root.display()),
            hint: "name a new or an empty folder".into(),
        }
        .into()),
    }
}

/// Writes recordings and what stands beside them; the recordings' paths.
fn write(
    args: &SimulateArgs,
    recordings: Vec<(SimulationParams, Entities)>,
    printer: &Printer,
    cancel: &Cancel,
) -> anyhow::Result<Vec<PathBuf>> {
    let root = args.folder.as_path();
    refuse_other_data(root)?;
    let names: Vec<(String, i64)> = EVENT_ID.iter().map(|(name, code)| ((*name).to_owned(), *code)).collect();
    let people: Vec<Participant> = (1..=args.subjects)
        .map(|subject| Participant { subject: subject_label(subject), ..Participant::default() })
        .collect();
    layout::write_dataset(root, "Simulated audiovisual study", README, &people)?;
    let pool = Pool::new(budget(&args.budget)?)?;
    let spill = pool.budget().spill_dir(Some(root))?;
    let progress = Arc::new(Progress::new(printer, recordings.len()));
    let observer = Arc::clone(&progress);
    let files = pool
        .tasks(&recordings)
        .label(|(_, entities)| entities.unit_label())
        .need(|_| NEED)
        .cancel(cancel)
        .observe(move |event| observer.event(event))
        .try_map(|cx, (params, entities)| -> anyhow::Result<PathBuf> {
            let path = layout::recording_path(root, entities, data_type(args));
            if let Some(folder) = path.parent() {
                fs_err::create_dir_all(folder)?;
            }
            let (shown, label, index) = (Arc::clone(&progress), entities.unit_label(), cx.index());
            let told: Told = Arc::new(move |fraction, _| {
                let kind = EventKind::Progress { fraction, what: "simulating" };
                shown.event(&Event { batch: 0, index, label: &label, kind });
            });
            let simulation = record(params.clone(), &path, cx, &spill, told)?;
            let events = simulation.events();
            let events = (!params.empty_room).then_some((&events, &names[..]));
            layout::write_sidecars(root, entities, data_type(args), simulation.stream(), events)?;
            bakusoku_files::write_text(&truth_path(args, entities), &format!("{:#}\n", simulation.ground_truth()))?;
            Ok(path)
        })?;
    progress.finish();
    Ok(files)
}

/// Writes one recording, as a stream.
fn record(
    params: SimulationParams,
    path: &Path,
    task: &TaskContext,
    spill: &SpillDir,
    told: Told,
) -> anyhow::Result<Simulation> {
    let simulation = Simulation::new(params)?;
    let options = RawOptions { split_naming: SplitNaming::Bids, ..RawOptions::default() };
    let mut writer = RawWriter::create(path, simulation.stream(), options)?;
    let mut cx = Cx::new(task.par().clone(), spill.clone());
    cx.cancel = task.cancel().clone();
    cx.progress = Some(told);
    let mut flow = Flow::new(simulation.stream());
    flow.tap(NodeId::SOURCE, "write", &mut writer);
    flow.run(&simulation, &cx).map_err(bakusoku_core::Error::without_node)?;
    Ok(simulation)
}
