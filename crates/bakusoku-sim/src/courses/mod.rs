//! Time courses: what each source does, made chunk by chunk.
//!
//! A recording is `mixing (n_channels, n_sources) × courses (n_sources, n_times)` plus what each channel does on its own. Each
//! family of courses can be made for any chunk of [`CHUNK`] samples without the chunks before it.

mod eyes;
mod heart;
mod line;
mod pink;
mod responses;
mod rhythm;
mod smooth;
mod trials;

pub(crate) use crate::random::CHUNK;
pub(crate) use eyes::Eyes;
pub(crate) use heart::Heart;
pub(crate) use line::Line;
#[cfg(test)]
pub(crate) use pink::tests::power as pink_power;
pub(crate) use pink::{Pink, Slope};
pub(crate) use responses::{Peak, Responses};
pub(crate) use rhythm::{Rhythm, Rhythms};
pub(crate) use smooth::Smooth;
pub(crate) use trials::{Trials, code};

/// A family of time courses.
pub(crate) trait Courses: Send + Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Writes the samples of `chunk`, `(len, CHUNK)`. `out` holds anything before.
    fn fill(&self, chunk: u64, out: &mut [f64]);
}

/// exp(-x²/2), and nothing beyond six standard deviations.
fn bell(x: f64) -> f64 {
    if x.abs() > 6.0 { 0.0 } else { (-0.5 * x * x).exp() }
}
