//! Maxwell filter: signal-space separation in space (SSS) and time (tSSS), movement compensation, bad channels.
//!
//! A recording's MEG channels are expanded in multipoles around an origin in the head: inner ones, whose sources are
//! inside of the sensor array, and outer ones. Keeping the inner ones takes interference from afar away, rebuilds bad
//! channels, and moves the head to where it is wanted. Directions in time that the inner part shares with what neither
//! part explains are interference from nearby, and are projected out window by window.
//!
//! Papers: Taulu & Kajola (2005), J. Appl. Phys. 97:124905 (SSS); Taulu & Simola (2006), Phys. Med. Biol. 51:1759 (tSSS);
//! Helle et al. (2021), IEEE Trans. Biomed. Eng. 68:2117 (extended SSS). The numbers are those of
//! `mne.preprocessing.maxwell_filter`.
//!
//! | step | file |
//! |---|---|
//! | which channels, with which coils | `sensors`, `coils`, `geometry`, `calibrate`, `cross_talk`, `compensation` |
//! | the basis, what is kept of it, its inverse | `harmonics`, `extended`, `regularize`, `decompose` |
//! | where the head was | `positions`, `bases` |
//! | windows in time | `layout`, `triangle`, `temporal` |
//! | all before the first sample; then samples, of an array or a stream | `plan`; `signals`, `stretch`, `filter`, `operator` |
//! | channels that the others do not explain | `bads` |
//! | what a recording tells about it afterwards | `info`, `history`, `report` |

mod average;
mod bads;
mod bases;
mod calibrate;
mod coils;
mod compensation;
mod compute_basis;
mod cross_talk;
mod decompose;
mod extended;
mod filter;
mod geometry;
mod harmonics;
mod history;
mod info;
mod layout;
mod method;
mod operator;
mod origin;
mod params;
mod plan;
mod positions;
mod regularize;
mod report;
mod sensors;
mod signals;
mod stretch;
mod temporal;
mod triangle;

#[cfg(test)]
mod tests;

pub use average::average_dev_head_t;
pub use bads::{BadChannels, BadsInterval, FindBads, FindBadsParams, find_bad_channels_maxwell};
pub use compute_basis::{MaxwellBasis, compute_maxwell_basis};
pub use filter::maxwell_filter;
pub use history::{check_history, components, plan_report, proc_record};
pub use info::output_info;
pub use method::{MaxwellFilter, ReportSlot};
pub use params::{
    BadCondition, CoilDefinitions, Destination, MagScale, MaxwellParams, McInterp, Origin, OriginFrame, Regularize,
};
pub use report::{AppliedCalibration, DecompositionReport, MaxwellReport, SegmentReport, TsssWindow};
