//! Sound inputs to start from, small and with a little of everything.

use super::exercise::BETWEEN;

const CHANNELS: usize = 3;
const TIMES: usize = 60;

fn brain_vision(orientation: &str, format: &str) -> Vec<u8> {
    let (kind, binary) = if format == "ASCII" { ("ASCII", "INT_16") } else { ("BINARY", format) };
    let header = format!(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=input.eeg\n\
         MarkerFile=input.vmrk\nDataFormat={kind}\nDataOrientation={orientation}\nNumberOfChannels=3\nDataPoints=60\n\
         SamplingInterval=2000\n[Binary Infos]\nBinaryFormat={binary}\nUseBigEndianOrder=NO\n[ASCII Infos]\n\
         DecimalSymbol=.\nSkipLines=1\nSkipColumns=1\n[Channel Infos]\nCh1=Fp1,,0.5,µV\nCh2=C\\1z,,,mV\nCh3=Resp,,1,ARU\n\
         [Coordinates]\nCh1=1,-90,-72\nCh2=95,45,90\n[Comment]\nChannels\n--------\n\
         #     Name      Phys. Chn.    Resolution / Unit   Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]\n\
         1     Fp1         1                0.5 µV             10              250              Off\n\
         2     C,z         2                0.5 mV             DC              Off              Off\n\
         3     Resp        3                0.5 ARU            DC              1000             Off\n\n\
         S o f t w a r e  F i l t e r s\n==============================\n#     Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]\n\
         1      0.9              50                 50\n2      0.9              50                 50\n\
         3      0.9              50                 50\n"
    );
    let markers = "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=input.eeg\n\
                   [Marker Infos]\nMk1=New Segment,,1,1,0,20240229120000123456\nMk2=Stimulus,S  1,11,1,0\n\
                   Mk3=Comment,one\\1 two,21,5,0\n";
    let value = |at: usize| (at * 37 % 4001) as i16 - 2000;
    let samples: Vec<u8> = match format {
        "INT_16" => (0..CHANNELS * TIMES).flat_map(|at| value(at).to_le_bytes()).collect(),
        "ASCII" => {
            let in_line = if orientation == "VECTORIZED" { TIMES } else { CHANNELS };
            let line = |line: usize| {
                let numbers: Vec<String> = (0..in_line).map(|at| value(line * in_line + at).to_string()).collect();
                format!("x {}\r\n", numbers.join(" "))
            };
            let lines: String = (0..CHANNELS * TIMES / in_line).map(line).collect();
            format!("heading\n{lines}").into_bytes()
        }
        _ => (0..CHANNELS * TIMES).flat_map(|at| f32::from(value(at)).to_le_bytes()).collect(),
    };
    [header.as_bytes(), markers.as_bytes(), &samples].join(BETWEEN)
}

fn edf(bdf: bool, kind: &str) -> Vec<u8> {
    let label = if bdf { "BDF Annotations" } else { "EDF Annotations" };
    let signals = [("EEG Fp1", 10), (label, 24), ("Resp", 5), ("Status", 2), (label, 24)];
    let n = signals.len();
    let mut out = if bdf { b"\xffBIOSEMI".to_vec() } else { b"0       ".to_vec() };
    let mut put = |text: &str, len: usize| out.extend(format!("{text:<len$}").into_bytes());
    put("S1 F 02-AUG-1951 Ada_Mustermann hand=2 weight=70", 80);
    put("Startdate 29-FEB-2024 X X X", 80);
    put("29.02.24", 8);
    put("12.30.15", 8);
    put(&(256 * (n + 1)).to_string(), 8);
    put(kind, 44);
    put("4", 8);
    put("0.1", 8);
    put(&n.to_string(), 4);
    signals.iter().for_each(|s| put(s.0, 16));
    signals.iter().for_each(|_| put("electrode", 80));
    for text in ["uV", "-3000", "3000", "-1500", "1500"] {
        signals.iter().for_each(|_| put(text, 8));
    }
    signals.iter().for_each(|_| put("HP:0.1Hz LP:30Hz", 80));
    signals.iter().for_each(|s| put(&s.1.to_string(), 8));
    signals.iter().for_each(|_| put("", 32));
    let width = if bdf { 3 } else { 2 };
    for record in 0..4 {
        for (index, (name, samples)) in signals.into_iter().enumerate() {
            let mut bytes = Vec::new();
            if name == label {
                let start = 0.25 + record as f64 * 0.1 + if record > 1 { 0.3 } else { 0.0 };
                let text = if index == 1 { "" } else { "\x150.1\x14Bl\u{fc}te@@Resp" };
                bytes.extend(format!("+{start:.2}{text}\x14\x14\0").into_bytes());
            } else {
                bytes.extend((0..samples * width).map(|at| (at * 7 + index + record) as u8));
            }
            bytes.resize(samples * width, 0);
            out.extend(bytes);
        }
    }
    out
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for orientation in ["MULTIPLEXED", "VECTORIZED"] {
        for format in ["INT_16", "IEEE_FLOAT_32", "ASCII"] {
            out.push((format!("{orientation}-{format}"), brain_vision(orientation, format)));
        }
    }
    for (bdf, kind) in [(false, "EDF+C"), (false, "EDF+D"), (true, "24BIT"), (true, "BDF+D")] {
        out.push((kind.to_owned(), edf(bdf, kind)));
    }
    out
}
