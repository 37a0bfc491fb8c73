//! Work in progress.

pub mod linalg;
pub mod stats;
pub mod convolve;
pub mod fft;
pub mod fir;
pub mod pad;
pub mod window;
