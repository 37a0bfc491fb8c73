//! Studies of other shapes: several runs with other events, sessions, several studies with the same results, steps that are
//! registered.
#![allow(clippy::unwrap_used)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::{Block, Cx, Recording, Sink, Stream};
use bakusoku_io::fif::{self, RawOptions, RawWriter};
use bakusoku_methods::filter::{Filter, FilterParams};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK, subject_label};
use bakusoku_study::config::keys::Key;
use bakusoku_study::plan::{Later, Planner, Tap};
use bakusoku_study::report::data::Status;
use bakusoku_study::report::{Page, facts::Facts};
use bakusoku_study::step::{About, Step};
use bakusoku_study::{Config, Outcome, RunOptions, Study, steps};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TOML: &str = r#"
bids_root = "."
ch_types = ["eeg"]
data_type = "meg"
l_freq = 1.0
h_freq = 40.0
raw_resample_sfreq = 100.0
conditions = ["auditory", "visual"]
contrasts = [["auditory", "visual"]]
noise_cov = "none"
save_filtered_raw = false
on_missing = "warn"
"#;

struct Shape<'a> {
    subject: u32,
    session: Option<&'a str>,
    run: Option<u32>,
    task: &'a str,
}

fn entities(shape: &Shape<'_>) -> Entities {
    let mut entities = Entities::unit(&subject_label(shape.subject), shape.session);
    entities.task = Some(shape.task.into());
    entities.run = shape.run.map(|run| format!("{run:02}"));
    entities
}

/// Simulates a recording; the path of its table of events.
fn simulate(root: &Path, shape: &Shape<'_>) -> PathBuf {
    let (subject, run) = (shape.subject, shape.run.unwrap_or(1));
    let params =
        SimulationParams { duration: 20.0, sfreq: 200.0, meg: false, subject, run, ..SimulationParams::default() };
    let recording = Simulation::new(params).unwrap();
    let entities = entities(shape);
    let path = layout::recording_path(root, &entities, DataType::Meg);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    RawWriter::copy(&path, &recording, RawOptions::default()).unwrap();
    let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
    let events = recording.events();
    layout::write_sidecars(root, &entities, DataType::Meg, recording.stream(), Some((&events, &names))).unwrap();
    PathBuf::from(path.to_string_lossy().replace("_meg.fif", "_events.tsv"))
}

fn study(root: &Path, name: &str, text: &str) -> Study {
    let path = root.join(name);
    fs_err::write(&path, text).unwrap();
    Study::load(&path).unwrap()
}

fn run(study: &Study) -> Outcome {
    let outcome = study.run(&RunOptions { n_jobs: Some(2), ..RunOptions::default() }, Arc::new(|_| ())).unwrap();
    let failures: Vec<_> = outcome.report.subjects.iter().filter_map(|subject| subject.failure.as_ref()).collect();
    assert!(failures.is_empty(), "{failures:?}");
    outcome
}

fn results(root: &Path, name: &str) -> PathBuf {
    root.join("derivatives/bakusoku").join(name)
}

/// Adds a row to a table of events.
fn add_event(table: &Path, onset: f64, kind: &str) {
    let text = fs_err::read_to_string(table).unwrap();
    let columns: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    let row: Vec<String> = columns
        .iter()
        .map(|column| match *column {
            "onset" => onset.to_string(),
            "duration" => "0".into(),
            "trial_type" => kind.into(),
            "value" => "77".into(),
            _ => "n/a".into(),
        })
        .collect();
    fs_err::write(table, format!("{}\n{}\n", text.trim_end(), row.join("\t"))).unwrap();
}

#[test]
fn a_name_has_one_code_in_all_runs() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let shape = |run| Shape { subject: 1, session: None, run: Some(run), task: TASK };
    let tables = [simulate(root, &shape(1)), simulate(root, &shape(2))];
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    run(&study(root, "study.toml", TOML));
    let evoked = results(root, "sub-01/meg/sub-01_task-audiovisual_ave.fif");
    let plain = fif::read_evoked(&evoked).unwrap();
    // A kind that the study does not use, before the others in the alphabet, in one of the runs.
    add_event(&tables[1], 7.123, "a_practice");
    run(&study(root, "study.toml", TOML));
    let other = fif::read_evoked(&evoked).unwrap();
    assert_eq!(plain.len(), 3);
    for (a, b) in plain.iter().zip(&other) {
        assert_eq!((&a.comment, a.nave, &a.data), (&b.comment, b.nave, &b.data));
    }
    // A run without any of the conditions ends nobody, and `raise` asks all runs together.
    let text = fs_err::read_to_string(&tables[1]).unwrap().replace("auditory", "x").replace("visual", "y");
    fs_err::write(&tables[1], text).unwrap();
    run(&study(root, "study.toml", &TOML.replace("\"warn\"", "\"raise\"")));
    let naves: Vec<f64> = fif::read_evoked(&evoked).unwrap().iter().map(|evoked| evoked.nave).collect();
    assert!(naves[0] > 0.0 && naves[0] < plain[0].nave, "{naves:?}");
}

#[test]
fn sessions_are_averaged_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for (subject, session) in [(1, "a"), (1, "b"), (2, "a")] {
        simulate(root, &Shape { subject, session: Some(session), run: None, task: TASK });
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    let outcome = run(&study(root, "study.toml", TOML));
    let labels: Vec<&str> = outcome.report.groups.iter().map(|group| group.label.as_str()).collect();
    assert_eq!(labels, ["sub-average_ses-a", "sub-average_ses-b"]);
    for (session, n) in [("a", 2.0), ("b", 1.0)] {
        let name = format!("sub-average/ses-{session}/meg/sub-average_ses-{session}_task-audiovisual_ave.fif");
        assert_eq!(fif::read_evoked(&results(root, &name)).unwrap()[0].nave, n);
    }
    assert!(!results(root, "sub-average/meg").exists());
}

