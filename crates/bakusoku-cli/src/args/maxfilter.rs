//! Arguments of `bakusoku maxfilter`.

use super::{BadCondition, BudgetArgs, CoilDefinitions, CoordFrame, McInterp, Regularize, SampleFormat};
use clap::Args;
use std::path::PathBuf;

/// Names and defaults are those of `mne.preprocessing.maxwell_filter`.
#[derive(Args, Debug)]
pub(crate) struct MaxfilterArgs {
    /// Recording to read.
    pub input: PathBuf,
    /// FIFF file to write, such as x_sss.fif or x_raw_tsss.fif.
    pub output: PathBuf,
    /// Origin of the internal and external multipolar moment space (m): x,y,z, or auto for a sphere fitted to the
    /// digitised head shape.
    #[arg(long, value_name = "X,Y,Z", default_value = "auto", allow_hyphen_values = true)]
    pub origin: String,
    /// Coordinate frame of the origin: meg for empty-room recordings.
    #[arg(long, value_enum, default_value_t = CoordFrame::Head)]
    pub coord_frame: CoordFrame,
    /// Order of the internal component of the spherical expansion.
    #[arg(long, default_value_t = 8)]
    pub int_order: usize,
    /// Order of the external component of the spherical expansion.
    #[arg(long, default_value_t = 3)]
    pub ext_order: usize,
    /// Fine calibration file (.dat); carried: the one in the recording; none.
    #[arg(long, value_name = "FILE", default_value = "carried")]
    pub calibration: String,
    /// Cross-talk compensation file (.fif); carried: the one in the recording; none.
    #[arg(long, value_name = "FILE", default_value = "carried")]
    pub cross_talk: String,
    /// Use tSSS with this buffer duration (s) [default: spatial SSS only].
    #[arg(long, value_name = "S")]
    pub st_duration: Option<f64>,
    /// Correlation limit between internal and external signals above which tSSS removes a component.
    #[arg(long, value_name = "R", default_value_t = 0.98)]
    pub st_correlation: f64,
    /// Only apply the temporal projection of tSSS, not SSS.
    #[arg(long)]
    pub st_only: bool,
    /// Apply the temporal projection after movement compensation.
    #[arg(long)]
    pub st_after: bool,
    /// Use tSSS windows without overlap.
    #[arg(long)]
    pub no_st_overlap: bool,
    /// Destination head position: x,y,z (m), or a recording whose position is used [default: no transformation].
    #[arg(long, value_name = "X,Y,Z|FILE", allow_hyphen_values = true)]
    pub destination: Option<String>,
    /// Head positions (.pos) for movement compensation.
    #[arg(long, value_name = "FILE")]
    pub head_pos: Option<PathBuf>,
    /// Interpolation between successive head positions.
    #[arg(long, value_enum, default_value_t = McInterp::Hann)]
    pub mc_interp: McInterp,
    /// Basis regularisation.
    #[arg(long, value_enum, default_value_t = Regularize::In)]
    pub regularize: Regularize,
    /// Exclude reference channels.
    #[arg(long)]
    pub ignore_ref: bool,
    /// How to handle an ill-conditioned SSS basis.
    #[arg(long, value_enum, default_value_t = BadCondition::Error)]
    pub bad_condition: BadCondition,
    /// Scale factor for magnetometers, or auto.
    #[arg(long, default_value = "100")]
    pub mag_scale: String,
    /// Empty-room projectors that extend the external basis (-proj.fif).
    #[arg(long, value_name = "FILE")]
    pub extended_proj: Option<PathBuf>,
    /// Annotations to skip (comma-separated or repeated).
    #[arg(long, value_name = "TEXT", value_delimiter = ',', default_values = ["edge", "bad_acq_skip"])]
    pub skip_by_annotation: Vec<String>,
    /// Coil definitions: those of MNE, or MEGIN's 13-digit table (closer to MaxFilter).
    #[arg(long, value_enum, default_value_t = CoilDefinitions::Mne)]
    pub coil_definitions: CoilDefinitions,
    /// Bad channels in addition to those marked in the recording (comma-separated or repeated).
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub bads: Vec<String>,
    /// Find flat and noisy channels first.
    #[arg(long)]
    pub find_bads: bool,
    /// Data format of the samples.
    #[arg(long, value_enum, default_value_t = SampleFormat::Single)]
    pub fmt: SampleFormat,
    /// Overwrite the output if it exists.
    #[arg(long)]
    pub overwrite: bool,
    #[command(flatten)]
    pub budget: BudgetArgs,
}
