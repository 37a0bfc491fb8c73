//! Epochs of an array.

use super::cut::Source;
use super::keep::assemble;
use super::plan::{EpochsPlan, Job};
use super::sink::{all_dropped, cut_all};
use bakusoku_core::containers::Epochs;
use bakusoku_core::{Error, Par, Result};
use ndarray::ArrayView2;

/// Cuts the epochs of a recording that is in memory, `(n_channels, n_times)` in SI units: the same numbers as from the
/// stream, written where they stay.
///
/// # Errors
/// When the array has another shape than the stream of the plan.
pub fn epochs_from_array(data: ArrayView2<'_, f64>, plan: &EpochsPlan, par: &Par) -> Result<Epochs> {
    let n_channels = plan.picks.iter().max().map_or(0, |last| last + 1);
    if data.nrows() < n_channels || data.ncols() as u64 != plan.n_times_stream {
        return Err(Error::Shape {
            what: "data",
            expected: vec![n_channels, plan.n_times_stream as usize],
            got: data.shape().to_vec(),
        });
    }
    let mut drop_log = plan.selection.drop_log.clone();
    let mut jobs: Vec<Job> = Vec::with_capacity(plan.jobs.len());
    for job in &plan.jobs {
        match &job.dropped {
            Some(reason) => drop_log[job.selection].push(reason.clone()),
            None => jobs.push(job.clone()),
        }
    }
    let size = plan.size();
    // Fresh zeros cost nothing until they are written.
    let mut out = bakusoku_pool::memory::zeros(jobs.len() * size);
    let none = ArrayView2::from_shape((plan.picks.len(), 0), &[]).expect("an empty array has any shape with a zero");
    let source = Source { tail: none, tail_start: 0, block: data, block_start: 0 };
    let reasons = cut_all(plan, &jobs, source, &mut out, par)?;
    let mut kept = Vec::with_capacity(jobs.len());
    for (index, (job, reasons)) in jobs.iter().zip(reasons).enumerate() {
        if !reasons.is_empty() {
            drop_log[job.selection].extend(reasons);
            continue;
        }
        if kept.len() < index {
            out.copy_within(index * size..(index + 1) * size, kept.len() * size);
        }
        kept.push((job.event, job.selection));
    }
    if kept.is_empty() && !plan.jobs.is_empty() {
        tracing::warn!("{}", all_dropped(&drop_log));
    }
    Ok(assemble(&plan.header(), kept, out, drop_log))
}
