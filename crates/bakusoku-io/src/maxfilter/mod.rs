//! What sites keep beside recordings for the Maxwell filter: fine calibration (`.dat`), cross-talk (`.fif`) and head
//! positions (`.pos`), in MaxFilter's formats.
//!
//! | ours | MNE-Python |
//! |---|---|
//! | [`read_fine_calibration`], [`write_fine_calibration`] | `mne.preprocessing.read_fine_calibration`, `write_fine_calibration` |
//! | [`read_cross_talk`], [`write_cross_talk`] | `mne._fiff.proc_history._read_ctc`, none |
//! | [`read_head_pos`], [`write_head_pos`] | `mne.chpi.read_head_pos`, `write_head_pos` |
//!
//! Numbers are MNE's. Where MNE reads on, these are errors that say file and line: a channel that stands twice in a
//! calibration, numbers that are not finite, and texts that are no text. A head position file whose first line is a
//! position, not a heading, keeps that position (MNE loses it).

mod calibration;
mod cross_talk;
mod head_pos;
mod text;

pub use calibration::{read_fine_calibration, write_fine_calibration};
pub use cross_talk::{read_cross_talk, write_cross_talk};
pub use head_pos::{read_head_pos, write_head_pos};
