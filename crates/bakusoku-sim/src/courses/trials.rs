//! The experiment: tones and pictures in random order, and now and then a button.

use crate::SimulationParams;
use crate::random::{Purpose, Streams};

/// Codes on the stimulus channel.
pub(crate) mod code {
    /// A tone.
    pub(crate) const AUDITORY: i64 = 1;
    /// A picture.
    pub(crate) const VISUAL: i64 = 2;
    /// The button.
    pub(crate) const BUTTON: i64 = 32;
}

/// What happened when.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    /// Sample (from the recording's first one) and code, in order.
    pub(crate) events: Vec<(u64, i64)>,
    /// Length of a pulse on the stimulus channel, in samples.
    pub(crate) pulse: u64,
}

impl Trials {
    pub(crate) fn new(streams: &Streams, params: &SimulationParams) -> Self {
        let pulse = ((0.008 * params.sfreq).round() as u64).max(3);
        let mut events = Vec::new();
        if params.empty_room {
            return Self { events, pulse };
        }
        let mut random = streams.parameters(Purpose::Trials);
        let (mut at, mut block) = (1.0, Vec::new());
        // A second at each end, so that every epoch is whole.
        while at < params.duration - 1.0 {
            if block.is_empty() {
                // Equally many of each in any eight.
                block = [code::AUDITORY, code::VISUAL].repeat(4);
                random.shuffle(&mut block);
            }
            let stimulus = block.pop().unwrap_or(code::AUDITORY);
            events.push(((at * params.sfreq).round() as u64, stimulus));
            let isi = random.uniform(params.isi.0, params.isi.1);
            // One picture in six asks for the button; nobody is faster than 0.22 s.
            let reaction = 0.36 * (0.16 * random.bounded(2.5)).exp();
            if stimulus == code::VISUAL && random.chance(1.0 / 6.0) && reaction + 0.05 < isi {
                events.push((((at + reaction) * params.sfreq).round() as u64, code::BUTTON));
            }
            at += isi;
        }
        Self { events, pulse }
    }

    /// Value of the stimulus channel at each sample of `start..start + out.len()`.
    pub(crate) fn stimulus_channel(&self, start: u64, out: &mut [f64]) {
        out.fill(0.0);
        let stop = start + out.len() as u64;
        let first = self.events.partition_point(|event| event.0 + self.pulse <= start);
        for &(sample, code) in self.events[first..].iter().take_while(|event| event.0 < stop) {
            for t in sample.max(start)..(sample + self.pulse).min(stop) {
                out[(t - start) as usize] += code as f64;
            }
        }
    }
}
