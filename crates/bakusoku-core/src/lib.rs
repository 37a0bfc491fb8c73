//! The shared vocabulary of bakusoku: what a recording is, what a method is, and the runner that leads one through the
//! other.
//!
//! A recording is a matrix `(n_channels, n_times)` in SI units (T, T/m, V), walked either by *columns* (all channels,
//! some samples) or by *rows* (one channel, all samples). [`Method`]s say which of the two they need; the runner
//! transposes the matrix between them, in bounded memory.
//!
//! | to read | start at |
//! |---|---|
//! | what is known about a recording | [`Info`], [`Channel`], [`Stream`] |
//! | how samples are read | [`Recording`] |
//! | how a method is written | [`Method`], [`RowKernel`], [`Operator`], [`LinearMap`] |
//! | how results are collected | [`Sink`], [`RowSink`] |
//! | how it all runs | [`run::Flow`] |

mod annotations;
mod block;
mod calibration;
mod channel;
mod compensator;
pub mod containers;
mod cx;
mod dig;
mod error;
mod events;
mod factored;
mod head_position;
mod info;
mod linear_map;
mod method;
mod operator;
mod picks;
mod proc_history;
mod projector;
mod recording;
mod row;
pub mod run;
mod sink;
mod span;
mod stream;
mod transform;

pub use annotations::{Annotation, Annotations, OrigTime};
pub use block::Block;
pub use calibration::{CrossTalk, FineCalibration, SensorCalibration};
pub use channel::{Channel, ChannelType, CoordFrame};
pub use compensator::Compensator;
pub use cx::{Cx, Progress};
pub use dig::{DigKind, DigPoint};
pub use error::{Error, Result};
pub use events::{Event, Events};
pub use factored::{Expansion, Factored};
pub use head_position::{HeadPosition, HeadPositions};
pub use info::{Info, SubjectInfo};
pub use linear_map::LinearMap;
pub use method::{Bound, Method};
pub use operator::{Emit, Grain, Operator};
pub use picks::Picks;
pub use proc_history::{MaxSt, ProcRecord, SSS_JOB_FILTER, SSS_JOB_ST, SSS_JOB_TPROJ, SssCal, SssCtc, SssInfo};
pub use projector::Projector;
pub use recording::Recording;
pub use row::{RowKernel, Scratch};
pub use sink::{RowSink, Sink};
pub use span::{Segment, Span};
pub use stream::Stream;
pub use transform::Transform;

pub use bakusoku_pool::{Bytes, Cancel, Need, Par, SpillDir};
