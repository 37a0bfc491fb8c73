//! The notch filter against MNE's numbers.

use super::*;
use crate::golden::{cases, check, len, number, series};
use bakusoku_core::Par;

#[test]
fn notches_are_those_of_mne() {
    for case in cases("notch") {
        let params: NotchParams = serde_json::from_value(case["params"].clone()).unwrap();
        let x = series(1, len(&case));
        check(&case, notch_filter(&Par::serial(), x.view(), number(&case, "sfreq"), &params).unwrap(), 1e-12);
    }
}

#[test]
fn errors_name_the_parameter() {
    let fails = |params: NotchParams, name: &str| {
        let message = params.taps(250.0).unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{name}` must be")), "{message}");
    };
    fails(NotchParams::default(), "freqs");
    fails(NotchParams::new([50.0, 125.0]), "freqs");
    fails(NotchParams { notch_widths: Some(vec![-1.0]), ..NotchParams::new([50.0]) }, "notch_widths");
    fails(NotchParams { notch_widths: Some(vec![1.0; 3]), ..NotchParams::new([50.0]) }, "notch_widths");
    fails(NotchParams { trans_bandwidth: 0.0, ..NotchParams::new([50.0]) }, "trans_bandwidth");
    fails(NotchParams::new([50.0, 50.5]), "freqs");
}
