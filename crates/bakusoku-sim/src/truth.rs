//! What is true about a recording, for those who want to find it again.

use crate::SimulationParams;
use crate::brain::Brain;
use crate::courses::{Eyes, Heart};
use serde_json::{Map, Value, json};

/// Gathered while the recording is planned.
#[derive(Default)]
pub(crate) struct Truth(Map<String, Value>);

impl Truth {
    pub(crate) fn brain(&mut self, brain: &Brain, params: &SimulationParams) {
        let mut evoked = json!(brain.evoked);
        // Amplitudes as they are in the data.
        for source in evoked.as_array_mut().into_iter().flatten() {
            scale(source, params.evoked);
        }
        let mut background = json!(brain.background);
        for source in background.as_array_mut().into_iter().flatten() {
            scale(source, params.background);
        }
        let rhythms: Vec<Value> = brain
            .rhythms
            .iter()
            .map(|(dipole, rhythm)| {
                let mut source = json!(dipole);
                scale(&mut source, params.background);
                source["frequency"] = json!(rhythm.frequency);
                source["bandwidth"] = json!(rhythm.bandwidth);
                source["suppressed_by"] = json!(rhythm.suppressed_by);
                source
            })
            .collect();
        self.0.insert("evoked".to_owned(), evoked);
        self.0.insert("rhythms".to_owned(), json!(rhythms));
        self.0.insert("background".to_owned(), background);
    }

    pub(crate) fn eyes(&mut self, eyes: &Eyes, duration: f64) {
        let blinks: Vec<f64> = eyes.blinks.iter().map(|b| b.0).filter(|t| *t < duration).collect();
        let saccades: Vec<f64> = eyes.saccades.iter().map(|s| s.0).filter(|t| *t < duration).collect();
        self.0.insert("blinks".to_owned(), json!(blinks));
        self.0.insert("saccades".to_owned(), json!(saccades));
    }

    pub(crate) fn heart(&mut self, heart: &Heart, duration: f64) {
        let beats: Vec<f64> = heart.beats.iter().copied().filter(|t| (0.0..duration).contains(t)).collect();
        self.0.insert("heartbeats".to_owned(), json!(beats));
    }

    pub(crate) fn value(self) -> Value {
        Value::Object(self.0)
    }
}

fn scale(source: &mut Value, factor: f64) {
    if let Some(amplitude) = source["amplitude"].as_f64() {
        source["amplitude"] = json!(amplitude * factor);
    }
}
