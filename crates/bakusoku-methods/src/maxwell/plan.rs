//! All that is known before the first sample: channels, bases, stretches, windows, head positions.

use super::cross_talk::decoupler;
use super::decompose::{Decomposer, Decomposition};
use super::layout::{Layout, Windows};
use super::origin::origin;
use super::params::{Destination, MaxwellParams, McInterp};
use super::positions::{Positions, close};
use super::report::MaxwellReport;
use super::sensors::Sensors;
use bakusoku_core::{CoordFrame, Error, Expansion, Info, Result, Segment, Span, Transform};
use bakusoku_math::linalg;
use ndarray::{Array2, Axis};

/// Channels that tell where the head was.
pub(super) const N_CHPI: usize = 9;

/// The temporal extension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Temporal {
    /// Directions that inner and outer space share to at least this correlation are taken out.
    pub limit: f64,
    /// Nothing else is done.
    pub only: bool,
    /// It works on what movement compensation made, rather than before it.
    pub after: bool,
}

/// A window and the basis that it is split with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WindowPlan {
    /// Which of [`Plan::averages`].
    pub average: usize,
    /// Head positions that it covers.
    pub n_positions: usize,
}

/// A mean head position that windows are split with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AveragePlan {
    /// From the device to the head frame.
    pub dev_head_t: Transform,
    /// Start of the first window that uses it (s).
    pub time: f64,
}

/// See above.
#[derive(Debug)]
pub(super) struct Plan {
    pub sfreq: f64,
    /// Channels that go in.
    pub n_channels: usize,
    pub ch_names: Vec<String>,
    pub decomposer: Decomposer,
    /// Good channels, as rows of the recording.
    pub good: Vec<usize>,
    /// Bad MEG channels, as rows of the recording.
    pub bad: Vec<usize>,
    /// What is no MEG channel, as rows of the recording.
    pub others: Vec<usize>,
    pub decoupler: Option<Array2<f64>>,
    pub positions: Positions,
    /// The basis at the first position.
    pub first: Decomposition,
    /// All channels from inner moments: those kept when the head does not move, else all of them.
    pub recon: Array2<f64>,
    pub segments: Vec<Segment>,
    /// Of the stretches to be processed, in order.
    pub layouts: Vec<Layout>,
    /// Windows of each stretch; of one that is too short for windows, the stretch.
    pub windows: Vec<Vec<WindowPlan>>,
    pub averages: Vec<AveragePlan>,
    pub temporal: Option<Temporal>,
    pub interp: McInterp,
    /// Head position channels are appended.
    pub chpi: bool,
    /// What is known beforehand.
    pub report: MaxwellReport,
}

impl Plan {
    /// Plans the filtering of a recording of `segments`.
    ///
    /// # Errors
    /// When parameters make no sense, or do not fit the recording.
    pub(super) fn new(info: &Info, first_samp: i64, segments: &[Segment], params: &MaxwellParams) -> Result<Self> {
        params.check()?;
        let mut warnings = Vec::new();
        let sensors = Sensors::new(info, params)?;
        let (origin, origin_head) = origin(info, params)?;
        let destination = destination(info, params);
        if let (Some(destination), Some(from)) = (&destination, &info.dev_head_t) {
            warnings.extend(far(from, destination));
        }
        let (positions, warning) =
            Positions::new(params.head_pos.as_deref(), info.dev_head_t.as_ref(), first_samp, info.sfreq)?;
        warnings.extend(warning);
        if !params.st_fixed {
            warnings.push("st_fixed=False is untested, use with caution!".into());
        }
        let decomposer = Decomposer::new(info, params, sensors, origin_head)?;
        let extra = &decomposer.extra_calibration;
        if !extra.is_empty() {
            let plural = if extra.len() == 1 { "" } else { "s" };
            warnings.push(format!("Found cal channel{plural} not in data: {}", list(extra)));
        }
        let sensors = &decomposer.sensors;
        let decoupler = match &params.cross_talk {
            None => None,
            Some(cross_talk) => {
                let (matrix, extra) = decoupler(sensors, cross_talk)?;
                if !extra.is_empty() {
                    warnings.push(format!("Not all cross-talk channels in raw:\n{}", list(&extra)));
                }
                Some(matrix)
            }
        };
        let moves = positions.controls.len() > 1;
        let temporal = params.st_duration.map(|_| Temporal {
            limit: params.st_correlation,
            only: params.st_only,
            after: !params.st_fixed && moves && !params.st_only,
        });
        let layouts = layouts(info, segments, params)?;
        let (first, warning) = decomposer.at(Some(&positions.controls[0].dev_head_t), 0.0)?;
        warnings.extend(warning);
        let own = match &info.dev_head_t {
            Some(own) if params.head_pos.is_some() => Some(decomposer.at(Some(own), 0.0)?.0),
            _ => None,
        };
        let own = own.as_ref().unwrap_or(&first);
        let mut recon = decomposer.reconstruction(destination.as_ref());
        if !moves {
            recon = recon.select(Axis(1), &first.moments[..first.n_use_in]);
        }
        let report = MaxwellReport {
            origin,
            origin_head,
            int_order: params.int_order,
            ext_order: params.ext_order,
            n_extended: decomposer.n_extended(),
            n_good: sensors.good.len(),
            n_mags: sensors.n_mags(),
            n_grads: sensors.len() - sensors.n_mags(),
            n_kit: sensors.n_kit,
            bads: sensors.bad().map(|i| sensors.chs[i].name.clone()).collect(),
            mag_scale: sensors.mag_scale,
            moments: own.moments.clone(),
            n_use_in: own.n_use_in,
            calibration: decomposer.calibrated.as_ref().map(|calibrated| calibrated.applied.clone()),
            decompositions: vec![own.report],
            segments: layouts.iter().map(Layout::report).collect(),
            windows: Vec::new(),
            destination,
            warnings,
        };
        let mut plan = Self {
            sfreq: info.sfreq,
            n_channels: info.n_channels(),
            ch_names: info.ch_names().map(str::to_owned).collect(),
            good: sensors.good.iter().map(|&i| sensors.picks[i]).collect(),
            bad: sensors.bad().map(|i| sensors.picks[i]).collect(),
            others: (0..info.n_channels()).filter(|ch| !sensors.picks.contains(ch)).collect(),
            decoupler,
            positions,
            first,
            recon,
            segments: segments.to_vec(),
            layouts,
            windows: Vec::new(),
            averages: Vec::new(),
            temporal,
            interp: params.mc_interp,
            chpi: params.head_pos.is_some() && !params.st_only,
            report,
            decomposer,
        };
        plan.plan_windows()?;
        Ok(plan)
    }

