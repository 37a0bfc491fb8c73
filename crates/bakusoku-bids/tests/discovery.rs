//! Discovery in layouts written to a temporary folder, and what is said about wrong sidecars.
#![allow(clippy::unwrap_used)]

use bakusoku_bids::{
    DataType, Dataset, Derivatives, Entities, FilePattern, Query, RecordingFile, find_empty_room, sidecar,
};
use std::path::Path;

fn touch(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

fn all() -> Query {
    Query { extensions: vec![".fif", ".fif.gz"], ..Query::default() }
}

fn recording(root: &Path, name: &str) -> RecordingFile {
    let path = root.join(name);
    let (mut entities, _, _) = Entities::parse(path.file_name().unwrap().to_str().unwrap()).unwrap();
    entities.split = None;
    RecordingFile { entities, data_type: DataType::Meg, parts: vec![path.clone()], path }
}

#[test]
fn recordings_are_found_and_split_files_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for name in [
        "sub-01/meg/sub-01_task-av_run-01_meg.fif",
        "sub-01/meg/sub-01_task-av_run-02_split-01_meg.fif",
        "sub-01/meg/sub-01_task-av_run-02_split-02_meg.fif",
        "sub-01/meg/sub-01_task-rest_meg.fif",
        "sub-01/meg/sub-01_task-av_run-01_proc-tsss_meg.fif",
        "sub-01/meg/sub-01_acq-crosstalk_meg.fif",
        "sub-02/ses-b/meg/sub-02_ses-b_task-av_meg.fif",
        "sub-emptyroom/ses-20260101/meg/sub-emptyroom_ses-20260101_task-noise_meg.fif",
    ] {
        touch(root, name, "");
    }
    let dataset = Dataset::open(root).unwrap();
    assert_eq!(dataset.subjects().unwrap(), ["01", "02"]);
    let query = Query { task: Some("av".into()), ..all() };
    let found = dataset.recordings("01", &query).unwrap().found;
    let labels: Vec<_> = found.iter().map(|found| (found.entities.run_label(), found.parts.len())).collect();
    assert_eq!(labels, [("task-av_run-01".to_owned(), 1), ("task-av_run-02".to_owned(), 2)]);
    let found = dataset.recordings("02", &query).unwrap().found;
    assert_eq!(found[0].entities.session.as_deref(), Some("b"));
    let query = Query { processing: Some("tsss".into()), ..all() };
    assert_eq!(dataset.recordings("01", &query).unwrap().found.len(), 1);
}

#[test]
fn a_file_in_another_subjects_folder_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    touch(dir.path(), "sub-01/meg/sub-02_task-av_meg.fif", "");
    let error = Dataset::open(dir.path()).unwrap().recordings("01", &all()).unwrap_err();
    assert!(error.to_string().contains("whose subject or session is another"), "{error}");
}

#[test]
fn patterns_find_files_by_fields() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["data/anna/1_raw.fif", "data/anna/2_raw.fif", "data/bo/1_raw.fif", "data/bo/notes.txt"] {
        touch(dir.path(), name, "");
    }
    let pattern = FilePattern::parse("data/{subject}/{run}_raw.fif").unwrap();
    let found = pattern.find(dir.path(), DataType::Meg).unwrap();
    let labels: Vec<_> = found.iter().map(|found| found.entities.to_string()).collect();
    assert_eq!(labels, ["sub-anna_run-1", "sub-anna_run-2", "sub-bo_run-1"]);
    let error = FilePattern::parse("data/{subject}/*_raw.fif").unwrap().find(dir.path(), DataType::Meg).unwrap_err();
    assert!(error.to_string().contains("add a field that tells them apart"), "{error}");
}

#[test]
fn sidecars_are_inherited_and_the_nearest_wins() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    touch(root, "sub-01/meg/sub-01_task-av_run-01_meg.fif", "");
    touch(root, "task-av_events.tsv", "onset\tduration\n1.0\t0\n");
    let recording = recording(root, "sub-01/meg/sub-01_task-av_run-01_meg.fif");
    let find = || sidecar::find(root, &recording, "events", ".tsv").unwrap().unwrap();
    assert!(find().ends_with("task-av_events.tsv"));
    touch(root, "sub-01/meg/sub-01_task-av_events.tsv", "onset\tduration\n");
    touch(root, "sub-01/meg/sub-01_task-rest_events.tsv", "onset\tduration\n");
    assert!(find().ends_with("sub-01_task-av_events.tsv"));
    touch(root, "sub-01/meg/sub-01_task-av_run-01_events.tsv", "onset\tduration\ttrial_type\tvalue\n0.5\tn/a\tgo\t3\n");
    let events = sidecar::read_events(&find()).unwrap().rows;
    assert_eq!(
        (events[0].onset, events[0].value, events[0].trial_type.as_deref(), events[0].line),
        (0.5, Some(3), Some("go"), 2)
    );
}

