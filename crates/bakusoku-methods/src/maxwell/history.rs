//! What a Maxwell filter leaves in the processing history, and what it refuses to do twice.

use super::params::{MaxwellParams, OriginFrame};
use super::plan::Plan;
use super::report::MaxwellReport;
use bakusoku_core::{
    CoordFrame, Error, Info, MaxSt, ProcRecord, Result, SSS_JOB_FILTER, SSS_JOB_ST, SSS_JOB_TPROJ, Segment, SssCal,
    SssCtc, SssInfo,
};
use bakusoku_fiff::FileId;

/// All that is known before the first sample; everything that can be wrong by then is an error.
///
/// # Errors
/// When parameters make no sense, or do not fit the recording.
pub fn plan_report(
    info: &Info,
    first_samp: i64,
    segments: &[Segment],
    params: &MaxwellParams,
) -> Result<MaxwellReport> {
    Ok(Plan::new(info, first_samp, segments, params)?.report)
}

/// Refuses to apply again what was applied already.
///
/// # Errors
/// When the recording's history holds a step that these parameters ask for, or is damaged.
pub fn check_history(info: &Info, params: &MaxwellParams) -> Result<()> {
    let spatial = !params.st_only;
    for record in info.proc_history()? {
        for (step, done, wanted) in [
            ("SSS", record.sss_info.is_some(), spatial),
            ("tSSS", record.max_st.is_some(), params.st_duration.is_some()),
            ("fine calibration", record.sss_cal.is_some(), spatial && params.calibration.is_some()),
            ("cross-talk cancellation", record.sss_ctc.is_some(), spatial && params.cross_talk.is_some()),
        ] {
            if done && wanted {
                let by = if record.creator.is_empty() { "an earlier filter" } else { &record.creator };
                return Err(Error::Data {
                    message: format!(
                        "Maxwell filtering {step} step has already been applied (by {by}), cannot reapply"
                    ),
                    hint: Some("use the recording as it was before, or leave this step out".to_owned()),
                });
            }
        }
    }
    Ok(())
}

/// The record that a filter leaves. The report need not have windows yet: the history is written before the samples.
pub fn proc_record(params: &MaxwellParams, sfreq: f64, report: &MaxwellReport) -> ProcRecord {
    let max_st = params.st_duration.map(|duration| MaxSt {
        job: if params.st_only { SSS_JOB_TPROJ } else { SSS_JOB_ST },
        subspcorr: params.st_correlation,
        buflen: (duration * sfreq).round_ties_even() / sfreq,
    });
    let mut record = ProcRecord {
        block_id: Some(FileId::CONSTANT),
        date: None,
        experimenter: String::new(),
        creator: format!("bakusoku v{}", env!("CARGO_PKG_VERSION")),
        max_st,
        ..ProcRecord::default()
    };
    if params.st_only {
        return record;
    }
    let components = components(report);
    let n_in = n_moments(report.int_order);
    record.sss_info = Some(SssInfo {
        job: SSS_JOB_FILTER,
        frame: match params.coord_frame {
            OriginFrame::Head => CoordFrame::HEAD,
            OriginFrame::Meg => CoordFrame::DEVICE,
        },
        origin: report.origin,
        in_order: report.int_order as i32,
        out_order: report.ext_order as i32,
        nchan: report.n_good as i32,
        nfree: components[..n_in].iter().sum(),
        components,
        hpi_g_limit: None,
        hpi_dist_limit: None,
    });
    record.sss_cal = report.calibration.as_ref().map(|calibration| SssCal {
        cal_chans: calibration.cal_chans.clone(),
        cal_corrs: calibration.cal_corrs.clone(),
    });
    record.sss_ctc =
        params.cross_talk.as_ref().map(|cross_talk| SssCtc { block_id: None, cross_talk: (**cross_talk).clone() });
    record
}

fn n_moments(order: usize) -> usize {
    order * (order + 2)
}

/// For each moment whether it was used, in MaxFilter's order: within a degree 0, +1, -1, +2, -2, … Extended directions
/// have neither degree nor order, and stay at the end.
pub fn components(report: &MaxwellReport) -> Vec<i32> {
    let (n_in, n_out) = (n_moments(report.int_order), n_moments(report.ext_order));
    let mut used = vec![0; n_in + n_out + report.n_extended];
    for &moment in &report.moments {
        used[moment] = 1;
    }
    let inner = maxfilter_order(report.int_order).into_iter();
    let outer = maxfilter_order(report.ext_order).into_iter().map(|moment| n_in + moment);
    inner.chain(outer).chain(n_in + n_out..used.len()).map(|moment| used[moment]).collect()
}

/// Our moments in MaxFilter's order; ours run from -degree to +degree within a degree.
fn maxfilter_order(order: usize) -> Vec<usize> {
    (1..=order)
        .flat_map(|degree| {
            let zero = degree * degree + degree - 1;
            std::iter::once(zero).chain((1..=degree).flat_map(move |m| [zero + m, zero - m]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_listed_in_maxfilters_order() {
        // Within a degree ours are -l..l: degree 1 is 0..3, degree 2 is 3..8.
        assert_eq!(maxfilter_order(2), [1, 2, 0, 5, 6, 4, 7, 3]);
        assert!(maxfilter_order(0).is_empty());
    }

    #[test]
    fn nothing_is_applied_twice() {
        let params = MaxwellParams { st_duration: Some(1.0), ..MaxwellParams::default() };
        let st_only = MaxwellParams { st_only: true, ..params.clone() };
        let spatial = MaxwellParams::default();
        let mut info = Info::default();
        assert!(check_history(&info, &params).is_ok());
        let max_st = Some(MaxSt { job: SSS_JOB_ST, subspcorr: 0.98, buflen: 1.0 });
        info.push_proc_history(&ProcRecord { max_st, creator: "MaxFilter".into(), ..ProcRecord::default() });
        for params in [&params, &st_only] {
            let error = check_history(&info, params).unwrap_err().to_string();
            assert!(error.contains("tSSS step") && error.contains("MaxFilter"), "{error}");
        }
        assert!(check_history(&info, &spatial).is_ok());
    }
}