#[test]
fn pruning_leaves_other_studies_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for task in ["one", "two"] {
        simulate(root, &Shape { subject: 1, session: None, run: None, task });
        simulate(root, &Shape { subject: 2, session: None, run: None, task });
    }
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    let of = |task: &str| study(root, &format!("{task}.toml"), &format!("{TOML}task = \"{task}\"\n"));
    run(&of("one"));
    run(&of("two"));
    let options = RunOptions { prune: true, ..RunOptions::default() };
    let outcome = of("one").run(&options, Arc::new(|_| ())).unwrap();
    assert!(outcome.pruned.is_empty() && outcome.is_up_to_date(), "{:?}", outcome.pruned);
    // The first page is that of the study that was run last, even when that was up to date.
    assert!(fs_err::read_to_string(&outcome.index).unwrap().contains("task-one"));
    // Somebody who is left out loses page and record too.
    let fewer = study(root, "one.toml", &format!("{TOML}task = \"one\"\nexclude_subjects = [\"02\"]\n"));
    let outcome = fewer.run(&options, Arc::new(|_| ())).unwrap();
    let names: Vec<String> =
        outcome.pruned.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for end in ["_report.html", ".record", ".summary", "_ave.fif"] {
        assert!(
            names.iter().any(|name| name.starts_with("sub-02_task-one") && name.ends_with(end)),
            "{end}: {names:?}"
        );
    }
    assert!(names.iter().all(|name| name.contains("task-one")), "{names:?}");
    assert!(results(root, "sub-02/meg/sub-02_task-two_ave.fif").exists());
    assert!(!fs_err::read_to_string(&outcome.index).unwrap().contains("sub-02"));
}

/// A step that learns something in one pass and uses it in the next.
struct Calm;

/// The largest sample.
struct Largest(f64);

impl Sink for Largest {
    fn push(&mut self, block: &Block, _cx: &Cx) -> bakusoku_core::Result<()> {
        self.0 = block.data.iter().fold(self.0, |most, x| most.max(x.abs()));
        Ok(())
    }
}
impl Tap for Largest {
    type Out = f64;
    fn finish(self) -> bakusoku_study::Result<f64> {
        Ok(self.0)
    }
}

impl Step for Calm {
    fn about(&self) -> &'static About {
        &About { name: "calm", revision: 1, keys: &["calm_freq"], doc: "Filters once more." }
    }
    fn keys(&self) -> &'static [Key] {
        const KEYS: &[Key] = &[Key::new("Filter", "calm_freq", bakusoku_study::config::Kind::Positive, "20.0", "Hz.")];
        KEYS
    }
    fn is_wanted(&self, config: &Config) -> bool {
        config.is_given("calm_freq")
    }
    fn plan(&self, unit: &mut Planner<'_>) -> bakusoku_study::Result<()> {
        let freq = unit.config().number("calm_freq");
        for rec in unit.recordings() {
            let largest = unit.tap(unit.tip(rec), |_: &Stream| Ok(Some(Largest(0.0))));
            unit.facts(largest);
            let filter = move || Filter::new(FilterParams::new(None, freq));
            let method = Later::after(largest, filter(), move |largest| {
                assert!(largest.unwrap() > 0.0);
                Ok(Box::new(filter()))
            });
            unit.extend(rec, "calm", method)?;
        }
        Ok(())
    }
    fn section(&self, facts: &Facts, page: &mut Page) {
        let run = facts.runs()[0].to_owned();
        let largest: Option<f64> = facts.get::<Option<f64>>("calm", Some(&run)).flatten();
        page.section("calm", "Calm recordings", maud::html! { p { "largest " (largest.unwrap_or(0.0)) } });
    }
}

#[test]
fn a_step_of_the_users_takes_part_in_everything() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    simulate(root, &Shape { subject: 1, session: None, run: None, task: TASK });
    layout::write_dataset(root, "Simulated", "Simulated.\n", &[]).unwrap();
    let path = root.join("study.toml");
    fs_err::write(&path, format!("{TOML}calm_freq = 10.0\n")).unwrap();
    assert!(Study::load(&path).is_err(), "only a registered step brings its keys");
    let mut registry = steps::builtin();
    registry.insert_after("filter", Arc::new(Calm)).unwrap();
    let study = Study::load_with(&path, registry).unwrap();
    let plan = study.plan(&RunOptions { explain: true, ..RunOptions::default() }).unwrap();
    let expected = "  before pass 1  events  task-audiovisual
  pass 1  task-audiovisual
    source: check_samples, psd
    source > filtered (filter) (kept): calm
  pass 2  task-audiovisual
    filtered
    filtered > calm (calm)
    calm > resampled (resample): psd, cut [epochs, evoked]
";
    assert_eq!(plan.units[0].explanation.as_deref(), Some(expected));
    let outcome = run(&study);
    assert_eq!(outcome.count(Status::Done), 1);
    let page = fs_err::read_to_string(results(root, "sub-01/meg/sub-01_task-audiovisual_report.html")).unwrap();
    assert!(page.contains("Calm recordings"));
    assert!(run(&study).is_up_to_date());
}
