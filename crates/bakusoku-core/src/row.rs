//! Row methods: one channel, all its samples.

use crate::{Operator, Result};
use std::any::{Any, TypeId};
use std::collections::HashMap;

/// Work space that a thread keeps from row to row: one value of each type that is asked for.
///
/// A kernel defines a private struct of buffers with `Default`, and asks for it; what it finds is what the last row
/// left there.
#[derive(Default)]
pub struct Scratch {
    slots: HashMap<TypeId, Box<dyn Any + Send>>,
    buffers: Vec<Vec<f64>>,
}

impl Scratch {
    /// The thread's value of type `T`.
    pub fn get<T: Default + Send + 'static>(&mut self) -> &mut T {
        self.slots
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()))
            .downcast_mut()
            .expect("a slot holds the type by which it is found")
    }
    /// A buffer of `len` zeros or leftovers; hand it back with [`give`](Self::give).
    pub fn take(&mut self, len: usize) -> Vec<f64> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.resize(len, 0.0);
        buffer
    }
    /// Hands a buffer back for later use.
    pub fn give(&mut self, buffer: Vec<f64>) {
        self.buffers.push(buffer);
    }
}

/// One channel in, one channel out: pure, the same for any thread that runs it.
///
/// The kernel knows its segments, its picks and its coefficients from [`Method::bind`](crate::Method::bind).
pub trait RowKernel: Send + Sync {
    /// Length of the row that comes out.
    fn n_out(&self) -> usize;
    /// Whether channel `ch` passes unchanged (then `run` is not called for it, and lengths agree).
    fn passes(&self, ch: usize) -> bool {
        let _ = ch;
        false
    }
    /// Works on the row of channel `ch` (an index of the stream that goes in); `out` has `n_out()` samples, its content
    /// is undefined.
    ///
    /// # Errors
    /// When the samples do not allow it (NaN, say).
    fn run(&self, ch: usize, row: &[f64], out: &mut [f64], scratch: &mut Scratch) -> Result<()>;
    /// Whether it does one and the same linear thing to all of `channels`: then it may go before a matrix over them instead
    /// of after it, with the same numbers to rounding.
    fn treats_alike(&self, channels: &[usize]) -> bool {
        let _ = channels;
        false
    }
    /// One kernel that does this one's work and then `next`'s in a single pass, with the same numbers to rounding;
    /// `None` where that gains nothing or is not possible.
    fn fuse(&self, next: &dyn RowKernel) -> Option<Box<dyn RowKernel>> {
        let _ = next;
        None
    }
    /// Whether siblings behind a fork that are like this one share most of their work when they get the same row one after
    /// the other: then a kernel before the fork is fused with each of them.
    fn shares_work(&self) -> bool {
        false
    }
    /// The same work on columns, with the same numbers to rounding, where that needs little memory: where nobody wants
    /// rows, the matrix then need not be transposed.
    fn on_columns(&self) -> Option<Box<dyn Operator>> {
        None
    }
    /// For [`fuse`](Self::fuse): lets a kernel recognise its own kind.
    fn as_any(&self) -> &dyn Any;
    /// Work space per thread (bytes), beside the rows themselves.
    fn scratch_bytes(&self) -> u64 {
        0
    }
}
