//! What is done to a recording, in order, until epochs are cut.

use crate::config::Config;
use crate::steps::{self, Step};
use bakusoku_core::run::Flow;
use bakusoku_core::{Method, Result, Stream};
use bakusoku_methods::maxwell::{MaxwellFilter, MaxwellParams, ReportSlot};

/// Methods, what flows between them, and the places where somebody listens.
pub(crate) struct Steps {
    /// Up to the filtered recording, and the EEG reference where that is subtracted.
    pub(crate) methods: Vec<Box<dyn Method>>,
    /// The source's stream, then the one after each method.
    pub(crate) streams: Vec<Stream>,
    /// Steps up to the filtered recording.
    pub(crate) steps: Vec<&'static Step>,
    /// Which of the streams is the Maxwell filtered recording.
    pub(crate) sss: Option<usize>,
    /// Which of them is the filtered recording.
    pub(crate) filtered: usize,
    /// What the Maxwell filter did, once it has run.
    pub(crate) sss_report: ReportSlot,
}

impl Steps {
    /// For a recording.
    ///
    /// # Errors
    /// When a parameter does not fit it.
    pub(crate) fn new(config: &Config, input: &Stream, maxwell: Option<&MaxwellParams>) -> Result<Self> {
        let (mut methods, mut done) = (Vec::<Box<dyn Method>>::new(), Vec::new());
        let sss_report = ReportSlot::default();
        if let Some(params) = maxwell {
            methods.push(Box::new(MaxwellFilter::new(params.clone()).report_into(sss_report.clone())));
            done.push(&steps::maxwell::STEP);
        }
        let sss = maxwell.map(|_| methods.len());
        for (step, method) in [
            (&steps::notch::STEP, steps::notch::method(config)),
            (&steps::filter::STEP, steps::filter::method(config)),
            (&steps::resample::STEP, steps::resample::method(config)),
        ] {
            if let Some(method) = method {
                methods.push(method);
                done.push(step);
            }
        }
        let filtered = methods.len();
        methods.extend(steps::reference::method(config, input));
        let refs: Vec<&dyn Method> = methods.iter().map(|method| &**method).collect();
        let flow = Flow::straight(input, &refs)?;
        let streams = flow.nodes().map(|node| flow.stream(node).clone()).collect();
        Ok(Self { streams, methods, steps: done, sss, filtered, sss_report })
    }
    /// The methods one after the other, by the names of their steps, without taps.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn flow(&self) -> Result<Flow<'_>> {
        let mut flow = Flow::new(self.source());
        let names = self.steps.iter().map(|step| step.name).chain(std::iter::once(steps::reference::STEP.name));
        for (name, method) in names.zip(&self.methods) {
            flow.add(flow.end(), name, &**method)?;
        }
        Ok(flow)
    }
    /// The recording as it is read.
    pub(crate) fn source(&self) -> &Stream {
        &self.streams[0]
    }
    /// The filtered recording.
    pub(crate) fn filtered(&self) -> &Stream {
        &self.streams[self.filtered]
    }
    /// What epochs are cut from.
    pub(crate) fn last(&self) -> &Stream {
        &self.streams[self.streams.len() - 1]
    }
}
