//! Linear algebra, FFT, convolution, windows, padding and statistics.

pub mod convolve;
pub mod fft;
pub mod fir;
pub mod linalg;
pub mod pad;
pub mod simd;
pub mod stats;
pub mod window;
