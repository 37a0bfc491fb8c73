//! The recording itself: parameters in, samples at any position out.

use crate::brain::Brain;
use crate::courses::{CHUNK, Courses, Eyes, Heart, Line, Pink, Responses, Rhythms, Slope, Trials};
use crate::head::Head;
use crate::interference::{eye_columns, heart_columns, hum, surroundings};
use crate::mix::{GROUP, Packed};
use crate::random::{Purpose, Streams};
use crate::rows::{Row, rows};
use crate::sensors::Sensors;
use crate::truth::Truth;
use crate::vector::scale;
use crate::{SimError, SimulationParams};
use bakusoku_core::{Event, Events, Picks, Recording, Result, Stream};
use ndarray::{ArrayView1, ArrayViewMut2, s};
use std::ops::Range;
use std::sync::Arc;

/// A simulated recording. Samples are made when they are read, by any thread, in any order: always the same ones.
pub struct Simulation {
    params: SimulationParams,
    stream: Stream,
    streams: Streams,
    head: Head,
    trials: Trials,
    rows: Vec<Row>,
    courses: Vec<Box<dyn Courses>>,
    n_sources: usize,
    /// `(n_channels, n_sources)`
    mixing: Vec<f64>,
    truth: serde_json::Value,
}

/// Sources and what they do to the channels, while they are gathered.
struct Gathered {
    courses: Vec<Box<dyn Courses>>,
    columns: Vec<Vec<f64>>,
}

impl Gathered {
    fn add(&mut self, courses: impl Courses + 'static, columns: Vec<Vec<f64>>) {
        debug_assert_eq!(courses.len(), columns.len());
        self.columns.extend(columns);
        self.courses.push(Box::new(courses));
    }
}

impl Simulation {
    /// Plans a recording; no sample is made yet (but the states at which chunks of noise begin).
    ///
    /// # Errors
    /// When a parameter makes no sense.
    pub fn new(params: SimulationParams) -> Result<Self, SimError> {
        params.check()?;
        let anatomy = Streams::new(params.seed, params.subject, 0);
        let streams = Streams::new(params.seed, params.subject, params.run);
        let head = Head::new(&anatomy, &streams);
        let sensors = Sensors::new(&params, &head);
        let trials = Trials::new(&streams, &params);
        let n_chunks = params.n_times().div_ceil(CHUNK as u64);
        let mut truth = Truth::default();
        let mut all = Gathered { courses: Vec::new(), columns: Vec::new() };

        if !params.empty_room {
            let brain = Brain::new(&anatomy, &head);
            let lead = |dipole: &crate::brain::Dipole, factor: f64| {
                sensors.dipole(dipole.pos, scale(dipole.ori, factor * dipole.amplitude))
            };
            let templates: Vec<_> = brain.evoked.iter().map(|e| (e.code, e.peaks.clone())).collect();
            let mut jitter = streams.parameters(Purpose::Evoked);
            let responses = Responses::new(&mut jitter, &trials, params.sfreq, &templates);
            all.add(responses, brain.evoked.iter().map(|e| lead(&e.dipole, params.evoked)).collect());

            let kinds: Vec<_> = brain.rhythms.iter().map(|(_, rhythm)| *rhythm).collect();
            let rhythms = Rhythms::new(streams, &kinds, &trials, params.sfreq, n_chunks);
            all.add(rhythms, brain.rhythms.iter().map(|(dipole, _)| lead(dipole, params.background)).collect());

            let slope = Slope { lowest: 0.1, highest: 80.0, exponent: 1.0 };
            let n = brain.background.len();
            let pink = Pink::new(streams, Purpose::Background, n, &slope, params.sfreq, n_chunks);
            all.add(pink, brain.background.iter().map(|dipole| lead(dipole, params.background)).collect());

            truth.brain(&brain, &params);
            if params.eyes {
                let eyes = Eyes::new(&streams, params.sfreq, params.duration);
                truth.eyes(&eyes, params.duration);
                all.add(eyes, eye_columns(&sensors));
            }
            if params.heart {
                let heart = Heart::new(&anatomy, &streams, params.sfreq, params.duration);
                truth.heart(&heart, params.duration);
                all.add(heart, heart_columns(&sensors));
            }
        }
        if params.surroundings > 0.0 && params.meg {
            let columns = surroundings(&sensors, &streams, params.surroundings);
            let slope = Slope { lowest: 0.02, highest: 20.0, exponent: 1.7 };
            let n = columns.len();
            all.add(Pink::new(streams, Purpose::Surroundings, n, &slope, params.sfreq, n_chunks), columns);
        }
        if params.line > 0.0 {
            let line = Line::new(streams, params.sfreq, params.line_freq);
            let columns = hum(&sensors, &streams, line.len(), params.line);
            all.add(line, columns);
        }

        let n_sources = all.columns.len();
        let mut mixing = vec![0.0; sensors.len() * n_sources];
        for (k, column) in all.columns.iter().enumerate() {
            for (c, value) in column.iter().enumerate() {
                mixing[c * n_sources + k] = *value;
            }
        }
        let rows = rows(&params, &anatomy, &sensors.kinds);
        let info = crate::info::info(&params, &head, &sensors, &rows);
        let stream = Stream {
            first_samp: params.first_samp,
            n_times: params.n_times(),
            gaps: Vec::new(),
            annotations: Default::default(),
            info: Arc::new(info),
        };
        let mut simulation = Self {
            params,
            stream,
            streams,
            head,
            trials,
            rows,
            courses: all.courses,
            n_sources,
            mixing,
            truth: truth.value(),
        };
        simulation.truth = simulation.whole_truth();
        Ok(simulation)
    }

