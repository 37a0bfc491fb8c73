//! Work in progress.

pub mod convolve;
pub mod fft;
pub mod fir;
pub mod linalg;
pub mod pad;
pub mod simd;
pub mod stats;
pub mod window;
