//! Loops compiled for the processor at hand: what is shipped is built for any x86-64, and asks at run time for more.

/// Evaluates an expression, compiled for AVX2 where the processor has it: for loops over slices that vectorise by themselves.
/// What it calls must be `#[inline(always)]`: a function of its own is compiled without AVX2.
///
/// The same arithmetic in the same order: results do not depend on it.
#[macro_export]
macro_rules! wide {
    ($body:expr) => {
        $crate::simd::dispatch(
            #[inline(always)]
            || $body,
        )
    };
}

#[doc(hidden)]
#[inline]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}
