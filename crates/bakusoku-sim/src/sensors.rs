//! All channels of a recording, and what a source does to each of them: one column of the mixing matrix.

use crate::SimulationParams;
use crate::forward::{Coil, Shells, meg_dipole};
use crate::geometry::{VV_PLANAR_T1, neuromag306};
use crate::head::Head;
use crate::vector::{Vec3, dot, scale, sub};
use bakusoku_core::{Channel, ChannelType, CoordFrame};

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Grad,
    Mag,
    Eeg,
    EogVertical,
    EogHorizontal,
    Ecg,
    Stim,
}

/// The channels, in order.
pub(crate) struct Sensors {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) chs: Vec<Channel>,
    /// Coils of the MEG channels (the first ones), in device and in head coordinates.
    device: Vec<Coil>,
    head: Vec<Coil>,
    /// Directions of the electrodes from the sphere's centre, and their positions (m, head coordinates).
    electrodes: Vec<Vec3>,
    positions: Vec<Vec3>,
    sphere: Head,
    shells: Shells,
    bare: Shells,
}

const FIFFV_COIL_EEG_BIPOLAR: i32 = 5;
/// What acquisition writes where a channel has no place.
const NOWHERE: [f64; 12] = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];

impl Sensors {
    pub(crate) fn new(params: &SimulationParams, head: &Head) -> Self {
        let mut sensors = Self {
            kinds: Vec::new(),
            chs: Vec::new(),
            device: Vec::new(),
            head: Vec::new(),
            electrodes: Vec::new(),
            positions: Vec::new(),
            sphere: head.clone(),
            shells: Shells::head(head.radius),
            // Eyes lie outside the skull.
            bare: Shells::new(head.radius, &[1.0], &[0.33]),
        };
        if params.meg {
            for sensor in neuromag306() {
                sensors.device.push(Coil::new(&sensor, None));
                sensors.head.push(Coil::new(&sensor, Some(&head.dev_head_t)));
                let (kind, ch_type) = match sensor.coil_type {
                    VV_PLANAR_T1 => (Kind::Grad, ChannelType::Grad),
                    _ => (Kind::Mag, ChannelType::Mag),
                };
                let logno = sensor.name[4..].parse().unwrap_or(0);
                let (coil_type, coord_frame, loc) = (sensor.coil_type, CoordFrame::DEVICE, sensor.loc);
                let ch = Channel::new(sensor.name, ch_type);
                sensors.add(kind, Channel { coil_type, coord_frame, loc, logno, ..ch });
            }
        }
        if params.has_eeg() {
            for (index, (name, at)) in head.electrodes.iter().enumerate() {
                sensors.electrodes.push(head.from_centre(*at));
                sensors.positions.push(*at);
                let r = head.reference;
                let loc = [at[0], at[1], at[2], r[0], r[1], r[2], 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
                let (coord_frame, logno) = (CoordFrame::HEAD, index as i32 + 1);
                let ch = Channel::new(name.clone(), ChannelType::Eeg);
                sensors.add(Kind::Eeg, Channel { coord_frame, loc, logno, ..ch });
            }
        }
        let mut other = |kind, name, ch_type, logno| {
            let ch = Channel::new(name, ch_type);
            let coil_type = if ch_type == ChannelType::Stim { ch.coil_type } else { FIFFV_COIL_EEG_BIPOLAR };
            sensors.add(kind, Channel { coil_type, loc: NOWHERE, logno, ..ch });
        };
        if !params.empty_room {
            other(Kind::EogHorizontal, "EOG 061", ChannelType::Eog, 61);
            other(Kind::EogVertical, "EOG 062", ChannelType::Eog, 62);
            other(Kind::Ecg, "ECG 063", ChannelType::Ecg, 63);
        }
        other(Kind::Stim, "STI 014", ChannelType::Stim, 14);
        other(Kind::Stim, "STI101", ChannelType::Stim, 101);
        sensors
    }

    fn add(&mut self, kind: Kind, ch: Channel) {
        self.kinds.push(kind);
        self.chs.push(Channel { scanno: self.chs.len() as i32 + 1, ..ch });
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    fn eeg(&self) -> impl Iterator<Item = usize> + '_ {
        self.kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Eeg).map(|(index, _)| index)
    }

