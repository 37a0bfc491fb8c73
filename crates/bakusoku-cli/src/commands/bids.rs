//! `bakusoku bids IN OUT participant|group`: a study as a BIDS App.

use super::run::execute;
use crate::args::{BidsArgs, Level};
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_pool::{Bytes, Cancel};
use bakusoku_study::{Config, RunOptions, Study};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &BidsArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    if !args.bids_dir.is_dir() {
        let message = format!("`{}` is not a directory", args.bids_dir.display());
        return Err(Usage { message, hint: "pass the BIDS dataset, then the folder for results".into() }.into());
    }
    fs_err::create_dir_all(&args.output_dir)?;
    let (bids, output) = (std::path::absolute(&args.bids_dir)?, std::path::absolute(&args.output_dir)?);
    let mut config = Config::load(&study_file(args, &bids, &output, printer)?)?;
    config.set_text("bids_root", bids.to_string_lossy());
    config.set_text("deriv_root", output.to_string_lossy());
    if let Some(task) = &args.task_id {
        config.set_text("task", task.trim_start_matches("task-"));
    }
    let study = Study::of(config);
    let options = RunOptions {
        only: named(&study, args)?,
        only_units: args.level == Level::Participant,
        only_groups: args.level == Level::Group,
        n_jobs: args.n_cpus.map(|n| n as usize),
        memory: args.mem_mb.map(|mb| Bytes(mb.saturating_mul(1_000_000))),
        tmpdir: args.work_dir.clone(),
        cancel: cancel.clone(),
        ..RunOptions::default()
    };
    if let Some(folder) = &args.work_dir {
        fs_err::create_dir_all(folder)?;
    }
    execute(&study, &options, printer)
}

/// The study file: the one given, else that of an earlier call, else a draft.
fn study_file(args: &BidsArgs, bids: &Path, output: &Path, printer: &Printer) -> anyhow::Result<PathBuf> {
    if let Some(config) = &args.config {
        return Ok(config.clone());
    }
    let own = output.join("study.toml");
    if !own.exists() {
        let draft = bakusoku_study::init(bids, &own)?;
        bakusoku_files::write_text(&own, &draft.text)?;
        printer.info(format!("wrote {}: what the recordings suggest; later calls use it as it is then", own.display()));
    }
    Ok(own)
}

/// Units of the people and sessions that are named.
fn named(study: &Study, args: &BidsArgs) -> anyhow::Result<Vec<String>> {
    let plain = |labels: &[String], prefix: &str| -> Vec<String> {
        labels
            .iter()
            .flat_map(|label| label.split(','))
            .map(|label| label.trim_start_matches(prefix).to_owned())
            .collect()
    };
    let (people, sessions) = (plain(&args.participant_label, "sub-"), plain(&args.session_label, "ses-"));
    if sessions.is_empty() {
        return Ok(people);
    }
    let units = study.units()?;
    let wanted: Vec<String> = units
        .iter()
        .filter(|unit| people.is_empty() || people.contains(&unit.subject))
        .filter(|unit| unit.session.as_ref().is_some_and(|session| sessions.contains(session)))
        .map(|unit| unit.label())
        .collect();
    if wanted.is_empty() {
        let labels: Vec<String> = units.iter().map(|unit| unit.label()).collect();
        let message = format!("no session `{}` of the people asked for", sessions.join("`, `"));
        return Err(Usage { message, hint: format!("there are: {}", labels.join(", ")) }.into());
    }
    Ok(wanted)
}
