//! What is asked of Slurm for each unit.

use crate::Settings;
use bakusoku_core::Bytes;
use bakusoku_study::{Noted, Study, UnitPlan};

/// The program itself, beside what a unit needs.
const BASE: u64 = 300 << 20;
/// Minutes of a unit of which nothing is known: and as long as its recordings, twice.
const UNKNOWN: f64 = 30.0;
/// How much more time is asked for than units that are done took.
const CARE: f64 = 3.0;
/// The least time: nodes may be slow to start.
const LEAST: f64 = 10.0;

/// Units that are asked for alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) units: Vec<String>,
    pub(crate) memory: Bytes,
    pub(crate) minutes: u64,
}

/// What units that are done took: seconds for each second of recording, the slowest of them.
pub(crate) fn rate<'u>(study: &Study, units: impl Iterator<Item = &'u UnitPlan>) -> Option<f64> {
    let rates = units.filter_map(|unit| match study.noted(&unit.unit) {
        Noted::Done { wall_s, .. } if unit.duration_s > 0.0 => Some(wall_s / unit.duration_s),
        _ => None,
    });
    rates.reduce(f64::max)
}

/// Requests for these units, those of like memory together; `attempt` counts from 0, and each asks for twice as much.
pub(crate) fn requests(units: &[&UnitPlan], rate: Option<f64>, settings: &Settings, attempt: u32) -> Vec<Request> {
    let times = 2_u64.saturating_pow(attempt);
    let mut out: Vec<Request> = Vec::new();
    for unit in units {
        // A quarter more than is planned: what the system keeps beside it is not ours to count.
        let planned = settings.memory.map_or(unit.need.memory.0 / 4 * 5 + BASE, |memory| memory.0);
        let memory = class(planned.saturating_mul(times));
        let estimate = match rate {
            Some(rate) => (CARE * rate * unit.duration_s / 60.0).max(LEAST),
            None => UNKNOWN + 2.0 * unit.duration_s / 60.0,
        };
        let minutes = settings.minutes.unwrap_or(estimate.ceil() as u64).saturating_mul(times);
        // One array where few may run at once: two would run twice as many.
        let fits = |request: &&mut Request| request.memory == memory || settings.max_jobs.is_some();
        match out.iter_mut().find(fits) {
            Some(request) => {
                request.units.push(unit.unit.label());
                request.memory = request.memory.max(memory);
                request.minutes = request.minutes.max(minutes);
            }
            None => out.push(Request { units: vec![unit.unit.label()], memory, minutes }),
        }
    }
    out
}

/// The next of 512 MB, 768 MB, 1 GB, 1.5 GB, 2 GB, …: units of like need share an array.
fn class(bytes: u64) -> Bytes {
    let mut size = 512_u64 << 20;
    loop {
        for step in [size, size / 2 * 3] {
            if step >= bytes {
                return Bytes(step);
            }
        }
        match size.checked_mul(2) {
            Some(next) => size = next,
            None => return Bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_few() {
        let mib = |n: u64| Bytes(n << 20);
        assert_eq!([1, 512, 513, 769, 1025, 1600].map(|n| class(n << 20)), [512, 512, 768, 1024, 1536, 2048].map(mib));
        assert!(class(u64::MAX).0 >= u64::MAX / 2);
    }
}
