//! What datasets look like in the wild: tables that are incomplete, files that are split, misnamed or elsewhere, rooms.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use bakusoku_bids::{DataType, Entities, layout};
use bakusoku_core::Info;
use bakusoku_core::containers::Raw;
use bakusoku_io::fif::{FifRaw, RawOptions, RawWriter, read_evoked};
use bakusoku_sim::{EVENT_ID, Simulation, SimulationParams, TASK};
use bakusoku_study::{Outcome, RunOptions, Study, init};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TOML: &str = r#"
bids_root = "."
ch_types = ["meg"]
l_freq = "none"
h_freq = 40.0
conditions = ["auditory", "visual"]
epochs_tmax = 0.4
noise_cov = "none"
save_filtered_raw = false
interpolate_bads_grand_average = false
"#;

/// Writes a recording of subject 01, changed by `change`.
fn record(root: &Path, run: u32, options: RawOptions, change: impl FnOnce(&mut Info)) -> PathBuf {
    let params = SimulationParams { duration: 12.0, sfreq: 250.0, eeg: false, run, ..SimulationParams::default() };
    let simulation = Simulation::new(params).unwrap();
    let (mut stream, data) = Raw::load(&simulation).unwrap().into_parts();
    let info = Arc::make_mut(&mut stream.info);
    info.bads.clear();
    change(info);
    let mut entities = Entities::unit("01", None);
    entities.task = Some(TASK.into());
    entities.run = Some(format!("{run:02}"));
    let path = layout::recording_path(root, &entities, DataType::Meg);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let names = EVENT_ID.map(|(name, code)| (name.to_owned(), code));
    layout::write_sidecars(root, &entities, DataType::Meg, &stream, Some((&simulation.events(), &names))).unwrap();
    RawWriter::copy(&path, &Raw::new(stream, data).unwrap(), options).unwrap();
    path
}

fn plain(root: &Path, run: u32) -> PathBuf {
    record(root, run, RawOptions::default(), |_| ())
}

fn study(root: &Path, text: &str) -> Study {
    let path = root.join("study.toml");
    fs_err::write(&path, text).unwrap();
    Study::load(&path).unwrap()
}

fn run(root: &Path, text: &str) -> Outcome {
    study(root, text).run(&RunOptions { n_jobs: Some(2), ..RunOptions::default() }, Arc::new(|_| ())).unwrap()
}

/// Warnings of the only subject, which must have been done.
fn warnings(outcome: &Outcome) -> String {
    let subject = &outcome.report.subjects[0];
    assert!(subject.failure.is_none(), "{:?}", subject.failure);
    subject.warnings.join("\n")
}

fn failure(outcome: &Outcome) -> String {
    let failure = outcome.report.subjects[0].failure.as_ref().expect("it fails");
    format!("{}\n{}", failure.messages.join("\n"), failure.hint.as_deref().unwrap_or_default())
}

/// Numbers of epochs, and bad channels, of the subject's averages.
fn averages(root: &Path) -> (Vec<(String, i64)>, Vec<String>) {
    let path = root.join("derivatives/bakusoku/sub-01/meg");
    let mut files: Vec<PathBuf> = fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with("_ave.fif"));
    let evoked = read_evoked(&files[0]).unwrap();
    let counts = evoked.iter().map(|evoked| (evoked.comment.clone(), evoked.nave as i64)).collect();
    (counts, evoked[0].info.bads.clone())
}

fn sidecar(recording: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(recording.to_string_lossy().replace("_meg.fif", suffix))
}

#[test]
fn bads_of_the_recording_stay_where_the_table_says_nothing() {
    for table in
        ["name\ttype\tunits\nMEG 0111\tMEGMAG\tT\n", "name\ttype\tunits\tstatus\n", "name\tstatus\nMEG 0121\tgood\n"]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = record(dir.path(), 1, RawOptions::default(), |info| info.bads = vec!["MEG 0111".into()]);
        fs_err::write(sidecar(&path, "_channels.tsv"), table).unwrap();
        run(dir.path(), TOML);
        assert_eq!(averages(dir.path()).1, ["MEG 0111"], "{table}");
    }
    // The table knows better where it speaks.
    let dir = tempfile::tempdir().unwrap();
    let path = record(dir.path(), 1, RawOptions::default(), |info| info.bads = vec!["MEG 0111".into()]);
    fs_err::write(sidecar(&path, "_channels.tsv"), "name\tstatus\nMEG 0111\tgood\nMEG 0121\tbad\n").unwrap();
    let outcome = run(dir.path(), TOML);
    assert!(warnings(&outcome).contains("`MEG 0111` is marked bad in the recording and good in"));
    assert_eq!(averages(dir.path()).1, ["MEG 0121"]);
}

