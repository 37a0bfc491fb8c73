//! Projection as a step of a study.

use super::kernel::make_projector_info;
use bakusoku_core::{Bound, ChannelType, Info, LinearMap, Method, Picks, Projector, Result, Segment, Span, Stream};
use std::sync::Arc;

/// Applies all projectors of the recording (`raw.apply_proj()`), and marks them as applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyProj;

impl Method for ApplyProj {
    fn name(&self) -> &'static str {
        "apply_proj"
    }
    fn output(&self, input: &Stream) -> Result<Stream> {
        // Errors of the projectors come from here.
        make_projector_info(&input.info, true)?;
        Ok(Stream { info: Arc::new(activate_proj(&input.info)), ..input.clone() })
    }
    fn bind(&self, input: &Stream) -> Result<Bound> {
        let ssp = make_projector_info(&input.info, true)?;
        Ok(Bound::Matrix(LinearMap {
            channels: ssp.touched().to_vec(),
            matrix: ssp.touched_matrix(),
            offset: None,
            segments: vec![Segment::Process(Span::new(0, input.n_times))],
            finite: false,
        }))
    }
}

/// The same information with all projectors marked as applied.
pub fn activate_proj(info: &Info) -> Info {
    let mut info = info.clone();
    info.projs.iter_mut().for_each(|projector| projector.active = true);
    info
}

/// Whether the projectors hold an average reference of all good EEG channels.
pub fn has_eeg_average_ref_proj(info: &Info) -> bool {
    let wanted = Picks::types(info, &[ChannelType::Eeg], true);
    let average = |p: &&Projector| {
        p.kind == Projector::EEG_AVREF || p.desc.starts_with("Average ") && p.desc.ends_with(" reference")
    };
    let found: Vec<&String> = info.projs.iter().filter(average).flat_map(|p| &p.names).collect();
    !wanted.is_empty() && wanted.iter().all(|index| found.contains(&&info.chs[index].name))
}
