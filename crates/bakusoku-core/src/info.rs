//! What is known about a recording beside its samples.

use crate::{Channel, Compensator, DigPoint, Projector, Transform};
use bakusoku_fiff::{Branch, FileId};

/// The person measured (`FIFFB_SUBJECT`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectInfo {
    /// Number.
    pub id: Option<i32>,
    /// Identifier in the hospital's information system.
    pub his_id: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Date of birth, as a Julian day number (the file's form).
    pub birthday: Option<i32>,
    /// 0 unknown, 1 male, 2 female.
    pub sex: Option<i32>,
    /// 1 right, 2 left, 3 both.
    pub hand: Option<i32>,
    /// kg
    pub weight: Option<f64>,
    /// m
    pub height: Option<f64>,
    /// Comment.
    pub comment: Option<String>,
}

/// What is known about a recording beside its samples (MNE's `Info`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Info {
    /// Sampling frequency (Hz).
    pub sfreq: f64,
    /// Channels, in the order of the data's rows.
    pub chs: Vec<Channel>,
    /// Names of bad channels.
    pub bads: Vec<String>,
    /// Lower edge of the pass band (Hz).
    pub highpass: f64,
    /// Upper edge of the pass band (Hz).
    pub lowpass: f64,
    /// Power line frequency (Hz), if the file says it.
    pub line_freq: Option<f64>,
    /// Gantry angle (degrees), if the file says it.
    pub gantry_angle: Option<f64>,
    /// Start of the measurement: seconds and microseconds since 1970 (UTC).
    pub meas_date: Option<(i64, i32)>,
    /// Offset of the local clock to UTC, as the file says it.
    pub utc_offset: Option<String>,
    /// Digitised points.
    pub dig: Vec<DigPoint>,
    /// From the helmet to the head.
    pub dev_head_t: Option<Transform>,
    /// From the CTF head frame to the Neuromag head frame.
    pub ctf_head_t: Option<Transform>,
    /// From the helmet to the CTF head frame.
    pub dev_ctf_t: Option<Transform>,
    /// Signal-space projectors.
    pub projs: Vec<Projector>,
    /// Software gradient compensation.
    pub comps: Vec<Compensator>,
    /// The person.
    pub subject_info: Option<SubjectInfo>,
    /// Who measured.
    pub experimenter: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Project number.
    pub proj_id: Option<i32>,
    /// Project name.
    pub proj_name: Option<String>,
    /// Number of the device's acquisition parameters text, verbatim.
    pub acq_pars: Option<String>,
    /// Stimulus description of the acquisition, verbatim.
    pub acq_stim: Option<String>,
    /// Identifier of the measurement, if the file says it.
    pub meas_id: Option<FileId>,
    /// Whether a custom EEG reference was applied (`FIFF_MNE_CUSTOM_REF`): 0 no, 1 yes, 2 current source density.
    pub custom_ref_applied: i32,
    /// Layout of the plotting program of the acquisition, verbatim.
    pub xplotter_layout: Option<String>,
    /// Number of the KIT system.
    pub kit_system_id: Option<i32>,
    /// Whether the data were recorded with internal active shielding and not yet freed from it (`FIFFB_IAS_RAW_DATA`).
    pub maxshield: bool,
    /// Everything else that stood in the measurement info (head position results and measurements, processing history,
    /// device, helium, events, unknown blocks), verbatim, so that nothing is lost on the way through.
    pub blocks: Vec<Branch>,
}

impl Info {
    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.chs.len()
    }
    /// Numbers the channels in order, from 1 (FIFF's scanning and logical numbers), as MNE's `create_info` does.
    #[must_use]
    pub fn number_channels(mut self) -> Self {
        for (number, ch) in (1..).zip(&mut self.chs) {
            (ch.scanno, ch.logno) = (number, number);
        }
        self
    }
    /// Index of the channel of that name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.chs.iter().position(|ch| ch.name == name)
    }
    /// Names of the channels, in order.
    pub fn ch_names(&self) -> impl Iterator<Item = &str> {
        self.chs.iter().map(|ch| ch.name.as_str())
    }
    /// Whether the channel is marked as bad.
    pub fn is_bad(&self, index: usize) -> bool {
        self.bads.contains(&self.chs[index].name)
    }
    /// The same information for fewer channels, in the order of `picks`; bad channels that left are forgotten.
    #[must_use]
    pub fn pick(&self, picks: &crate::Picks) -> Self {
        let chs: Vec<Channel> = picks.iter().map(|index| self.chs[index].clone()).collect();
        let bads = self.bads.iter().filter(|bad| chs.iter().any(|ch| &ch.name == *bad)).cloned().collect();
        Self { chs, bads, ..self.clone() }
    }
}
