//! The barrier inside a subject: bad channels of all runs are found and united before anything is filtered.

use crate::execute::{Work, at, timing, write};
use crate::prepare::Prepared;
use crate::report::data::SubjectReport;
use crate::steps::find_bads::{self, Found, STEP};
use crate::{Result, input};
use std::time::Instant;

/// Finds bad channels where that is due, reads them where it was done, and marks them in all runs.
///
/// # Errors
/// When a recording can't be read or does not allow it, or parameters do not fit without these channels.
pub(crate) fn find(work: &Work<'_>, prepared: &mut Prepared, report: &mut SubjectReport) -> Result<Vec<Found>> {
    let n = prepared.runs.len() as f64;
    let mut found = Vec::with_capacity(prepared.runs.len());
    for (index, run) in prepared.runs.iter().enumerate() {
        let (Some((scores, table)), Some(site)) = (&run.found, &prepared.site) else { continue };
        let start = Instant::now();
        let label = Some(run.label.as_str());
        let known = if scores.is_due() || table.is_due() { None } else { read(&scores.path) };
        found.push(match known {
            Some(found) => found,
            None => {
                let cx = work.cx((0.3 * index as f64 / n, 0.3 / n));
                let found = at(&STEP, label, find_bads::find(work.config, site, &run.input, &cx))?;
                let text = serde_json::to_string(&found).map_err(std::io::Error::from)?;
                at(&STEP, label, write(scores, |path| Ok(fs_err::write(path, &text)?)))?;
                at(&STEP, label, write(table, |path| Ok(fs_err::write(path, found.table(&run.input.bads))?)))?;
                found
            }
        });
        timing(report, &STEP, label, start);
    }
    for (run, own) in prepared.runs.iter_mut().zip(&found) {
        run.input.add_bads(own.reasons());
    }
    let mut inputs: Vec<&mut input::Input> = prepared.runs.iter_mut().map(|run| &mut run.input).collect();
    input::unite(&mut inputs);
    prepared.plan_anew(work.config)?;
    Ok(found)
}

fn read(path: &std::path::Path) -> Option<Found> {
    serde_json::from_str(&fs_err::read_to_string(path).ok()?).ok()
}