    /// A column with MEG channels filled by a field (T at a point in head coordinates).
    fn meg_in_head(&self, field: impl Fn(Vec3) -> Vec3) -> Vec<f64> {
        let mut column: Vec<f64> = self.head.iter().map(|coil| coil.flux(&field)).collect();
        column.resize(self.len(), 0.0);
        column
    }

    /// A column with MEG channels filled by a field (T at a point in device coordinates): what comes with the room.
    pub(crate) fn meg_in_device(&self, field: impl Fn(Vec3) -> Vec3) -> Vec<f64> {
        let mut column: Vec<f64> = self.device.iter().map(|coil| coil.flux(&field)).collect();
        column.resize(self.len(), 0.0);
        column
    }

    /// Potentials of a dipole at all electrodes against the reference.
    fn potentials(&self, shells: &Shells, pos: Vec3, moment: Vec3, column: &mut [f64]) {
        let source = self.sphere.from_centre(pos);
        let zero = shells.potential(self.sphere.from_centre(self.sphere.reference), source, moment);
        for (channel, direction) in self.eeg().zip(&self.electrodes) {
            column[channel] = shells.potential(*direction, source, moment) - zero;
        }
    }

    /// A current dipole (A·m) in the brain: MEG by Sarvas' formula, EEG by a sphere of four shells.
    pub(crate) fn dipole(&self, pos: Vec3, moment: Vec3) -> Vec<f64> {
        let source = self.sphere.from_centre(pos);
        let mut column = self.meg_in_head(|p| meg_dipole(self.sphere.from_centre(p), source, moment));
        self.potentials(&self.shells, pos, moment, &mut column);
        column
    }

    /// A pair of dipoles (A·m) at the eyes, below no skull.
    pub(crate) fn eyes(&self, moment: Vec3) -> Vec<f64> {
        let mut column = vec![0.0; self.len()];
        for at in self.eye_positions() {
            let source = self.sphere.from_centre(at);
            let mut one = self.meg_in_head(|p| meg_dipole(self.sphere.from_centre(p), source, moment));
            self.potentials(&self.bare, at, moment, &mut one);
            column.iter_mut().zip(one).for_each(|(sum, x)| *sum += x);
        }
        column
    }

    /// Mean potential (V) over the brows (Fp1, Fp2) of the eyes' dipoles of 1 A·m in a direction, whether there is EEG or not.
    pub(crate) fn brow(&self, direction: Vec3) -> f64 {
        let at = |electrode: Vec3, eye: Vec3| {
            self.bare.potential(self.sphere.from_centre(electrode), self.sphere.from_centre(eye), direction)
        };
        let brows: Vec<Vec3> =
            self.sphere.electrodes.iter().filter(|(name, _)| name == "Fp1" || name == "Fp2").map(|e| e.1).collect();
        let sum = |electrode: Vec3| self.eye_positions().into_iter().map(|eye| at(electrode, eye)).sum::<f64>();
        let zero = sum(self.sphere.reference);
        brows.iter().map(|electrode| sum(*electrode) - zero).sum::<f64>() / brows.len() as f64
    }

    /// Where the eyes are (m, head coordinates): behind the brow, inside the sphere.
    pub(crate) fn eye_positions(&self) -> [Vec3; 2] {
        let place = |side: f64| {
            let direction = crate::vector::unit([side * 0.033, 0.066, -0.026]);
            crate::vector::add(self.sphere.centre, scale(direction, 0.86 * self.sphere.radius))
        };
        [place(-1.0), place(1.0)]
    }

    /// The heart's current dipole (A·m): its own field at the helmet, and a potential that falls evenly along the body.
    pub(crate) fn heart(&self, at: Vec3, moment: Vec3, slope: Vec3) -> Vec<f64> {
        let mut column = self.meg_in_head(|p| crate::forward::current_dipole(p, at, moment));
        for (channel, position) in self.eeg().zip(&self.positions) {
            column[channel] = dot(slope, sub(*position, self.sphere.reference));
        }
        column
    }

    /// Sets the value of all channels of a kind.
    pub(crate) fn set(&self, column: &mut [f64], kind: Kind, mut value: impl FnMut() -> f64) {
        for (x, _) in column.iter_mut().zip(&self.kinds).filter(|(_, k)| **k == kind) {
            *x = value();
        }
    }
}
