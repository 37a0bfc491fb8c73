//! `bakusoku status STUDY.toml`: what is there and what is not.

use super::count;
use super::plan::{document, say_units};
use crate::args::StudyArgs;
use crate::printer::Printer;
use bakusoku_study::Study;
use serde_json::json;

pub(crate) fn run(args: &StudyArgs, printer: &Printer) -> anyhow::Result<u8> {
    let study = Study::load(&args.study)?;
    let status = study.status()?;
    let mut all = document(&status.plan);
    all["left_behind"] = status.stale.iter().map(|stale| json!({"path": stale.path, "why": stale.why})).collect();
    printer.json_document(&all);
    say_units(&status.plan, printer, false);
    let due = status.plan.units.iter().filter(|unit| unit.is_due()).count();
    printer.line(format!("{} of {} units are up to date", status.plan.units.len() - due, status.plan.units.len()));
    if !status.stale.is_empty() {
        printer.line(format!(
            "left behind by older configurations, or by runs that were killed: {}",
            count(status.stale.len(), "file")
        ));
        for stale in &status.stale {
            printer.line(format!("  {} ({})", stale.path.display(), stale.why));
        }
        printer.line(format!("`bakusoku run {} --prune` removes them", args.study.display()));
    }
    Ok(0)
}
