//! Loops compiled for the processor at hand: what is shipped is built for any x86-64, and asks at run time for more.

/// Runs `f`, compiled for AVX2 where the processor has it: for loops over slices that vectorise by themselves.
///
/// The same arithmetic in the same order: results do not depend on it.
#[inline]
pub fn wide<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}
