//! Software gradient compensation (CTF): what far reference sensors see is taken out of the sensors at the head.
//!
//! Samples `(n_channels, n_times)` in SI units are multiplied by a matrix over sensors and references. Of grade 0 nothing was
//! subtracted; grade `k` is `s - Cₖ s` with the matrix `Cₖ` of that kind among the recording's `comps`. From one grade to
//! another the way leads over grade 0, as in `mne.channels` (`make_compensator`); the numbers are those of
//! `Raw.apply_gradient_compensation`. Vrba & Robinson (2001), Methods 25:249-271.
//!
//! Errors: MEG channels of different grades, no matrix of that grade, a reference sensor that is not among the channels,
//! projectors that are applied already.

use bakusoku_core::{Bound, Channel, Error, Info, LinearMap, Method, Result, Segment, Span, Stream};
use bakusoku_math::linalg;
use ndarray::Array2;
use std::sync::Arc;

/// Brings a recording to another grade of compensation (`Raw.apply_gradient_compensation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradientCompensation {
    /// The grade that is wanted; 0 takes compensation back.
    pub grade: i32,
}

/// The grade of compensation in effect: the upper 16 bits of the coil types; 0 without MEG.
///
/// # Errors
/// When channels differ.
pub fn current_grade(info: &Info) -> Result<i32> {
    let mut grades = info.chs.iter().filter(|ch| ch.kind == Channel::MEG).map(|ch| ch.coil_type >> 16);
    let first = grades.next().unwrap_or(0);
    match grades.find(|grade| *grade != first) {
        None => Ok(first),
        Some(other) => {
            Err(Error::data(format!("MEG channels have the compensation grades {first} and {other}, expected one")))
        }
    }
}

/// What is subtracted at a grade, over the channels of the recording, `(n_channels, n_channels)`.
fn subtracted(info: &Info, grade: i32) -> Result<Array2<f64>> {
    let comp = info.comps.iter().find(|comp| comp.grade() == grade).ok_or_else(|| {
        let mut there: Vec<i32> = info.comps.iter().map(|comp| comp.grade()).collect();
        there.sort_unstable();
        Error::parameter("grade", format!("0 or one of {there:?}"), grade)
    })?;
    let cal = |at: usize| info.chs[at].range * info.chs[at].cal;
    let columns: Vec<usize> = comp
        .col_names
        .iter()
        .map(|name| info.index_of(name).ok_or_else(|| Error::NoChannel { name: name.clone(), among: info.chs.len() }))
        .collect::<Result<_>>()?;
    let mut out = Array2::zeros((info.chs.len(), info.chs.len()));
    for (row, name) in comp.row_names.iter().enumerate() {
        // Sensors that were left out are not compensated.
        let Some(i) = info.index_of(name) else { continue };
        for (column, &j) in columns.iter().enumerate() {
            // As it stands in a file: against stored numbers.
            let factor = if comp.save_calibrated { 1.0 } else { cal(i) / cal(j) };
            out[[i, j]] = comp.data[[row, column]] * factor;
        }
    }
    Ok(out)
}

impl GradientCompensation {
    /// The channels concerned, and the matrix over them; `None` where the recording has that grade.
    fn matrix(&self, info: &Info) -> Result<Option<(Vec<usize>, Array2<f64>)>> {
        let now = current_grade(info)?;
        if now == self.grade {
            return Ok(None);
        }
        if info.projs.iter().any(|proj| proj.active) {
            return Err(Error::Data {
                message: "projectors are applied already: the compensation can't be changed".into(),
                hint: Some("compensate before projectors are applied".into()),
            });
        }
        let part = |grade: i32| (grade != 0).then(|| subtracted(info, grade)).transpose();
        let (from, to) = (part(now)?, part(self.grade)?);
        let concerned = |at: usize| {
            [&from, &to]
                .into_iter()
                .flatten()
                .any(|c| c.row(at).iter().any(|value| *value != 0.0) || c.column(at).iter().any(|value| *value != 0.0))
        };
        let channels: Vec<usize> = (0..info.chs.len()).filter(|&at| concerned(at)).collect();
        let n = channels.len();
        let without = |c: &Array2<f64>| {
            Array2::from_shape_fn((n, n), |(i, j)| f64::from(u8::from(i == j)) - c[[channels[i], channels[j]]])
        };
        let eye = Array2::eye(n);
        let to = to.as_ref().map_or_else(|| eye.clone(), without);
        let matrix = match from.as_ref().map(without) {
            None => to,
            Some(from) => {
                let back = linalg::solve(from.view(), eye.view()).map_err(|_| {
                    Error::data(format!("the compensation of grade {now} can't be taken back: its matrix is singular"))
                })?;
                to.dot(&back)
            }
        };
        Ok(Some((channels, matrix)))
    }
}

impl Method for GradientCompensation {
    fn name(&self) -> &'static str {
        "gradient_compensation"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        self.matrix(&input.info)?;
        let mut info = (*input.info).clone();
        for ch in info.chs.iter_mut().filter(|ch| ch.kind == Channel::MEG) {
            ch.coil_type = (ch.coil_type & 0xffff) | self.grade << 16;
        }
        Ok(Stream { info: Arc::new(info), ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let (channels, matrix) = self.matrix(&input.info)?.unwrap_or_else(|| (Vec::new(), Array2::zeros((0, 0))));
        let segments = vec![Segment::Process(Span::new(0, input.n_times))];
        Ok(Bound::Matrix(LinearMap { channels, matrix, offset: None, segments, finite: false }))
    }
}
