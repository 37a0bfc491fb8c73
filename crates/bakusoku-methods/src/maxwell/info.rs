//! What is known about a recording after it was filtered.

use super::params::MaxwellParams;
use super::plan::{N_CHPI, destination};
use super::report::MaxwellReport;
use super::sensors::fixed_coil_type;
use bakusoku_core::{Channel, ChannelType, Info};

/// `FIFFV_QUAT_1`; the others, goodness of fit, error and velocity follow.
const QUAT_1: i32 = 701;

/// What is known about a recording after [`maxwell_filter`](super::maxwell_filter), but for its processing history:
/// coil types are right, coils stand as the calibration has them, channels of head positions are there, MEG channels are
/// no longer bad, MEG projectors are gone, and the head is at its destination. With `st_only` all but the coils stays as
/// it was. The report need not have windows yet.
pub fn output_info(info: &Info, params: &MaxwellParams, report: &MaxwellReport) -> Info {
    let mut out = info.clone();
    for ch in &mut out.chs {
        ch.coil_type = fixed_coil_type(ch);
    }
    for (pick, loc) in report.calibration.iter().flat_map(|calibration| &calibration.coils) {
        out.chs[*pick].loc = *loc;
    }
    out.maxshield = false;
    if params.st_only {
        return out;
    }
    let meg = |name: &String| info.chs.iter().any(|ch| ch.kind == Channel::MEG && &ch.name == name);
    out.bads.retain(|name| !meg(name));
    out.projs.retain(|proj| !proj.names.iter().any(meg));
    if params.ignore_ref {
        out.comps.clear();
    }
    out.dev_head_t = destination(info, params);
    if params.head_pos.is_some() {
        let n = info.n_channels();
        out.chs.extend((0..N_CHPI).map(|i| Channel {
            kind: QUAT_1 + i as i32,
            unit_mul: -1,
            cal: 1e-4,
            scanno: (n + i + 1) as i32,
            logno: i as i32 + 1,
            ..Channel::new(format!("CHPI{i:03}"), ChannelType::Chpi)
        }));
    }
    out
}
