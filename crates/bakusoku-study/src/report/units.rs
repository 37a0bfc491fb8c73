//! Units that people read: fT, fT/cm, µV.

/// How a channel type is shown.
pub(super) struct Shown {
    /// Its name on the page.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Factor from SI.
    pub factor: f64,
    /// Unit of amplitude spectra.
    pub density: &'static str,
}

/// How channels of the type are shown.
pub(super) fn shown(ch_type: &str) -> Shown {
    match ch_type {
        "mag" => Shown { name: "Magnetometers", unit: "fT", factor: 1e15, density: "fT/√Hz" },
        "grad" => Shown { name: "Gradiometers", unit: "fT/cm", factor: 1e13, density: "fT/cm/√Hz" },
        "eeg" => Shown { name: "EEG", unit: "µV", factor: 1e6, density: "µV/√Hz" },
        _ => Shown { name: "Other channels", unit: "SI", factor: 1.0, density: "SI/√Hz" },
    }
}

/// A number short enough for an axis or a table.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{x:.1e}")
    } else if size >= 100.0 {
        format!("{x:.0}")
    } else {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// Bytes as people say them.
pub(super) fn bytes(n: u64) -> String {
    bakusoku_pool::Bytes(n).to_string()
}

/// Seconds as people say them.
pub(super) fn seconds(s: f64) -> String {
    if s < 1.0 {
        format!("{:.0} ms", s * 1e3)
    } else if s < 60.0 {
        format!("{s:.1} s")
    } else {
        format!("{} min {:02.0} s", (s / 60.0).floor(), s % 60.0)
    }
}