    /// The parameters it was made of.
    pub fn params(&self) -> &SimulationParams {
        &self.params
    }
    /// The person's head; meaningless for an empty room.
    pub fn head(&self) -> &Head {
        &self.head
    }
    /// What happened when: the sample counts from the start of the acquisition (`first_samp` included).
    pub fn events(&self) -> Events {
        let event =
            |&(sample, code): &(u64, i64)| Event { sample: sample as i64 + self.params.first_samp, previous: 0, code };
        self.trials
            .events
            .iter()
            .map(event)
            .filter(|e| e.sample < self.params.first_samp + self.stream.n_times as i64)
            .collect()
    }
    /// All that a method could be asked to find: sources with places, directions and amplitudes, events, blinks, heartbeats, bad
    /// channels, head position, and the parameters.
    pub fn ground_truth(&self) -> serde_json::Value {
        self.truth.clone()
    }

    fn whole_truth(&self) -> serde_json::Value {
        let mut truth = serde_json::Map::new();
        let mut put = |name: &str, value: serde_json::Value| {
            truth.insert(name.to_owned(), value);
        };
        put("parameters", serde_json::json!(self.params));
        put("line_freq", serde_json::json!(self.params.line_freq));
        let bads: Vec<_> = self
            .rows
            .iter()
            .zip(&self.stream.info.chs)
            .filter_map(|(row, ch)| row.fault.map(|fault| serde_json::json!({ "name": ch.name, "fault": fault })))
            .collect();
        put("bads", serde_json::json!(bads));
        if !self.params.empty_room {
            let (centre, radius) = (self.head.centre, self.head.radius);
            put(
                "head",
                serde_json::json!({ "centre": centre, "radius": radius, "dev_head_t": self.head.dev_head_t.matrix }),
            );
            put(
                "event_id",
                serde_json::json!(crate::EVENT_ID.into_iter().collect::<std::collections::BTreeMap<_, _>>()),
            );
            let events: Vec<_> =
                self.events().iter().map(|e| serde_json::json!([e.sample, e.previous, e.code])).collect();
            put("events", serde_json::json!(events));
            if let serde_json::Value::Object(parts) = &self.truth {
                parts.iter().for_each(|(name, value)| put(name, value.clone()));
            }
        }
        serde_json::Value::Object(truth)
    }

    /// The courses of all sources in a chunk.
    fn pack(&self, chunk: u64) -> Packed {
        let mut courses = vec![0.0; self.n_sources * CHUNK];
        let mut rest = courses.as_mut_slice();
        for family in &self.courses {
            let (part, after) = rest.split_at_mut(family.len() * CHUNK);
            family.fill(chunk, part);
            rest = after;
        }
        Packed::new(&courses, self.n_sources)
    }

    /// One chunk of four channels at most, `(GROUP, CHUNK)`.
    fn make(
        &self,
        chunk: u64,
        packed: Option<&Packed>,
        picks: &[usize],
        weights: &mut Vec<[f64; GROUP]>,
        out: &mut [f64],
    ) {
        if let Some(packed) = packed {
            weights.clear();
            weights.resize(self.n_sources, [0.0; GROUP]);
            for (place, &channel) in picks.iter().enumerate() {
                let row = &self.mixing[channel * self.n_sources..][..self.n_sources];
                weights.iter_mut().zip(row).for_each(|(weight, value)| weight[place] = *value);
            }
            packed.mix(weights, out);
        }
        for (&channel, samples) in picks.iter().zip(out.chunks_exact_mut(CHUNK)) {
            if self.is_stim(channel) {
                self.trials.stimulus_channel(chunk * CHUNK as u64, samples);
            } else {
                self.rows[channel].finish(&self.streams, chunk, self.params.sfreq, samples);
            }
        }
    }

    fn is_stim(&self, channel: usize) -> bool {
        self.stream.info.chs[channel].kind == bakusoku_core::Channel::STIM
    }
}

impl Recording for Simulation {
    fn stream(&self) -> &Stream {
        &self.stream
    }

    fn read(&self, times: Range<u64>, picks: &Picks, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.check(&times, picks, &out)?;
        if times.is_empty() || picks.is_empty() {
            return Ok(());
        }
        let mut samples = vec![0.0; GROUP * CHUNK];
        let mut weights = Vec::with_capacity(self.n_sources);
        let any_source = picks.iter().any(|channel| !self.is_stim(channel));
        for chunk in times.start / CHUNK as u64..=(times.end - 1) / CHUNK as u64 {
            let packed = any_source.then(|| self.pack(chunk));
            let start = chunk * CHUNK as u64;
            let (from, to) = (times.start.max(start), times.end.min(start + CHUNK as u64));
            let (here, there) = ((from - start) as usize..(to - start) as usize, from - times.start..to - times.start);
            for (group, channels) in picks.as_slice().chunks(GROUP).enumerate() {
                self.make(chunk, packed.as_ref(), channels, &mut weights, &mut samples);
                for (place, row) in samples.chunks_exact(CHUNK).take(channels.len()).enumerate() {
                    let (a, b) = (there.start as usize, there.end as usize);
                    out.slice_mut(s![group * GROUP + place, a..b]).assign(&ArrayView1::from(&row[here.clone()]));
                }
            }
        }
        Ok(())
    }
}
