//! Golden numbers of the row methods (`testdata/rows.json`, made by `make_rows.py` beside it).

use ndarray::Array2;
use serde_json::Value;

/// The cases of one kind.
pub(crate) fn cases(kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../testdata/rows.json")).unwrap();
    let found: Vec<Value> = all.into_iter().filter(|case| case["kind"] == kind).collect();
    assert!(!found.is_empty(), "no case of kind `{kind}`");
    found
}

/// The series of `make_rows.py`, row by row.
pub(crate) fn series(rows: usize, n: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, n), |(row, i)| {
        let i = (i + 1000 * row) as u64;
        ((i * i * 31 + i * 7) % 97) as f64 - 48.0 + i as f64 * 0.1
    })
}

/// A number of a case.
pub(crate) fn number(case: &Value, key: &str) -> f64 {
    case[key].as_f64().unwrap()
}

/// The length of a case.
pub(crate) fn len(case: &Value) -> usize {
    case["n"].as_u64().unwrap() as usize
}

/// Every fifth of `got` is what MNE gives, to `tolerance` of the peak.
pub(crate) fn check(case: &Value, got: impl IntoIterator<Item = f64>, tolerance: f64) {
    let expected: Vec<f64> = case["y"].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
    let got: Vec<f64> = got.into_iter().step_by(5).collect();
    assert_eq!(got.len(), expected.len(), "{} {}", case["kind"], case["params"]);
    let peak = expected.iter().fold(0.0, |max: f64, y| max.max(y.abs()));
    let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance * peak, "{} {}: {worst:e} of a peak of {peak:e}", case["kind"], case["params"]);
}