#[test]
fn a_bad_channel_under_another_name_is_an_error() {
    for name in ["MEG0111", "meg 0111", "\"MEG 0111\""] {
        let dir = tempfile::tempdir().unwrap();
        let path = plain(dir.path(), 1);
        fs_err::write(sidecar(&path, "_channels.tsv"), format!("name\tstatus\n{name}\tbad\n")).unwrap();
        let said = failure(&run(dir.path(), TOML));
        assert!(said.contains("channels.tsv` line 2") && said.contains("did you mean \"MEG 0111\"?"), "{said}");
    }
}

#[test]
fn rows_without_a_usable_time_are_left_out_with_one_remark() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain(dir.path(), 1);
    run(dir.path(), TOML);
    let before = averages(dir.path()).0;
    let table = sidecar(&path, "_events.tsv");
    let text = fs_err::read_to_string(&table).unwrap();
    let row = |onset: &str| format!("{onset}\t0\tauditory\t1\tn/a\n");
    fs_err::write(&table, format!("{text}{}{}{}{}", row("n/a"), row("nan"), row("-1.5"), row("75"))).unwrap();
    let said = warnings(&run(dir.path(), TOML));
    assert!(said.contains("2 rows without a time") && said.contains("2 rows outside the recording"), "{said}");
    assert_eq!(said.matches("left out").count(), 1, "{said}");
    assert_eq!(averages(dir.path()).0, before);
}

#[test]
fn a_table_whose_events_are_not_used_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain(dir.path(), 1);
    fs_err::write(sidecar(&path, "_events.tsv"), "onset\tduration\nsoon\t0\n").unwrap();
    let text = TOML.replace("[\"auditory\", \"visual\"]", "{ auditory = 1, visual = 2 }\nevents = \"stim\"");
    let said = warnings(&run(dir.path(), &text));
    assert!(said.contains("line 2: `onset` must be a number"), "{said}");
}

#[test]
fn parts_of_a_split_recording_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let split = RawOptions { split_size: 5 << 19, ..RawOptions::default() };
    let path = record(root, 1, split, |_| ());
    let parts = FifRaw::open(&path).unwrap().paths();
    assert!(parts.len() > 1);
    // Without BIDS: the parts match the pattern.
    fs_err::create_dir_all(root.join("data/01")).unwrap();
    for (index, part) in parts.iter().enumerate() {
        let name = if index == 0 {
            "meg.fif".into()
        } else {
            part.file_name().unwrap().to_string_lossy().replace("sub-01_task-audiovisual_run-01_", "")
        };
        fs_err::copy(part, root.join("data/01").join(name)).unwrap();
    }
    // The parts are called by another name now; each says by number which one follows.
    let pattern = TOML
        .replace("bids_root = \".\"", "files = \"data/{subject}/{run}.fif\"")
        .replace("[\"auditory\", \"visual\"]", "{ auditory = 1, visual = 2 }\nevents = \"stim\"");
    let plan = study(root, &pattern).plan(&RunOptions::default()).unwrap();
    assert_eq!(plan.units[0].unit.runs.len(), 1, "{:?}", plan.units[0].unit.runs);
    // The first one is lost.
    fs_err::remove_file(root.join("data/01/meg.fif")).unwrap();
    let plan = study(root, &pattern).plan(&RunOptions::default()).unwrap();
    let said = plan.units[0].failure.as_ref().unwrap().messages.join("\n");
    assert!(said.contains("is a later part of a split recording"), "{said}");
}

#[test]
fn runs_with_other_projectors_are_refused_and_other_head_positions_told() {
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path(), 1);
    record(dir.path(), 2, RawOptions::default(), |info| {
        if let Some(position) = &mut info.dev_head_t {
            position.matrix[0][3] += 0.02;
        }
    });
    let said = warnings(&run(dir.path(), TOML));
    assert!(said.contains("mm from where it was in `sub-01_task-audiovisual_run-01_meg.fif`"), "{said}");
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path(), 1);
    record(dir.path(), 2, RawOptions::default(), |info| {
        info.projs.push(bakusoku_core::Projector {
            kind: 1,
            active: false,
            desc: "PCA-v1".into(),
            names: vec!["MEG 0111".into()],
            data: ndarray::Array2::eye(1),
            explained_var: None,
        });
    });
    let said = failure(&run(dir.path(), TOML));
    assert!(said.contains("differ in their projectors") && said.contains("PCA-v1"), "{said}");
    assert!(said.contains("[subject.01] exclude_runs = [\"02\"]"), "{said}");
}

