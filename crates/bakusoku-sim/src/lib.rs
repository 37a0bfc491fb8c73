//! Physically plausible MEG and EEG recordings, for demonstrations, tests and benchmarks.
//!
//! A [`Simulation`] is a [`Recording`](bakusoku_core::Recording) like one from a file: 306 MEG channels of a Neuromag helmet, 60 EEG
//! electrodes, EOG, ECG and stimulus channels, in SI units. Its samples are made when they are read; equal parameters give equal
//! bits, whatever the order, the blocks, the threads, or the channels asked for.
//!
//! | what | how | module |
//! |---|---|---|
//! | sensors | tables of facts, with their sources | [`geometry`] |
//! | head, its place in the helmet, digitised points | a sphere per person | [`Head`] |
//! | from source to sensor | Sarvas' formula, sphere of four shells, coils by points | [`forward`] |
//! | evoked responses to tones, pictures and the own hand | dipoles with jittered deflections | `brain`, `courses` |
//! | the brain's own activity | 30 dipoles of 1/f noise; alpha, mu and beta rhythms | `courses` |
//! | blinks, saccades, heartbeats | dipoles at the eyes and in the chest | `courses` |
//! | the room | uniform fields, gradients, far dipoles; power line | `interference` |
//! | sensors' noise, offsets, drifts, faults | channel by channel | `rows` |
//! | what is true | JSON | [`Simulation::ground_truth`] |
//!
//! ```
//! use bakusoku_core::{Picks, Recording};
//! use bakusoku_sim::{Simulation, SimulationParams};
//! let raw = Simulation::new(SimulationParams { duration: 2.0, ..Default::default() })?;
//! let mut block = ndarray::Array2::zeros((306, 100));
//! raw.read(500..600, &Picks::all(306), block.view_mut())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod brain;
mod courses;
mod error;
pub mod forward;
pub mod geometry;
mod head;
mod info;
mod interference;
mod mix;
mod params;
mod random;
mod recording;
mod rows;
mod sensors;
mod study;
mod truth;
mod vector;

pub use error::SimError;
pub use head::Head;
pub use params::{MarkBads, SimulationParams};
pub use recording::Simulation;
pub use study::{EVENT_ID, StudyParams, TASK, subject_label};

#[cfg(test)]
mod tests;
