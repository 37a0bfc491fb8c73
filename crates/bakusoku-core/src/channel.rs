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
    /// `FIFF_UNIT_NONE`.
    pub const UNIT_NONE: i32 = -1;
    /// `FIFF_UNIT_V`.
    pub const UNIT_V: i32 = 107;
    /// `FIFF_UNIT_T`.
    pub const UNIT_T: i32 = 112;
    /// `FIFF_UNIT_V_M2`.
    pub const UNIT_V_M2: i32 = 117;
    /// `FIFF_UNIT_T_M`.
    pub const UNIT_T_M: i32 = 201;

    /// A channel of the given type as MNE's `create_info` makes it: FIFF's kind, coil and unit of the type, samples in SI
    /// units, and no position (zeros).
    ///
    /// Its number is 1; [`Info::number_channels`](crate::Info::number_channels) counts those of a recording.
    pub fn new(name: impl Into<String>, ch_type: ChannelType) -> Self {
        let (kind, coil_type, unit) = ch_type.fiff();
        Self {
            name: name.into(),
            kind,
            coil_type,
            unit,
            unit_mul: 0,
            coord_frame: CoordFrame::UNKNOWN,
            loc: [0.0; 12],
            cal: 1.0,
            range: 1.0,
            scanno: 1,
            logno: 1,
        }
    }
    /// Makes it a channel of another type (MNE's `set_channel_types`): kind, coil and unit change, nothing else does.
    pub fn set_type(&mut self, ch_type: ChannelType) {
        (self.kind, self.coil_type, self.unit) = ch_type.fiff();
    }
    /// MNE's channel type (`mne.channel_type`); one of a kind that MNE does not know is [`ChannelType::Misc`].
    pub fn ch_type(&self) -> ChannelType {
        use ChannelType::*;
        match self.kind {
            Self::MEG if self.unit == Self::UNIT_T_M => Grad,
            Self::MEG => Mag,
            Self::EEG if self.coil_type == Csd.fiff().1 => Csd,
            // FIFFV_QUAT_0 to FIFFV_HPI_MOV
            700..=709 => Chpi,
            kind => ChannelType::ALL.into_iter().find(|ch_type| ch_type.fiff().0 == kind).unwrap_or(Misc),
        }
    }
}

macro_rules! channel_types {
    ($($variant:ident $name:literal $data:literal ($kind:literal, $coil:literal, $unit:literal) $doc:literal;)*) => {
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
            /// FIFF's kind, coil type and unit of a channel of this type (MNE's `get_channel_type_constants`); where a type
            /// has several, those of a Vectorview system.
            pub fn fiff(self) -> (i32, i32, i32) {
                match self { $(Self::$variant => ($kind, $coil, $unit),)* }
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

// Name; whether it is a data channel; FIFF's kind, coil type and unit.
channel_types! {
    Grad "grad" true (1, 3012, 201) "Planar or axial gradiometer (T/m).";
    Mag "mag" true (1, 3024, 112) "Magnetometer (T).";
    RefMeg "ref_meg" false (301, 3024, 112) "Reference sensor of the MEG (T).";
    Eeg "eeg" true (2, 1, 107) "EEG electrode (V).";
    Csd "csd" true (2, 6, 117) "Current source density (V/m²).";
    Seeg "seeg" true (802, 1, 107) "Stereo-EEG (V).";
    Dbs "dbs" true (803, 1, 107) "Deep brain stimulation electrode (V).";
    Ecog "ecog" true (902, 1, 107) "Electrocorticography (V).";
    Fnirs "fnirs" true (1100, 300, 6) "Near-infrared spectroscopy.";
    Eog "eog" false (202, 0, 107) "Electro-oculogram (V).";
    Emg "emg" false (302, 0, 107) "Electromyogram (V).";
    Ecg "ecg" false (402, 0, 107) "Electrocardiogram (V).";
    Resp "resp" false (602, 0, 107) "Respiration.";
    Bio "bio" false (102, 0, 107) "Other bipolar biological signal (V).";
    Misc "misc" false (502, 0, -1) "Miscellaneous.";
    Stim "stim" false (3, 0, 107) "Stimulus channel (codes).";
    Exci "exci" false (920, 0, -1) "Excitation of the head position coils.";
    Ias "ias" false (910, 0, -1) "Internal active shielding.";
    Syst "syst" false (900, 0, -1) "System status.";
    Dipole "dipole" false (1000, 200, 202) "Dipole time course.";
    Gof "gof" false (1001, 0, -1) "Goodness of fit.";
    Chpi "chpi" false (700, 0, -1) "Continuous head position.";
    Temperature "temperature" false (1200, 0, 114) "Temperature.";
    Gsr "gsr" false (1300, 0, 110) "Galvanic skin response.";
    Eyetrack "eyetrack" false (1400, 400, 210) "Eye tracking.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_of_a_type_has_that_type() {
        for ch_type in ChannelType::ALL {
            let mut ch = Channel::new("a", ch_type);
            assert_eq!(ch.ch_type(), ch_type);
            assert_eq!(ChannelType::from_name(ch_type.name()), Some(ch_type));
            ch.set_type(ChannelType::Ecg);
            assert_eq!(ch, Channel::new("a", ChannelType::Ecg));
        }
    }

    #[test]
    fn rare_kinds_and_coils_have_the_types_that_mne_gives_them() {
        let of = |kind, coil_type, unit| Channel { kind, coil_type, unit, ..Channel::new("a", ChannelType::Misc) };
        assert_eq!(of(1, 4001, 112).ch_type(), ChannelType::Mag); // FIFFV_COIL_MAGNES_MAG
        assert_eq!(of(1, 2, 201).ch_type(), ChannelType::Grad); // FIFFV_COIL_NM_122
        for (coil_type, ch_type) in [(0, ChannelType::Eeg), (5, ChannelType::Eeg), (6, ChannelType::Csd)] {
            assert_eq!(of(2, coil_type, 107).ch_type(), ch_type);
        }
        assert_eq!(of(709, 0, -1).ch_type(), ChannelType::Chpi); // FIFFV_HPI_MOV
        assert_eq!(of(123_456, 0, -1).ch_type(), ChannelType::Misc);
    }
}
