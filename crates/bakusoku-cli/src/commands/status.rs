//! `bakusoku status STUDY.toml`: which outputs are current, outdated or orphaned.

use super::on_slurm::say_jobs;
use super::plan::{document, say_groups, say_units};
use super::{count, options};
use crate::args::StudyArgs;
use crate::printer::Printer;
use bakusoku_pool::Cancel;
use bakusoku_study::Study;
use serde_json::json;

pub(crate) fn run(args: &StudyArgs, printer: &Printer, cancel: &Cancel) -> anyhow::Result<u8> {
    let study = Study::load(&args.study)?;
    let options = options(args, cancel);
    let mut status = study.status(&options)?;
    status.plan.retain(&options.only);
    let jobs = say_jobs(&study, &status.plan.units, printer)?;
    printer.json_document(|| {
        let mut all = document(&status.plan);
        all["slurm"] = jobs.clone();
        all["left_behind"] = status.stale.iter().map(|stale| json!({"path": stale.path, "why": stale.why})).collect();
        all
    });
    say_units(&status.plan, printer, false);
    say_groups(&status.plan, printer, false);
    let units = &status.plan.units;
    let failed = units.iter().filter(|unit| unit.failure.is_some()).count();
    let current = units.iter().filter(|unit| unit.failure.is_none() && !unit.is_due()).count();
    let failures = if failed > 0 { format!(", {failed} can't run") } else { String::new() };
    printer.line(format!("{current} of {} up to date{failures}", count(units.len(), "unit")));
    if !status.stale.is_empty() {
        printer.line(format!(
            "orphaned, by older configurations or runs that were killed: {}",
            count(status.stale.len(), "file")
        ));
        for stale in &status.stale {
            printer.line(format!("  {} ({})", stale.path.display(), stale.why));
        }
        printer.line(format!("`bakusoku run {} --prune` removes them", args.study.display()));
    }
    Ok(u8::from(failed > 0))
}
