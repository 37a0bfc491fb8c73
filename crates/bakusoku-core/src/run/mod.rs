//! The runner: one pass over a recording, through a tree of methods, with taps.
//!
//! ```text
//! source ─▶ notch ─▶ filter ─▶ resample ─▶ epochs …        a tap (sink) may listen at every node
//!                      └─────▶ high-pass ─▶ ICA's fit      a fork: read once, and worked on while it is in cache
//! ```
//!
//! A [`Flow`] says what is done and who listens; nothing is computed until it [runs](Flow::run).
//!
//! | file | what it does |
//! |---|---|
//! | `flow` | the tree as users build it |
//! | `graph` | binds methods to their streams; fuses neighbours; decides what is walked by rows and what by columns |
//! | `late_expansion` | lets filters go before a matrix that makes many channels of few rows |
//! | `schedule` | the order of walks, and how long the matrix in between is needed |
//! | `rows`, `columns` | the two walks |
//! | `rechunk` | gives an operator blocks of the length that it wants |
//! | `store` | the matrix between two walks: a temporary file that is written by rows and read by columns, or the other way |
//! | `need` | memory and disk, before anything runs |
//! | `times` | which node took how long |
//!
//! Neighbouring row methods run on a row while it is in cache. Neighbouring matrices are multiplied before the data is
//! touched. Between rows and columns the matrix is transposed through a [`Store`], so that memory is a few rows per thread
//! or a few blocks, never the recording. A flow that begins with rows reads its source by groups of channels, where that
//! takes few passes over it.
//!
//! Results depend neither on the number of threads nor on the length of blocks: rows are pure, and columns arrive in
//! order, cut to the operator's grain from the start of its segment. A fork gives the numbers of two flows.

mod columns;
mod flow;
mod graph;
mod late_expansion;
mod need;
mod planned;
mod rechunk;
mod rows;
mod schedule;
mod store;
mod times;

pub use flow::{Done, Flow, NodeId};
pub use planned::Planned;
pub use store::Store;

#[cfg(test)]
mod tests;
