//! What was done, as numbers: everything that MNE logs or stores beside the samples.

use bakusoku_core::Transform;
use ndarray::Array2;

/// Fine calibration as it was applied (`sss_cal` of the processing history).
#[derive(Clone, Debug, PartialEq)]
pub struct AppliedCalibration {
    /// Number and coil type of each channel, in the order of the calibration.
    pub cal_chans: Vec<[i32; 2]>,
    /// For each channel its imbalance or coefficient (two numbers) and its coil (12 numbers), `(n, 14)`.
    pub cal_corrs: Array2<f64>,
    /// Index in the recording of each channel that was calibrated, its position and its axes as they were taken to be.
    pub coils: Vec<(usize, [f64; 12])>,
    /// Whether a channel's x and y were not orthogonal to its z, and so were turned along with it.
    pub adjusted: bool,
    /// Mean angle between the old and new normals (degrees).
    pub angle_mean: f64,
    /// Its standard deviation (degrees).
    pub angle_std: f64,
    /// The largest angle (degrees).
    pub angle_max: f64,
}

/// One basis: how many moments it kept, and how well it could be inverted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecompositionReport {
    /// Time since the first sample at which it comes in (s).
    pub time: f64,
    /// Inner moments kept.
    pub n_in: usize,
    /// Inner moments there are.
    pub n_in_all: usize,
    /// Outer moments kept.
    pub n_out: usize,
    /// Outer moments there are, extended directions included.
    pub n_out_all: usize,
    /// Condition number of the basis, its columns scaled to unit length.
    pub condition: f64,
    /// Total information of what is kept (bits per sample); NaN without regularisation.
    pub information: f64,
    /// The largest total information (bits per sample); NaN without regularisation.
    pub peak_information: f64,
}

/// One window of the temporal extension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TsssWindow {
    /// First sample, counted from the start of the recording.
    pub start: u64,
    /// One past the last sample.
    pub stop: u64,
    /// Directions in time that were taken out.
    pub n_components: usize,
    /// Head positions that it covers.
    pub n_positions: usize,
}

/// How one stretch was cut into windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub stop: u64,
    /// Windows.
    pub n_windows: usize,
    /// Samples of a window.
    pub window: u64,
    /// Samples that two windows share.
    pub overlap: u64,
    /// Samples that were added to the last window.
    pub tail: u64,
}

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxwellReport {
    /// Centre of the expansions (m), in the frame of `coord_frame`.
    pub origin: [f64; 3],
    /// The same in the frame in which the sensors are.
    pub origin_head: [f64; 3],
    /// Order of the inner expansion.
    pub int_order: usize,
    /// Order of the outer expansion.
    pub ext_order: usize,
    /// Extended directions.
    pub n_extended: usize,
    /// Channels that were used.
    pub n_good: usize,
    /// Magnetometers.
    pub n_mags: usize,
    /// Gradiometers.
    pub n_grads: usize,
    /// How many of the magnetometers are gradiometers in truth.
    pub n_kit: usize,
    /// Bad channels that were reconstructed.
    pub bads: Vec<String>,
    /// Factor on magnetometers.
    pub mag_scale: f64,
    /// Moments kept, at the recording's own head position.
    pub moments: Vec<usize>,
    /// How many of them are inner ones.
    pub n_use_in: usize,
    /// Fine calibration, when there was one.
    pub calibration: Option<AppliedCalibration>,
    /// Bases, in the order of time.
    pub decompositions: Vec<DecompositionReport>,
    /// Stretches.
    pub segments: Vec<SegmentReport>,
    /// Windows of the temporal extension, in the order of time.
    pub windows: Vec<TsssWindow>,
    /// Where the head appears in the result.
    pub destination: Option<Transform>,
    /// What somebody should know.
    pub warnings: Vec<String>,
}
