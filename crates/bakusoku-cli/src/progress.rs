//! Live progress: a bar per subject on a terminal, plain lines elsewhere, nothing where programs read.

use crate::printer::{Printer, screen};
use bakusoku_pool::{Event, EventKind};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

/// Shows what happens to tasks.
pub(crate) enum Progress {
    /// Nothing is shown.
    Quiet,
    /// A line when a task starts and when it ends.
    Lines(Printer),
    /// A bar for all tasks, and one for each that runs.
    Bars {
        /// The screen.
        all: &'static MultiProgress,
        /// The bar for all tasks, in thousandths of a task.
        total: ProgressBar,
        /// Bars of running tasks, by label.
        running: Mutex<HashMap<String, ProgressBar>>,
    },
}

impl Progress {
    /// For `n` tasks, and those that are queued later.
    pub(crate) fn new(printer: &Printer, n: usize) -> Self {
        if printer.json() {
            return Self::Quiet;
        }
        if !printer.is_live() {
            return Self::Lines(Printer::new(false));
        }
        let all = screen();
        let total = all.add(ProgressBar::new(n as u64 * 1000));
        total.set_style(style("{prefix:<14} {bar:30} {percent:>3} %  {elapsed} elapsed{remaining}"));
        if n > 0 {
            total.set_prefix(format!("{n} in all"));
        }
        total.enable_steady_tick(Duration::from_millis(250));
        Self::Bars { all, total, running: Mutex::default() }
    }

    /// Something happened to a task.
    pub(crate) fn event(&self, event: &Event<'_>) {
        match self {
            Self::Quiet => {}
            Self::Lines(printer) => line(printer, event),
            Self::Bars { all, total, running } => {
                let Ok(mut running) = running.lock() else { return };
                match event.kind {
                    EventKind::Queued { .. } => {
                        total.inc_length(1000);
                        total.set_prefix(format!("{} in all", total.length().unwrap_or(0) / 1000));
                    }
                    EventKind::Started { .. } => {
                        let bar = all.insert_before(total, ProgressBar::new(1000));
                        bar.set_style(style("{prefix:<14} {bar:30} {percent:>3} %  {wide_msg}"));
                        bar.set_prefix(event.label.to_owned());
                        running.insert(event.label.to_owned(), bar);
                    }
                    EventKind::Progress { fraction, what } => {
                        let Some(bar) = running.get(event.label) else { return };
                        let now = (fraction.clamp(0.0, 1.0) * 1000.0) as u64;
                        total.inc(now.saturating_sub(bar.position()));
                        bar.set_position(now.max(bar.position()));
                        bar.set_message(what.to_owned());
                    }
                    EventKind::Finished { .. } | EventKind::Failed { .. } | EventKind::Cancelled => {
                        let bar = running.remove(event.label);
                        total.inc(1000 - bar.as_ref().map_or(0, |bar| bar.position().min(1000)));
                        if let Some(bar) = bar {
                            bar.finish_and_clear();
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Clears the screen for what is printed next.
    pub(crate) fn finish(&self) {
        if let Self::Bars { all, total, .. } = self {
            total.finish_and_clear();
            // Only the look of the screen is at stake.
            let _ = all.clear();
        }
    }
}

fn line(printer: &Printer, event: &Event<'_>) {
    let label = event.label;
    match event.kind {
        EventKind::Started { alone: true } => {
            printer.info(format!("{label}: started, alone: it needs more than the budget"));
        }
        EventKind::Started { .. } => printer.info(format!("{label}: started")),
        EventKind::Finished { wall, .. } => printer.info(format!("{label}: ended after {:.1} s", wall.as_secs_f64())),
        EventKind::Failed { error, .. } => printer.info(format!("{label}: failed: {error}")),
        EventKind::Cancelled => printer.info(format!("{label}: not finished")),
        _ => {}
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("remaining", remaining)
        .progress_chars("━╸─")
}

/// The time that is left, once enough is done to tell.
fn remaining(state: &ProgressState, out: &mut dyn Write) {
    if state.fraction() >= 0.01 && state.fraction() < 1.0 {
        // Only the look of the screen is at stake.
        let _ = write!(out, ", {} left", HumanDuration(state.eta()));
    }
}
