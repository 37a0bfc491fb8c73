//! Sources in the brain: which parts answer to tones, pictures and the own hand, which ones swing, and the rest.

use crate::courses::{Peak, Rhythm, code};
use crate::head::Head;
use crate::random::{Parameters, Purpose, Streams};
use crate::vector::{Vec3, add, norm, scale, unit};
use serde::Serialize;

/// A current dipole of fixed place and direction.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dipole {
    pub(crate) name: String,
    /// Position (m, head coordinates).
    pub(crate) pos: Vec3,
    /// Direction of positive current.
    pub(crate) ori: Vec3,
    /// Moment (A·m) where the time course is 1.
    pub(crate) amplitude: f64,
}

/// A source of evoked responses.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Evoked {
    /// Code of the event it answers to.
    pub(crate) code: i64,
    #[serde(flatten)]
    pub(crate) dipole: Dipole,
    pub(crate) peaks: Vec<Peak>,
}

/// Name, code, place (m from the sphere's centre), direction, amplitude (A·m), peaks (s, s, share).
type Template = (&'static str, i64, Vec3, Vec3, f64, &'static [(f64, f64, f64)]);

// Amplitudes and latencies as in the literature: N100m (Hari 1990; some 20-50 nAm a hemisphere, currents point down, so that the
// vertex turns negative), C1 and P1 of pattern onset, N170 of the fusiform gyrus, readiness and motor field of the hand.
const AUDITORY: &[(f64, f64, f64)] = &[(0.052, 0.010, -0.25), (0.098, 0.019, 1.0), (0.190, 0.036, -0.5)];
const EARLY_VISUAL: &[(f64, f64, f64)] = &[(0.075, 0.010, -0.25), (0.106, 0.016, 1.0), (0.155, 0.022, -0.6)];
const FUSIFORM: &[(f64, f64, f64)] = &[(0.170, 0.020, 1.0), (0.265, 0.045, -0.4)];
const MOTOR: &[(f64, f64, f64)] = &[(-0.060, 0.040, 0.6), (0.040, 0.028, -1.0)];
const EVOKED: [Template; 7] = [
    ("auditory-lh", code::AUDITORY, [-0.051, -0.012, 0.012], [0.1, 0.35, -0.93], 38e-9, AUDITORY),
    ("auditory-rh", code::AUDITORY, [0.052, -0.008, 0.012], [-0.1, 0.35, -0.93], 45e-9, AUDITORY),
    ("occipital-lh", code::VISUAL, [-0.013, -0.067, 0.006], [-0.7, -0.35, 0.55], 28e-9, EARLY_VISUAL),
    ("occipital-rh", code::VISUAL, [0.013, -0.067, 0.006], [0.7, -0.35, 0.55], 28e-9, EARLY_VISUAL),
    ("fusiform-lh", code::VISUAL, [-0.038, -0.046, -0.020], [0.55, 0.3, 0.78], 22e-9, FUSIFORM),
    ("fusiform-rh", code::VISUAL, [0.038, -0.046, -0.020], [-0.55, 0.3, 0.78], 34e-9, FUSIFORM),
    ("motor-lh", code::BUTTON, [-0.035, -0.005, 0.058], [0.2, 0.95, 0.2], 30e-9, MOTOR),
];

/// Name, place, direction, amplitude (A·m), frequency (Hz), bandwidth (Hz), suppressed by.
const RHYTHMS: [(&str, Vec3, Vec3, f64, f64, f64, i64); 5] = [
    ("alpha-lh", [-0.018, -0.058, 0.028], [0.8, 0.2, 0.4], 26e-9, 10.2, 1.6, code::VISUAL),
    ("alpha-rh", [0.020, -0.057, 0.026], [-0.8, 0.2, 0.4], 29e-9, 10.2, 1.6, code::VISUAL),
    ("mu-lh", [-0.034, -0.010, 0.058], [0.3, 0.9, 0.2], 18e-9, 11.3, 1.8, code::BUTTON),
    ("mu-rh", [0.034, -0.010, 0.058], [-0.3, 0.9, 0.2], 16e-9, 11.3, 1.8, code::BUTTON),
    ("beta-lh", [-0.035, -0.004, 0.060], [0.3, 0.9, 0.2], 9e-9, 20.5, 4.0, code::BUTTON),
];

/// Dipoles of the rest of the brain.
const BACKGROUND: usize = 30;

/// All sources of one brain.
pub(crate) struct Brain {
    pub(crate) evoked: Vec<Evoked>,
    pub(crate) rhythms: Vec<(Dipole, Rhythm)>,
    pub(crate) background: Vec<Dipole>,
}

/// Moves a source by some millimetres, turns it by some degrees; it stays in the brain.
fn vary(random: &mut Parameters, head: &Head, at: Vec3, ori: Vec3) -> (Vec3, Vec3) {
    let shift: Vec3 = std::array::from_fn(|_| 0.003 * random.bounded(2.0));
    let turn: Vec3 = std::array::from_fn(|_| 0.12 * random.bounded(2.0));
    // Templates are for a head of 91 mm.
    let mut place = scale(add(at, shift), head.radius / 0.091);
    let depth = norm(place) / head.radius;
    if depth > 0.84 {
        place = scale(place, 0.84 / depth);
    }
    (add(head.centre, place), unit(add(unit(ori), turn)))
}

impl Brain {
    pub(crate) fn new(anatomy: &Streams, head: &Head) -> Self {
        let mut random = anatomy.parameters(Purpose::Evoked);
        // A person is early or late as a whole, and strong or weak.
        let (late, strong) = (0.004 * random.bounded(2.0), (0.12 * random.bounded(2.0)).exp());
        let evoked = EVOKED
            .into_iter()
            .map(|(name, code, at, ori, amplitude, peaks)| {
                let (pos, ori) = vary(&mut random, head, at, ori);
                let amplitude = amplitude * strong * (0.12 * random.bounded(2.0)).exp();
                let delay = if code == code::BUTTON { 0.0 } else { late + 0.002 * random.bounded(2.0) };
                let peaks =
                    peaks.iter().map(|&(latency, width, height)| Peak { latency: latency + delay, width, height });
                Evoked { code, dipole: Dipole { name: name.to_owned(), pos, ori, amplitude }, peaks: peaks.collect() }
            })
            .collect();

        let mut random = anatomy.parameters(Purpose::RhythmSources);
        let pace = 0.6 * random.bounded(1.5);
        let rhythms = RHYTHMS
            .into_iter()
            .map(|(name, at, ori, amplitude, frequency, bandwidth, suppressed_by)| {
                let (pos, ori) = vary(&mut random, head, at, ori);
                let amplitude = amplitude * (0.3 * random.bounded(2.0)).exp();
                let frequency = frequency + pace;
                (Dipole { name: name.to_owned(), pos, ori, amplitude }, Rhythm { frequency, bandwidth, suppressed_by })
            })
            .collect();

        let mut random = anatomy.parameters(Purpose::BackgroundSources);
        let background = (0..BACKGROUND)
            .map(|index| {
                // Anywhere in a shell where the cortex is, not in the neck.
                let mut direction = random.direction();
                while direction[2] < -0.45 {
                    direction = random.direction();
                }
                let depth = random.uniform(0.55, 0.82);
                Dipole {
                    name: format!("background-{:02}", index + 1),
                    pos: add(head.centre, scale(direction, depth * head.radius)),
                    ori: random.direction(),
                    amplitude: 14e-9 * (0.4 * random.bounded(2.0)).exp(),
                }
            })
            .collect();
        Self { evoked, rhythms, background }
    }
}