    /// The mean position of each window; one that is close to the last one is taken to be that. A stretch that is too
    /// short for windows has a mean position as well, to which the next one may be close.
    fn plan_windows(&mut self) -> Result<()> {
        let mut last: Option<[f64; 6]> = None;
        for layout in &self.layouts {
            let spans: Vec<Span> = match (layout.is_temporal(), self.temporal) {
                (true, _) => (0..layout.n_windows()).map(|w| layout.window(w)).collect(),
                (false, Some(_)) => vec![layout.span],
                (false, None) => Vec::new(),
            };
            let mut windows = Vec::with_capacity(spans.len());
            for span in spans {
                let average = self.positions.average(span.start, span.stop)?;
                if last.is_none_or(|last| !close(&average.row, &last)) {
                    last = Some(average.row);
                    let time = span.start as f64 / self.sfreq;
                    self.averages.push(AveragePlan { dev_head_t: average.dev_head_t, time });
                }
                windows.push(WindowPlan { average: self.averages.len() - 1, n_positions: average.n_positions });
            }
            self.windows.push(windows);
        }
        Ok(())
    }

    /// What is held at most while blocks pass (bytes), beside them.
    pub(super) fn held_bytes(&self, threads: usize) -> u64 {
        let chunk = self.layouts.iter().flat_map(|l| [l.chunk(0).len(), l.chunk(l.n_chunks() - 1).len()]).max();
        // Chunks in hand, and one that waits for its second window.
        let chunks = (threads as u64 + 1) * chunk.unwrap_or(0) * self.n_out() as u64;
        let n = self.n_channels as u64;
        // Where the parts of windows are decomposed themselves: samples, parts, and their bases.
        let window = self.layouts.iter().map(|l| l.report().window + l.report().tail).max().unwrap_or(0);
        let after = if self.temporal.is_some_and(|t| t.after) { 6 * threads as u64 * window * n } else { 0 };
        // A triangle of each chunk, what splits windows, and the bases of some positions.
        8 * (chunks + after + n * n * (3 * threads as u64 + 4))
    }

    /// Channels that come out.
    pub(super) fn n_out(&self) -> usize {
        self.n_channels + if self.chpi { N_CHPI } else { 0 }
    }

    /// MEG channels, as rows of the recording.
    pub(super) fn picks(&self) -> &[usize] {
        &self.decomposer.sensors.picks
    }

    /// What windows are made of before movement compensation: the good channels; then the bad ones, where they are only
    /// projected.
    pub(super) fn signals(&self) -> Vec<usize> {
        let more: &[usize] = if self.temporal.is_some_and(|temporal| temporal.only) { &self.bad } else { &[] };
        self.good.iter().chain(more).copied().collect()
    }

    /// Whether the head moves.
    pub(super) fn moves(&self) -> bool {
        self.positions.controls.len() > 1
    }

