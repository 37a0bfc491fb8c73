//! Linear algebra, FFT, convolution, windows, padding, statistics and random numbers.

pub mod convolve;
pub mod fft;
pub mod fir;
pub mod linalg;
pub mod pad;
pub mod random;
pub mod simd;
pub mod stats;
pub mod tanh;
pub mod window;
