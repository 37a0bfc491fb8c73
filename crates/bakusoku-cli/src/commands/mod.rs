//! The commands, one file each.

mod bids;
mod completions;
mod convert;
mod demo;
mod group;
mod info;
mod init;
mod maxfilter;
mod on_slurm;
mod plan;
mod run;
mod simulate;
mod status;

use crate::args::{Args, BudgetArgs, Command, StudyArgs};
use crate::diagnostics::Usage;
use crate::printer::Printer;
use bakusoku_pool::{Budget, Cancel};
use bakusoku_study::RunOptions;
use std::path::Path;

/// Runs the command; returns the exit status.
pub(crate) fn run(args: &Args, launcher: &[String], printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    match &args.command {
        Command::Demo(args) => demo::run(args, printer, cancel),
        Command::Init(args) => init::run(args, printer),
        Command::Run(args) if args.on.is_some() => on_slurm::run(args, launcher, printer, cancel),
        Command::Run(args) => run::run(args, printer, cancel),
        Command::Group(args) => group::run(args, printer, cancel),
        Command::Plan(args) => plan::run(args, printer, cancel),
        Command::Cancel(args) => on_slurm::cancel(args, printer),
        Command::FollowUp(args) => on_slurm::follow_up(args, launcher, printer, cancel),
        Command::Status(args) => status::run(args, printer, cancel),
        Command::Info(args) => info::run(args, printer),
        Command::Simulate(args) => simulate::run(args, printer, cancel),
        Command::Convert(args) => convert::run(args, printer),
        Command::Maxfilter(args) => maxfilter::run(args, printer, cancel),
        Command::Bids(args) => bids::run(args, printer, cancel),
        Command::Completions(args) => completions::run(args, printer),
    }
}

/// The resources that this process may use, within the limits given.
fn budget(args: &BudgetArgs) -> anyhow::Result<Budget> {
    let mut budget = Budget::detect()?;
    if let Some(n_jobs) = args.n_jobs {
        budget = n_jobs.of(budget);
    }
    if let Some(memory) = args.memory {
        budget = budget.with_memory(memory);
    }
    Ok(budget)
}

/// Options of `run` and `plan`.
fn options(args: &StudyArgs, cancel: &Cancel) -> RunOptions {
    RunOptions {
        only: args.subject.clone(),
        n_jobs: args.budget.cores(),
        memory: args.budget.memory,
        cancel: cancel.clone(),
        ..RunOptions::default()
    }
}

/// Only FIFF is written; under another name other programs would not know what to make of it.
fn is_fif_name(path: &Path) -> anyhow::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    if name.ends_with(".fif") || name.ends_with(".fif.gz") {
        return Ok(());
    }
    let message = format!("`{}` does not end in .fif or .fif.gz, and only FIFF is written", path.display());
    Err(Usage { message, hint: "name the output like x_raw.fif".into() }.into())
}

/// `1 recording`, `2 recordings`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Seconds as people say them.
fn seconds(s: f64) -> String {
    if s < 59.95 {
        return format!("{s:.1} s");
    }
    let whole = s.round();
    format!("{} min {:02} s", (whole / 60.0).floor(), whole % 60.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_no_sixtieth_second() {
        assert_eq!([0.04, 59.94, 59.96, 119.7].map(super::seconds), ["0.0 s", "59.9 s", "1 min 00 s", "2 min 00 s"]);
    }
}