    /// The whole filter as a matrix over the MEG channels, when it is one.
    pub(super) fn matrix(&self) -> Option<Array2<f64>> {
        if self.moves() || self.temporal.is_some() || self.chpi {
            return None;
        }
        let from_good =
            linalg::matmul(&bakusoku_core::Par::serial(), self.recon.view(), self.decoupled(&self.first).view());
        let n = self.picks().len();
        let mut out = Array2::zeros((n, n));
        for (column, &i) in from_good.columns().into_iter().zip(&self.decomposer.sensors.good) {
            out.column_mut(i).assign(&column);
        }
        Some(out)
    }

    /// What makes the channels of inner moments, when they are made of nothing else, and there are fewer moments.
    pub(super) fn expansion(&self) -> Option<Expansion> {
        let whole = self.segments.iter().all(|segment| matches!(segment, Segment::Process(_)));
        let of_moments = self.temporal.is_none_or(|temporal| !temporal.only && !temporal.after);
        let fewer = self.recon.ncols() < self.picks().len();
        (whole && of_moments && fewer).then(|| Expansion::new(self.picks().to_vec(), self.recon.clone(), self.n_out()))
    }

    /// Inner moments from the good channels, cross-talk taken out: those kept, or all when the head moves.
    pub(super) fn decoupled(&self, basis: &Decomposition) -> Array2<f64> {
        let mut ps = match &self.decoupler {
            None => basis.ps_in().to_owned(),
            Some(decoupler) => linalg::matmul(&bakusoku_core::Par::serial(), basis.ps_in(), decoupler.view()),
        };
        if self.moves() {
            let mut all = Array2::zeros((self.recon.ncols(), ps.ncols()));
            for (row, &moment) in ps.rows().into_iter().zip(&basis.moments) {
                all.row_mut(moment).assign(&row);
            }
            ps = all;
        }
        ps
    }

    /// The positions between which a sample lies, and the weight of the first.
    pub(super) fn between(&self, sample: u64) -> (usize, Option<(usize, f64)>) {
        let controls = &self.positions.controls;
        let at = self.positions.holding(sample);
        let Some(next) = controls.get(at + 1) else { return (at, None) };
        let (from, span) = (controls[at].sample, (next.sample - controls[at].sample) as f64);
        let share = (sample - from) as f64 / span;
        let weight = match self.interp {
            McInterp::Zero => return (at, None),
            McInterp::Linear => 1.0 - share,
            McInterp::Hann => {
                let cosine = (share * std::f64::consts::FRAC_PI_2).cos();
                cosine * cosine
            }
        };
        (at, Some((at + 1, weight)))
    }

    /// The positions that samples need.
    pub(super) fn controls_of(&self, span: Span) -> std::ops::Range<usize> {
        let last = self.positions.holding(span.stop - 1);
        let one_more = self.interp != McInterp::Zero && last + 1 < self.positions.controls.len();
        self.positions.holding(span.start)..last + 1 + usize::from(one_more)
    }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Where the head is to appear in the result.
pub(super) fn destination(info: &Info, params: &MaxwellParams) -> Option<Transform> {
    match params.destination {
        Destination::None => info.dev_head_t,
        Destination::Transform(transform) => Some(transform),
        Destination::Translation(trans) => {
            let mut out = Transform::identity(CoordFrame::DEVICE, CoordFrame::HEAD);
            (0..3).for_each(|i| out.matrix[i][3] = trans[i]);
            Some(out)
        }
    }
}

/// A warning when the head is moved by more than 25 mm.
fn far(from: &Transform, to: &Transform) -> Option<String> {
    let moved: [f64; 3] = std::array::from_fn(|i| 1000.0 * (from.matrix[i][3] - to.matrix[i][3]));
    let distance = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
    (distance > 25.0).then(|| {
        let [x, y, z] = moved;
        format!("Head position change is over 25 mm ({x:.1}, {y:.1}, {z:.1}) = {distance:.1} mm")
    })
}

fn layouts(info: &Info, segments: &[Segment], params: &MaxwellParams) -> Result<Vec<Layout>> {
    let spans: Vec<Span> = segments
        .iter()
        .filter_map(|segment| match segment {
            Segment::Process(span) if !span.is_empty() => Some(*span),
            _ => None,
        })
        .collect();
    let windows = match params.st_duration {
        None => None,
        Some(seconds) => {
            let samples = (seconds * info.sfreq).round_ties_even();
            let longest = spans.iter().map(Span::len).max().unwrap_or(0);
            if !(samples > 0.0 && samples <= longest as f64) {
                return Err(Error::parameter(
                    "st_duration",
                    format!(
                        "st_duration ({seconds:.1}s) must be between 0 and the longest contiguous duration of the data \
                         ({:.1}s)",
                        longest as f64 / info.sfreq
                    ),
                    seconds,
                ));
            }
            Some(Windows { samples: samples as u64, overlap: params.st_overlap })
        }
    };
    Ok(spans.into_iter().map(|span| Layout::new(span, windows)).collect())
}
