//! Units and numbers that people read: fT, fT/cm, µV; minutes, megabytes.

/// How a channel type is shown.
pub(crate) struct DisplayUnit {
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
pub(crate) fn display_unit(ch_type: &str) -> DisplayUnit {
    match ch_type {
        "mag" => DisplayUnit { name: "Magnetometers", unit: "fT", factor: 1e15, density: "fT/√Hz" },
        "grad" => DisplayUnit { name: "Gradiometers", unit: "fT/cm", factor: 1e13, density: "fT/cm/√Hz" },
        "eeg" => DisplayUnit { name: "EEG", unit: "µV", factor: 1e6, density: "µV/√Hz" },
        "ref_meg" => DisplayUnit { name: "Reference channels", unit: "fT", factor: 1e15, density: "fT/√Hz" },
        _ => DisplayUnit { name: "Other channels", unit: "SI", factor: 1.0, density: "SI/√Hz" },
    }
}

/// Where a channel type stands among others on a page.
pub(crate) fn type_order(ch_type: &str) -> (usize, String) {
    let known = ["mag", "grad", "ref_meg", "eeg"];
    (known.iter().position(|name| *name == ch_type).unwrap_or(known.len()), ch_type.to_owned())
}

/// A number short enough for an axis or a table: three digits after the point at most.
pub(crate) fn format_number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if !(1e-3..1e5).contains(&size) {
        format!("{x:.1e}").replace(".0e", "e")
    } else if size >= 100.0 {
        format!("{x:.0}")
    } else {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// A measured value: three significant digits.
pub(crate) fn format_measure(x: f64) -> String {
    let digits = if x == 0.0 || !x.is_finite() { 0 } else { 2 - x.abs().log10().floor() as i32 };
    if (0..=5).contains(&digits) {
        format_number(format!("{x:.*}", digits as usize).parse().unwrap_or(x))
    } else {
        format_number(x)
    }
}

/// Bytes as people say them.
pub(crate) fn bytes(n: u64) -> String {
    bakusoku_pool::Bytes(n).to_string()
}

/// Seconds as people say them.
pub(crate) fn seconds(s: f64) -> String {
    if s < 0.0005 {
        "0 s".into()
    } else if s < 0.9995 {
        format!("{:.0} ms", s * 1e3)
    } else if s < 59.95 {
        format!("{s:.1} s")
    } else {
        let whole = s.round();
        format!("{} min {:02} s", (whole / 60.0).floor(), whole % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_sixtieth_second_and_no_minus() {
        let shown = [-0.0, 0.0004, 0.25, 0.9999, 5.04, 59.94, 59.96, 119.7, 3600.2].map(seconds);
        assert_eq!(
            shown,
            ["0 s", "0 s", "250 ms", "1.0 s", "5.0 s", "59.9 s", "1 min 00 s", "2 min 00 s", "60 min 00 s"]
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.6000000000000001, -300.0, 1e-4, 2.5e7].map(format_number),
            ["0", "0.6", "-300", "1e-4", "2.5e7"]
        );
        assert_eq!([68.352, 20.222, 0.012345, 1234.5, 0.0].map(format_measure), ["68.4", "20.2", "0.012", "1234", "0"]);
    }

    #[test]
    fn types_have_the_units_of_the_field() {
        let shown = |ch_type: &str| (display_unit(ch_type).unit, display_unit(ch_type).factor);
        assert_eq!(shown("mag"), ("fT", 1e15));
        assert_eq!(shown("grad"), ("fT/cm", 1e13));
        assert_eq!(shown("eeg"), ("µV", 1e6));
    }
}
