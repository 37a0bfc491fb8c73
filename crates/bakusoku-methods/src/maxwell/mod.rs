//! Maxwell filter: signal-space separation in space (SSS) and time (tSSS), movement compensation, bad channels.
//!
//! Papers: Taulu & Kajola (2005), J. Appl. Phys. 97:124905 (SSS); Taulu & Simola (2006), Phys. Med. Biol. 51:1759 (tSSS);
//! Helle et al. (2021), IEEE Trans. Biomed. Eng. (extended SSS). The numbers are those of
//! `mne.preprocessing.maxwell_filter`.

mod history;
mod params;
mod report;

pub use history::{check_history, proc_record};
pub use params::{
    BadCondition, CoilDefinitions, Destination, MagScale, MaxwellParams, McInterp, Origin, OriginFrame, Regularize,
};
pub use report::{AppliedCalibration, DecompositionReport, MaxwellReport, SegmentReport, TsssWindow};