#[test]
fn results_do_not_go_among_the_recordings() {
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path(), 1);
    layout::write_dataset(dir.path(), "Mine", "Mine.\n", &[]).unwrap();
    let description = dir.path().join("dataset_description.json");
    let before = fs_err::read_to_string(&description).unwrap();
    for place in [".", "./x/..", "sub-01/out"] {
        let study = study(dir.path(), &format!("{TOML}\nderiv_root = \"{place}\"\n"));
        let error = study.run(&RunOptions::default(), Arc::new(|_| ())).map(drop).unwrap_err().to_string();
        assert!(error.contains("`deriv_root` is"), "{place}: {error}");
    }
    assert_eq!(fs_err::read_to_string(&description).unwrap(), before);
}

#[test]
fn what_exists_is_named_where_nothing_is_found() {
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path(), 1);
    let says = |more: &str| {
        let error = study(dir.path(), &format!("{TOML}\n{more}\n")).plan(&RunOptions::default()).unwrap_err();
        format!("{error}; {}", error.hint().unwrap_or_default())
    };
    let said = says("task = \"C\"");
    assert!(said.contains("of task `C`") && said.contains("there are the tasks \"audiovisual\""), "{said}");
    let said = says("runs = [\"1\"]");
    assert!(said.contains("there are the runs \"01\""), "{said}");
    let said = says("data_type = \"eeg\"");
    assert!(said.contains("data_type = \"meg\" takes them"), "{said}");
    let said = says("acq = \"x\"");
    assert!(said.contains("there is `sub-01/meg/"), "{said}");
    // A second recording that is not taken is mentioned.
    let path = plain(dir.path(), 2);
    fs_err::rename(&path, path.with_file_name("sub-01_task-audiovisual_acq-low_run-02_meg.fif")).unwrap();
    fs_err::write(dir.path().join("sub-01/meg/sub-01_task-noise_meg.fif"), "").unwrap();
    let plan = study(dir.path(), TOML).plan(&RunOptions::default()).unwrap();
    let said = plan.remarks.join("\n");
    assert!(said.contains("acq-low_run-02_meg.fif` is not taken: it has `acq-low`"), "{said}");
    assert_eq!(plan.units[0].unit.runs.len(), 1);
}

#[test]
fn a_study_file_in_another_encoding_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("study.toml");
    fs_err::write(&path, b"bids_root = \".\"\ntask = \"\x93\xfa\x96\x7b\"\n").unwrap();
    let error = Study::load(&path).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("is not UTF-8: byte 0x93") && source.contains("line 2"), "{source}");
    assert!(error.hint().unwrap().contains("UTF-8"));
}

#[test]
fn drafts_name_conditions_that_everybody_has() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain(dir.path(), 1);
    fs_err::write(
        sidecar(&path, "_events.tsv"),
        "onset\tduration\ttrial_type\n1\t0\tauditory\n2\t0\tBAD_move\n3\t0\tvisual\n4\t0\tbutton\n5\t0\tEDGE boundary\n",
    )
    .unwrap();
    let other = dir.path().join("sub-02/meg");
    fs_err::create_dir_all(&other).unwrap();
    fs_err::copy(&path, other.join("sub-02_task-audiovisual_run-01_meg.fif")).unwrap();
    fs_err::write(
        other.join("sub-02_task-audiovisual_run-01_events.tsv"),
        "onset\tduration\ttrial_type\n1\t0\tauditory\n3\t0\tvisual\n",
    )
    .unwrap();
    let draft = init(dir.path(), &dir.path().join("study.toml")).unwrap();
    assert_eq!((draft.conditions, draft.rare), (vec!["auditory".into(), "visual".into()], vec!["button".to_owned()]));
}

#[test]
fn drafts_know_layouts_without_bids_and_say_what_else_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain(&dir.path().join("bids"), 1);
    for (name, files) in [
        ("s01_tanaka/260101/rest_raw.fif", "megin/{subject}/{session}/{run}_raw.fif"),
        ("tanaka.fif", "megin/{subject}.fif"),
    ] {
        let folder = dir.path().join("megin");
        let target = folder.join(name);
        fs_err::create_dir_all(target.parent().unwrap()).unwrap();
        fs_err::copy(&path, &target).unwrap();
        let draft = init(&folder, &dir.path().join("study.toml")).unwrap();
        assert!(draft.text.contains(&format!("files = \"{files}\"")), "{files}");
        fs_err::remove_dir_all(&folder).unwrap();
    }
    let foreign = dir.path().join("foreign/sub-01/eeg");
    fs_err::create_dir_all(&foreign).unwrap();
    fs_err::write(foreign.join("sub-01_task-x_eeg.cnt"), "").unwrap();
    let error = init(&dir.path().join("foreign"), &dir.path().join("study.toml")).unwrap_err();
    assert!(error.hint().unwrap().contains("Neuroscan can't be read yet"), "{:?}", error.hint());
}