#[test]
fn wrong_tables_are_named_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let says = |text: &str, read: &dyn Fn(&Path) -> bakusoku_bids::Error| {
        touch(dir.path(), "x.tsv", text);
        read(&dir.path().join("x.tsv")).to_string()
    };
    let channels = |path: &Path| sidecar::read_channels(path).unwrap_err();
    let events = |path: &Path| sidecar::read_events(path).unwrap_err();
    assert!(
        says("name\tstatus\nA\tgood\nB\tbroken\n", &channels)
            .ends_with("line 3: `status` must be good or bad, got `broken`")
    );
    assert!(says("name\tstatus\nA\n", &channels).ends_with("line 2: has 1 columns, expected 2 as in the first line"));
    assert!(says("nam\n", &channels).ends_with("line 1: has no column `name`, only nam"));
    assert!(
        says("onset\tduration\nsoon\t1\n", &events).ends_with("line 2: `onset` must be a number or n/a, got `soon`")
    );
}

#[test]
fn results_are_named_as_mne_bids_pipeline_names_them() {
    let results = Derivatives::new("out");
    let (mut entities, _, _) = Entities::parse("sub-01_ses-b_task-av_run-02_meg.fif").unwrap();
    entities.processing = Some("filt".into());
    assert_eq!(
        results.path(&entities, DataType::Meg, "raw", ".fif"),
        Path::new("out/sub-01/ses-b/meg/sub-01_ses-b_task-av_run-02_proc-filt_raw.fif")
    );
}

#[test]
fn recordings_that_are_not_taken_are_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let folder = "sub-01/meg/sub-01_task-A_";
    for end in [
        "run-01_meg.fif",
        "Run-02_meg.fif",
        "acq-lowgain_run-03_meg.fif",
        "recording-a_run-04_meg.fif",
        "run-05_proc-sss_meg.fif",
        "run-06_meg.fif.gz",
        "run-01_meg.fif.gz",
        "run-01_meg-1.fif",
        "run-07_meg.ds",
        "run-01_meg.json",
        "run-01_channels.tsv",
    ] {
        touch(dir.path(), &format!("{folder}{end}"), "");
    }
    let dataset = Dataset::open(dir.path()).unwrap();
    let listed = dataset.recordings("01", &all()).unwrap();
    let found: Vec<_> = listed.found.iter().map(|found| found.entities.run.clone().unwrap()).collect();
    assert_eq!(found, ["01", "06"]);
    let reason = |end: &str| {
        let mut left = listed.left_out.iter().filter(|left| left.path.to_string_lossy().ends_with(end));
        left.next().unwrap_or_else(|| panic!("{end}: {:?}", listed.left_out)).reason.clone()
    };
    assert!(reason("A_Run-02_meg.fif").contains("`Run` is not an entity"));
    assert!(reason("run-03_meg.fif").contains("acq = \"lowgain\" takes it"));
    assert!(reason("run-04_meg.fif").contains("`recording` is not an entity"));
    assert!(reason("proc-sss_meg.fif").contains("proc = \"sss\" takes it"));
    assert!(reason("run-01_meg.fif.gz").contains("`sub-01_task-A_run-01_meg.fif` has the same name"));
    assert!(reason("meg-1.fif").contains("must end with a suffix"));
    assert!(reason(".ds").contains("only .fif, .fif.gz can be read"));
    assert_eq!(listed.left_out.len(), 7, "{:?}", listed.left_out);
    // A list of runs takes no recording that has none.
    touch(dir.path(), "sub-01/meg/sub-01_task-B_meg.fif", "");
    let query = Query { task: Some("B".into()), runs: Some(vec!["1".into()]), ..all() };
    let listed = dataset.recordings("01", &query).unwrap();
    assert!(listed.found.is_empty());
    assert!(listed.left_out.iter().any(|left| !left.by_query && left.reason == "its run is not in its name"));
}

