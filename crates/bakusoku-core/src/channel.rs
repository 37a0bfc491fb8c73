//! One channel of a recording.

use serde::{Deserialize, Serialize};

/// A FIFF coordinate frame, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CoordFrame(pub i32);

impl CoordFrame {
    /// `FIFFV_COORD_UNKNOWN`.
    pub const UNKNOWN: Self = Self(0);
    /// `FIFFV_COORD_DEVICE`: the helmet.
    pub const DEVICE: Self = Self(1);
    /// `FIFFV_COORD_ISOTRAK`: the digitiser.
    pub const ISOTRAK: Self = Self(2);
    /// `FIFFV_COORD_HPI`: the head position coils.
    pub const HPI: Self = Self(3);
    /// `FIFFV_COORD_HEAD`: Neuromag head coordinates.
    pub const HEAD: Self = Self(4);
    /// `FIFFV_COORD_MRI`: surface RAS of the MRI.
    pub const MRI: Self = Self(5);
    /// `FIFFV_MNE_COORD_CTF_DEVICE`.
    pub const CTF_DEVICE: Self = Self(1001);
    /// `FIFFV_MNE_COORD_CTF_HEAD`.
    pub const CTF_HEAD: Self = Self(1004);
}

/// A channel as FIFF describes it (`FIFF_CH_INFO`).
///
/// A sample as stored, times `range × cal`, is the sample in `unit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Name, as in `picks` and `bads`.
    pub name: String,
    /// FIFF's kind (`FIFFV_MEG_CH` = 1, `FIFFV_EEG_CH` = 2, `FIFFV_STIM_CH` = 3, …).
    pub kind: i32,
    /// FIFF's coil type.
    pub coil_type: i32,
    /// FIFF's unit (`FIFF_UNIT_T` = 112, `FIFF_UNIT_T_M` = 201, `FIFF_UNIT_V` = 107).
    pub unit: i32,
    /// Power of ten of the unit, for display.
    pub unit_mul: i32,
    /// Frame of `loc`.
    pub coord_frame: CoordFrame,
    /// Position (m) and the three unit vectors of the coil, or electrode and reference position (m).
    pub loc: [f64; 12],
    /// Calibration.
    pub cal: f64,
    /// Range.
    pub range: f64,
    /// Scanning number, from 1.
    pub scanno: i32,
    /// Logical number.
    pub logno: i32,
}

impl Channel {
    /// `FIFFV_MEG_CH`.
    pub const MEG: i32 = 1;
    /// `FIFFV_EEG_CH`.
    pub const EEG: i32 = 2;
    /// `FIFFV_STIM_CH`.
    pub const STIM: i32 = 3;
    /// `FIFFV_EOG_CH`.
    pub const EOG: i32 = 202;
    /// `FIFFV_ECG_CH`.
    pub const ECG: i32 = 402;
    /// `FIFFV_MISC_CH`.
    pub const MISC: i32 = 502;
    /// `FIFF_UNIT_T`.
    pub const UNIT_T: i32 = 112;
    /// `FIFF_UNIT_T_M`.
    pub const UNIT_T_M: i32 = 201;
    /// `FIFF_UNIT_V`.
    pub const UNIT_V: i32 = 107;
    /// `FIFF_UNIT_NONE`.
    pub const UNIT_NONE: i32 = -1;

    /// MNE's channel type (`mne.channel_type`).
    pub fn ch_type(&self) -> ChannelType {
        use ChannelType::*;
        match self.kind {
            1 if self.unit == Self::UNIT_T_M => Grad,
            1 => Mag,
            // FIFFV_COIL_EEG_CSD
            2 if self.coil_type == 2 => Csd,
            2 => Eeg,
            3 => Stim,
            102 => Bio,
            202 => Eog,
            301 => RefMeg,
            302 => Emg,
            402 => Ecg,
            502 => Misc,
            602 => Resp,
            700..=709 => Chpi,
            802 => Seeg,
            803 => Dbs,
            900 => Syst,
            902 => Ecog,
            910 => Ias,
            920 => Exci,
            1000 => Dipole,
            1001 => Gof,
            1100 => Fnirs,
            1200 => Temperature,
            1300 => Gsr,
            1400 => Eyetrack,
            _ => Misc,
        }
    }
}

macro_rules! channel_types {
    ($($variant:ident $name:literal $data:literal $doc:literal;)*) => {
        /// What a channel measures, by MNE's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ChannelType { $(#[doc = $doc] $variant,)* }

        impl ChannelType {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];
            /// MNE's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
            /// By MNE's name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
            /// Whether MNE counts it among the *data channels*: those that filters work on unless told otherwise.
            pub fn is_data(self) -> bool {
                match self { $(Self::$variant => $data,)* }
            }
        }
    };
}

channel_types! {
    Grad "grad" true "Planar or axial gradiometer (T/m).";
    Mag "mag" true "Magnetometer (T).";
    RefMeg "ref_meg" false "Reference sensor of the MEG (T).";
    Eeg "eeg" true "EEG electrode (V).";
    Csd "csd" true "Current source density (V/m²).";
    Seeg "seeg" true "Stereo-EEG (V).";
    Dbs "dbs" true "Deep brain stimulation electrode (V).";
    Ecog "ecog" true "Electrocorticography (V).";
    Fnirs "fnirs" true "Near-infrared spectroscopy.";
    Eog "eog" false "Electro-oculogram (V).";
    Emg "emg" false "Electromyogram (V).";
    Ecg "ecg" false "Electrocardiogram (V).";
    Resp "resp" false "Respiration.";
    Bio "bio" false "Other bipolar biological signal (V).";
    Misc "misc" false "Miscellaneous.";
    Stim "stim" false "Stimulus channel (codes).";
    Exci "exci" false "Excitation of the head position coils.";
    Ias "ias" false "Internal active shielding.";
    Syst "syst" false "System status.";
    Dipole "dipole" false "Dipole time course.";
    Gof "gof" false "Goodness of fit.";
    Chpi "chpi" false "Continuous head position.";
    Temperature "temperature" false "Temperature.";
    Gsr "gsr" false "Galvanic skin response.";
    Eyetrack "eyetrack" false "Eye tracking.";
}