#[test]
fn the_rooms_bad_channels_are_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let path = plain(dir.path(), 1);
    let room = path.with_file_name("sub-01_task-noise_meg.fif");
    fs_err::copy(&path, &room).unwrap();
    fs_err::write(sidecar(&room, "_channels.tsv"), "name\tstatus\nMEG 0111\tbad\n").unwrap();
    let outcome = run(dir.path(), TOML);
    warnings(&outcome);
    assert!(averages(dir.path()).1.is_empty());
    assert!(dir.path().join("derivatives/bakusoku/sub-01/meg").is_dir());
    // A room that the sidecar names and that is not there: told, and needed only for the covariance.
    fs_err::remove_file(&room).unwrap();
    let json = sidecar(&path, "_meg.json");
    fs_err::write(&json, r#"{"AssociatedEmptyRoom": ["sub-emptyroom/ses-20260101/meg/x_meg.fif"]}"#).unwrap();
    let said = warnings(&run(dir.path(), TOML));
    assert!(said.contains("the empty room is left out") && said.contains("ses-20260101/meg/x_meg.fif"), "{said}");
    let needed = TOML.replace("noise_cov = \"none\"", "noise_cov = \"emptyroom\"\nnoise_cov_method = \"empirical\"");
    let said = failure(&run(dir.path(), &needed));
    assert!(said.contains("names the empty room") && said.contains("does not exist"), "{said}");
    fs_err::write(&json, "{\"x\": 1,}").unwrap();
    warnings(&run(dir.path(), TOML));
}

/// Changes one bit in the middle of a file, and leaves its size and time as they are.
fn flip_a_bit(path: &Path) {
    let time = fs_err::metadata(path).unwrap().modified().unwrap();
    let mut bytes = fs_err::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(path, bytes).unwrap();
    fs_err::File::options().write(true).open(path).unwrap().into_parts().0.set_modified(time).unwrap();
}

#[test]
fn contents_decide_where_files_are_hashed_and_times_elsewhere() {
    for (key, changed_by_contents) in [("", false), ("memory_file_method = \"hash\"\n", true)] {
        let dir = tempfile::tempdir().unwrap();
        let path = plain(dir.path(), 1);
        let text = format!("{TOML}{key}");
        assert!(!run(dir.path(), &text).written.is_empty());
        assert!(run(dir.path(), &text).is_up_to_date(), "{key}");
        flip_a_bit(&path);
        assert_eq!(!run(dir.path(), &text).is_up_to_date(), changed_by_contents, "{key}");
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        fs_err::File::options().write(true).open(&path).unwrap().into_parts().0.set_modified(later).unwrap();
        assert_eq!(run(dir.path(), &text).is_up_to_date(), changed_by_contents, "{key}");
    }
}

#[test]
fn codes_above_32767_are_told_and_taken_with_uint_cast() {
    let dir = tempfile::tempdir().unwrap();
    let params = SimulationParams { duration: 12.0, sfreq: 250.0, eeg: false, ..SimulationParams::default() };
    let (stream, mut data) = Raw::load(&Simulation::new(params).unwrap()).unwrap().into_parts();
    let stim = stream.info.chs.iter().position(|ch| ch.name == "STI101").unwrap();
    data.row_mut(stim).fill(0.0);
    for (k, at) in (500..2500).step_by(250).enumerate() {
        // 32771 = 0x8003 as a number with a sign.
        let code = if k % 2 == 0 { f64::from(0x8003_u16 as i16) } else { 3.0 };
        data.row_mut(stim).slice_mut(ndarray::s![at..at + 10]).fill(code);
    }
    let mut entities = Entities::unit("01", None);
    entities.task = Some(TASK.into());
    let path = layout::recording_path(dir.path(), &entities, DataType::Meg);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    RawWriter::copy(&path, &Raw::new(stream, data).unwrap(), RawOptions::default()).unwrap();
    let of = |conditions: &str, more: &str| {
        let text = TOML.replace("[\"auditory\", \"visual\"]", conditions);
        let outcome = run(dir.path(), &format!("{text}events = \"stim\"\n{more}"));
        (warnings(&outcome), averages(dir.path()).0)
    };
    // As MNE's `find_events`: |0x8003 as i16| = 32765.
    let (said, counts) = of("{ low = 3, odd = 32765 }", "");
    assert!(said.contains("`STI101` has negative values") && said.contains("uint_cast = true"), "{said}");
    assert_eq!(counts, [("low".to_owned(), 4), ("odd".to_owned(), 4)]);
    let (said, counts) = of("{ low = 3, high = 32771 }", "uint_cast = true\n");
    assert!(!said.contains("negative"), "{said}");
    assert_eq!(counts, [("low".to_owned(), 4), ("high".to_owned(), 4)]);
    let (said, counts) = of("{ go = 3 }", "uint_cast = true\nevent_mask = 255\n");
    assert!(!said.contains("negative"), "{said}");
    assert_eq!(counts, [("go".to_owned(), 8)]);
}