#[test]
fn a_missing_first_part_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    touch(dir.path(), "sub-01/meg/sub-01_task-av_split-02_meg.fif", "");
    touch(dir.path(), "sub-01/meg/sub-01_task-av_split-03_meg.fif", "");
    let error = Dataset::open(dir.path()).unwrap().recordings("01", &all()).unwrap_err().to_string();
    assert!(error.contains("sub-01_task-av_split-02_meg.fif` is a later part"), "{error}");
    assert!(error.contains("sub-01_task-av_split-01_meg.fif` is missing"), "{error}");
}

#[test]
fn sidecars_of_split_files_have_several_names() {
    for name in ["split-01_channels.tsv", "meg_channels.tsv", "split-01_meg_channels.tsv", "channels.tsv"] {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        touch(root, &format!("sub-01/meg/sub-01_task-av_{name}"), "");
        touch(root, "sub-01/meg/sub-01_task-av_split-02_channels.tsv", "");
        let recording = recording(root, "sub-01/meg/sub-01_task-av_split-01_meg.fif");
        let found = sidecar::find(root, &recording, "channels", ".tsv").unwrap().unwrap();
        assert!(found.ends_with(format!("sub-01_task-av_{name}")), "{name}: {}", found.display());
    }
}

#[test]
fn tables_are_read_in_the_encodings_that_exist() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("channels.tsv");
    let text = "name\ttype\tunits\tstatus\nMEG 0111\tMEGMAG\tT\tbad\nEEG 001\tEEG\t\u{b5}V\tgood\n";
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = text.chars().map(|c| c as u32 as u8).collect();
    for bytes in [text.into(), utf16, latin.clone(), text.replace('\n', "\r").into(), text.replace('\n', "\r\n").into()]
    {
        fs_err::write(&path, &bytes).unwrap();
        let table = sidecar::read_channels(&path).unwrap();
        assert_eq!((table.is_bad("MEG 0111"), table.is_bad("EEG 001")), (Some(true), Some(false)));
        assert_eq!(table.rows[1].units.as_deref(), Some("\u{b5}V"));
        assert_eq!(table.remark.is_some(), bytes == latin);
    }
    fs_err::write(&path, "name\ttype\nMEG 0111\tMEGMAG\n").unwrap();
    assert_eq!(sidecar::read_channels(&path).unwrap().is_bad("MEG 0111"), None);
    fs_err::write(&path, "name\tstatus\nA\0\tgood\n").unwrap();
    let error = sidecar::read_channels(&path).unwrap_err().to_string();
    assert!(error.contains("line 2: holds NUL bytes"), "{error}");
}

#[test]
fn rows_without_a_time_are_left_out_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    touch(
        dir.path(),
        "events.tsv",
        "onset\tduration\ttrial_type\n1,5\t0,5\tgo\nn/a\t1\tgo\nnan\t1\tgo\n\tn/a\tgo\n-1.5\tnan\tgo\n75\t\tgo\n60\t0\tgo\n",
    );
    let table = sidecar::read_events(&dir.path().join("events.tsv")).unwrap();
    let onsets: Vec<f64> = table.rows.iter().map(|row| row.onset).collect();
    assert_eq!((onsets, table.rows[0].duration), (vec![1.5, -1.5, 75.0, 60.0], 0.5));
    assert_eq!(
        table.left_out(60.0).as_deref(),
        Some(
            "3 rows without a time (line 3: onset `n/a`) and 2 rows outside the recording (line 6: -1.5 s, while the recording has 60 s) left out"
        )
    );
}

#[test]
fn events_are_named_as_mne_bids_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let names = |text: &str| {
        touch(dir.path(), "events.tsv", text);
        let table = sidecar::read_events(&dir.path().join("events.tsv")).unwrap();
        let names: Vec<_> = table.rows.into_iter().map(|row| row.trial_type.unwrap_or_else(|| "-".into())).collect();
        (table.named_by, names.join(" "))
    };
    assert_eq!(names("onset\tduration\tvalue\n1\t0\t1\n2\t0\t2\n"), (Some("value"), "1 2".into()));
    assert_eq!(
        names("onset\tduration\ttrial_type\tvalue\n1\t0\tn/a\t1\n2\t0\tn/a\tgo\n"),
        (Some("value"), "1 go".into())
    );
    assert_eq!(names("onset\tduration\tstim_type\n1\t0\tgo\n2\t0\tn/a\n"), (Some("stim_type"), "go -".into()));
    assert_eq!(
        names(
            "onset\tduration\ttrial_type\tvalue\n1\t0\tgo\t1\n2\t0\tgo\t2\n3\t0\tgo\tn/a\n4\t0\tstop\t3\n5\t0\tn/a\t9\n"
        ),
        (Some("trial_type"), "go/1 go/2 go/na stop -".into())
    );
    assert_eq!(names("onset\tduration\n1\t0\n"), (None, "-".into()));
}

