//! One recording, Maxwell filtered from file to file, as a stream: memory does not grow with its length.

use crate::{Error, Result};
use bakusoku_core::run::{Flow, NodeId};
use bakusoku_core::{Cx, Info, Method, Picks, Recording, Stream};
use bakusoku_io::fif::{RawFormat, RawOptions, RawWriter};
use bakusoku_io::maxfilter::{read_cross_talk, read_fine_calibration};
use bakusoku_methods::maxwell::{BadChannels, FindBadsParams, MaxwellFilter, MaxwellParams, MaxwellReport, ReportSlot};
use ndarray::ArrayViewMut2;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// Where something about the sensors comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Calibration {
    /// The recording, if it carries it.
    #[default]
    Embedded,
    /// Nowhere: done without.
    None,
    /// This file.
    File(PathBuf),
}

/// How a recording is to be filtered.
#[derive(Clone, Debug, Default)]
pub struct MaxfilterOptions {
    /// Parameters of the filter; calibration and cross-talk come from the two below.
    pub params: MaxwellParams,
    /// Fine calibration.
    pub calibration: Calibration,
    /// Cross-talk.
    pub cross_talk: Calibration,
    /// Channels that are bad, beside those that the recording marks.
    pub bads: Vec<String>,
    /// Look for flat and noisy channels first, with these limits (score, length of an interval in s, least number).
    pub find_bads: Option<(f64, f64, usize)>,
    /// How samples are stored.
    pub fmt: RawFormat,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Maxfiltered {
    /// Files written.
    pub written: Vec<PathBuf>,
    /// What the filter did.
    pub report: MaxwellReport,
    /// Bad channels found, where they were looked for.
    pub found: Option<BadChannels>,
}

/// A recording with more bad channels.
struct Marked {
    inner: Box<dyn Recording>,
    stream: Stream,
}

impl Marked {
    fn mark(&mut self, bads: &[String]) -> Result<()> {
        let mut info: Info = (*self.stream.info).clone();
        Picks::names(&info, bads)?;
        info.bads = info
            .ch_names()
            .filter(|name| is_named(&info.bads, name) || is_named(bads, name))
            .map(str::to_owned)
            .collect();
        self.stream.info = Arc::new(info);
        Ok(())
    }
}

fn is_named(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other == name)
}

impl Recording for Marked {
    fn stream(&self) -> &Stream {
        &self.stream
    }
    fn read(&self, times: Range<u64>, picks: &Picks, out: ArrayViewMut2<'_, f64>) -> bakusoku_core::Result<()> {
        self.inner.read(times, picks, out)
    }
}

/// Filters `input` into `output`, which appears under its name whole.
///
/// # Errors
/// When a file can't be read or written, or parameters do not fit the recording; the latter before a sample is read.
pub fn maxfilter(input: &Path, output: &Path, options: &MaxfilterOptions, cx: &Cx) -> Result<Maxfiltered> {
    if let (Ok(a), Ok(b)) = (input.canonicalize(), output.canonicalize())
        && a == b
    {
        let message = format!("`{}` would be replaced by what is made of it", input.display());
        return Err(Error::data(message, "choose another name for the output"));
    }
    let inner = bakusoku_io::open(input)?;
    let mut recording = Marked { stream: inner.stream().clone(), inner };
    recording.mark(&options.bads)?;
    let info = recording.stream.info.clone();
    let mut params = options.params.clone();
    params.calibration = match &options.calibration {
        Calibration::Embedded => info.fine_calibration()?,
        Calibration::None => None,
        Calibration::File(path) => Some(read_fine_calibration(path)?),
    }
    .map(Arc::new);
    params.cross_talk = match &options.cross_talk {
        Calibration::Embedded => info.cross_talk()?,
        Calibration::None => None,
        Calibration::File(path) => Some(read_cross_talk(path)?),
    }
    .map(Arc::new);
    // All that can be wrong without looking at samples, before the search for bad channels.
    MaxwellFilter::new(params.clone()).output(&recording.stream)?;
    let found = match options.find_bads {
        None => None,
        Some((limit, duration, min_count)) => {
            let search = FindBadsParams { limit, duration, min_count, maxwell: params.clone() };
            let found = crate::steps::find_bads::search(&recording, &search, cx)?;
            recording.mark(&[&found.flat[..], &found.noisy[..]].concat())?;
            Some(found)
        }
    };
    let slot = ReportSlot::default();
    let filter = MaxwellFilter::new(params).report_into(slot.clone());
    let mut flow = Flow::new(&recording.stream);
    let after = flow.add(NodeId::SOURCE, "maxwell", &filter)?;
    let mut writer =
        RawWriter::create(output, flow.stream(after), RawOptions { fmt: options.fmt, ..RawOptions::default() })?;
    flow.tap(after, "write", &mut writer);
    flow.run(&recording, cx).map_err(bakusoku_core::Error::without_node)?;
    let report = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let report = report.ok_or_else(|| Error::data("the Maxwell filter left no report", "please report this"))?;
    Ok(Maxfiltered { written: writer.written().to_vec(), report, found })
}
