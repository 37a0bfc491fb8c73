//! What people type and what they see: every file in `tests/transcripts/` is played in a fresh folder and must come out
//! as it stands there.
//!
//! ```text
//! $ bakusoku info absent.fif          a line for the shell
//! what it prints
//! ! what it prints on standard error
//! [exit 1]                            unless it is 0
//! ```
//!
//! Lines that begin with `#` are remarks; an empty line of output stands as `·`. Times and memory, measured or expected, stand as `#`. After a change that is meant:
//! `BAKUSOKU_BLESS=1 cargo test --release --package bakusoku-cli`, then look at what git says.

// A test: it fails by panicking, and runs the program.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::fmt::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Anybody but root, to whom nothing is unreadable.
const NOBODY: u32 = 65534;

/// A fresh folder, with the program on the path.
struct Stage {
    dir: tempfile::TempDir,
    bin: tempfile::TempDir,
    user: Option<u32>,
}

impl Stage {
    fn new() -> Self {
        let (dir, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (program, here) = (Path::new(env!("CARGO_BIN_EXE_bakusoku")), bin.path().join("bakusoku"));
        if std::fs::hard_link(program, &here).is_err() {
            std::fs::copy(program, &here).unwrap();
        }
        let is_root = std::fs::metadata(dir.path()).unwrap().uid() == 0;
        if is_root {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            std::fs::set_permissions(bin.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { dir, bin, user: is_root.then_some(NOBODY) }
    }

    /// Runs a line and returns what a transcript says about it.
    fn play(&self, line: &str) -> String {
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line).current_dir(self.dir.path()).stdin(Stdio::null());
        shell.env_clear().env("PATH", format!("{}:{path}", self.bin.path().display()));
        // A backtrace has no place in what people see.
        shell.env("BAKUSOKU_NUM_THREADS", "1").env("RUST_BACKTRACE", "1");
        if let Some(user) = self.user {
            shell.uid(user).gid(user);
        }
        let output = shell.output().unwrap();
        let mut text = String::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            writeln!(text, "{}", if line.is_empty() { "·" } else { line }).unwrap();
        }
        for line in String::from_utf8(output.stderr).unwrap().lines() {
            writeln!(text, "{}", format!("! {line}").trim_end()).unwrap();
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => writeln!(text, "[exit {code}]").unwrap(),
            None => writeln!(text, "[{}]", output.status).unwrap(),
        }
        measured(&text.replace(&self.dir.path().display().to_string(), "DIR"))
    }
}

/// `text` with `#` in the place of what was measured, and of process numbers in temporary names.
fn measured(text: &str) -> String {
    text.lines().map(|line| measured_line(line) + "\n").collect()
}

fn measured_line(line: &str) -> String {
    if let Some((before, _)) = line.split_once("\"key\": ") {
        return format!("{before}\"key\": \"#\",");
    }
    if ["\"wall_s\": ", "\"peak_memory\": ", "\"memory\": "].iter().any(|key| line.contains(key)) {
        return numbers(line, |_, _| true);
    }
    if let Some((before, after)) = line.split_once(".part`")
        && let Some((name, _)) = before.rsplit_once('.')
    {
        return format!("{name}.#.part`{after}");
    }
    if let Some((before, key)) = line.rsplit_once(", key ")
        && key.len() == 12
    {
        return format!("{}, key #", measured_line(before));
    }
    numbers(line, |before, after| {
        let time = (before.ends_with(" in ") || before.ends_with(" after ")) && after.starts_with(" s");
        time || before.ends_with(" needs ")
            || after.starts_with(" kB of memory at most")
            || after.starts_with(" MB of memory at most")
    })
}

/// `line` with `#` for every number of which `is_measured(what stands before, what follows)` holds.
fn numbers(line: &str, is_measured: impl Fn(&str, &str) -> bool) -> String {
    let (mut out, mut at) = (String::new(), 0);
    while let Some(start) = line[at..].find(|c: char| c.is_ascii_digit()).map(|start| at + start) {
        let end = line[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(line.len(), |len| start + len);
        out += &line[at..start];
        out += if is_measured(&line[..start], &line[end..]) { "#" } else { &line[start..end] };
        at = end;
    }
    out + &line[at..]
}

fn transcript(name: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name).with_extension("txt");
    let expected = std::fs::read_to_string(&file).unwrap();
    let stage = Stage::new();
    let mut got = String::new();
    for line in expected.lines().filter(|line| line.starts_with(['$', '#']) || line.is_empty()) {
        got += line;
        got.push('\n');
        if let Some(command) = line.strip_prefix("$ ") {
            got += &stage.play(command);
        }
    }
    if std::env::var_os("BAKUSOKU_BLESS").is_some() {
        std::fs::write(&file, got).unwrap();
        return;
    }
    if let Some(at) = (0..).zip(expected.lines().zip(got.lines())).find(|(_, (a, b))| a != b).map(|(at, _)| at) {
        let (expected, got) = (expected.lines().nth(at).unwrap(), got.lines().nth(at).unwrap());
        panic!("{}:{}\nexpected: {expected}\n     got: {got}\n(BAKUSOKU_BLESS=1 takes it)", file.display(), at + 1);
    }
    assert_eq!(expected.lines().count(), got.lines().count(), "{}: lines at the end differ", file.display());
}

macro_rules! transcripts {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { transcript(stringify!($name)); })*

        #[test]
        fn every_file_is_played() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
            let mut names: Vec<_> =
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().with_extension("")).collect();
            names.sort();
            let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

transcripts!(
    a_study,
    broken_recordings,
    convert,
    eeg_formats,
    files_that_are_none,
    info,
    plans,
    study_files,
    subjects_that_fail,
    usage
);