/// 2025-11-26 14:00 UTC.
const DATE: i64 = 1_764_165_600;

#[test]
fn the_empty_room_is_sought_where_mne_bids_seeks_it() {
    let run = "sub-01/meg/sub-01_task-av_meg.fif";
    let dated = "sub-emptyroom/ses-20251126/meg/sub-emptyroom_ses-20251126_task-noise_meg.fif";
    let older = "sub-emptyroom/ses-20251017/meg/sub-emptyroom_ses-20251017_task-noise_meg.fif";
    let pre = "sub-emptyroom/ses-pre/meg/sub-emptyroom_ses-pre_task-noise_meg.fif";
    let bare = "sub-emptyroom/meg/sub-emptyroom_task-noise_meg.fif";
    let own = "sub-01/meg/sub-01_task-noise_meg.fif";
    let find = |files: &[&str], json: &str, date: Option<i64>| {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), run, "");
        files.iter().for_each(|file| touch(dir.path(), file, ""));
        if !json.is_empty() {
            touch(dir.path(), "sub-01/meg/sub-01_task-av_meg.json", json);
        }
        let dataset = Dataset::open(dir.path()).unwrap();
        // The rooms whose names have no date were recorded two hours before.
        let meas_date = |path: &Path| (!path.to_string_lossy().contains("ses-2025")).then_some(DATE - 7200);
        let room = find_empty_room(&dataset, &recording(dir.path(), run), date, &[".fif"], &meas_date);
        room.map(|room| {
            let path =
                room.found.map(|found| found.path.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned());
            (path.unwrap_or_default(), room.remarks.join("; "))
        })
    };
    let found = |files: &[&str], json: &str| find(files, json, Some(DATE)).unwrap().0;
    assert_eq!(found(&[dated, own], ""), own);
    assert_eq!(found(&[dated, older], ""), dated);
    assert_eq!(found(&[older, pre], ""), pre);
    assert_eq!(found(&[dated, pre], ""), pre);
    assert_eq!(found(&[bare], ""), bare);
    for named in [
        format!("\"{older}\""),
        format!("[\"{older}\"]"),
        format!("\"bids::{older}\""),
        format!("\"/{older}\""),
        "\"sub-emptyroom_ses-20251017_task-noise_meg.fif\"".into(),
    ] {
        assert_eq!(found(&[dated, older, own], &format!("{{\"AssociatedEmptyRoom\": {named}}}")), older, "{named}");
    }
    let error =
        find(&[dated], &format!("{{\"AssociatedEmptyRoom\": [\"{older}\"]}}"), Some(DATE)).unwrap_err().to_string();
    assert!(
        error.contains("sub-01_task-av_meg.json`") && error.contains(older) && error.contains("does not exist"),
        "{error}"
    );
    // Broken JSON is a remark; nothing else of it is needed.
    let (path, remarks) = find(&[dated], "{\"x\": 1,}", Some(DATE)).unwrap();
    assert_eq!(path, dated);
    assert!(remarks.contains("line 1, column 9"), "{remarks}");
    let (path, remarks) = find(&[dated], "{\"x\": NaN}", None).unwrap();
    assert_eq!(path, "");
    assert!(remarks.contains("has no measurement date"), "{remarks}");
}

#[test]
fn links_to_files_that_were_not_fetched_are_found_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let link = |name: &str| {
        let path = dir.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::os::unix::fs::symlink("../.git/annex/objects/x", path).unwrap();
    };
    link("data/a_raw.fif");
    link("data/events.tsv");
    let found = FilePattern::parse("data/{subject}_raw.fif").unwrap().find(dir.path(), DataType::Meg).unwrap();
    assert_eq!(found.len(), 1);
    let error = sidecar::read_events(&dir.path().join("data/events.tsv")).unwrap_err();
    assert!(error.to_string().contains("was not fetched"), "{error}");
    assert!(error.hint().unwrap().contains("datalad get"));
}
