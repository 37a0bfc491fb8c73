//! A sound CTF folder to start from, small and with a little of everything.

/// The files of a folder.
pub(crate) const ENDINGS: [&str; 8] =
    ["input.res4", "input.meg4", "input.1_meg4", "input.hc", "input.eeg", "head.pos", "MarkerFile.mrk", "bad.segments"];

pub(crate) const TRIAL: usize = 40;
pub(crate) const NAMES: [&str; 8] =
    ["SCLK01-177", "BG1-4304", "G11-4304", "MLC11-4304", "MRC11-4304", "EEG001-4304", "UPPT001", "HLC0011"];
const TYPES: [i16; 8] = [17, 0, 1, 5, 5, 9, 11, 13];

/// A stored sample; the clock runs, and jumps between the files.
pub(crate) fn sample(channel: usize, time: usize) -> i32 {
    match channel {
        0 => 1000 + 10 * time as i32 + if time >= 2 * TRIAL { 500_000 } else { 0 },
        _ => (channel * 1000 + time * 37) as i32 % 5003 - 2500,
    }
}

struct Record(Vec<u8>);

impl Record {
    fn text(&mut self, text: &str, len: usize) -> &mut Self {
        let end = self.0.len() + len;
        self.0.extend(text.bytes());
        self.0.resize(end, 0);
        self
    }
    fn short(&mut self, x: i16) -> &mut Self {
        self.0.extend(x.to_be_bytes());
        self
    }
    fn int(&mut self, x: i32) -> &mut Self {
        self.0.extend(x.to_be_bytes());
        self
    }
    fn doubles(&mut self, x: &[f64]) -> &mut Self {
        self.0.extend(x.iter().flat_map(|x| x.to_be_bytes()));
        self
    }
    fn to(&mut self, at: usize) -> &mut Self {
        self.0.resize(at, 0);
        self
    }
}

fn header() -> Vec<u8> {
    let mut r = Record(Vec::new());
    r.text("MEG42RS", 8).to(778).text("14:03:12", 255).text("30-Apr-2013", 255).int(TRIAL as i32);
    r.short(NAMES.len() as i16).to(1296).doubles(&[600.0, 0.2]).short(3).to(1316).int(6);
    r.to(1712).text("S01", 32).text("Jane", 32).to(1836).int(4).to(1844).text("run", 4);
    // Filters: edge, class, type, parameters.
    r.short(2).doubles(&[150.0]).int(1).int(1).short(1).doubles(&[2.0]).doubles(&[0.5]).int(1).int(2).short(0);
    NAMES.iter().for_each(|name| _ = r.text(name, 32));
    for (index, kind) in TYPES.into_iter().enumerate() {
        let end = r.0.len() + 1328;
        r.short(kind)
            .short(0)
            .int(0)
            .doubles(&[if index == 4 { -1e9 } else { 1e9 }, 1048576.0, 1.0, 0.0])
            .short(2)
            .short(0)
            .int(0);
        let angle = index as f64;
        for coil in [0.0, 5.0] {
            let (x, y) = (10.0 * angle.cos(), 10.0 * angle.sin());
            // The second coil of the reference lies beside the first.
            r.doubles(&[x, y, -3.0 + coil, 0.0])
                .doubles(&[angle.cos(), angle.sin(), 0.0, 0.0])
                .to(end - 1328 + 48 + if coil == 0.0 { 80 } else { 160 });
        }
        r.to(end);
    }
    r.short(4);
    for (sensor, kind) in
        [("MLC11-4304", "G1BR"), ("MRC11-4304", "G1BR"), ("MLC11-4304", "G3BR"), ("MXX99-4304", "G3BR")]
    {
        let end = r.0.len() + 1992;
        r.text(sensor, 32).text(kind, 4).int(0).short(2).text("BG1-4304", 31).text("G11-4304", 31);
        r.to(end - 400).doubles(&[0.01, -0.02]).to(end);
    }
    r.0
}

/// Two trials, the first ones or those after them.
fn samples(first: usize) -> Vec<u8> {
    let mut out = b"MEG41CP\0".to_vec();
    for trial in first..first + 2 {
        for channel in 0..NAMES.len() {
            out.extend((0..TRIAL).flat_map(|t| sample(channel, trial * TRIAL + t).to_be_bytes()));
        }
    }
    out
}

fn coils() -> String {
    let coil = |name: &str, frame: &str, r: [f64; 3]| {
        format!(
            "measured {name} coil position relative to {frame} (cm):\n\tx = {}\n\ty = {}\n\tz = {}\n",
            r[0], r[1], r[2]
        )
    };
    let mut out = "standard nasion coil position relative to dewar (cm):\n\tx = 5\n\ty = 5\n\tz = -27\n".to_owned();
    for (name, r) in [("nasion", [11.0, 0.0, 0.0]), ("left ear", [0.5, 8.0, 0.0]), ("right ear", [-0.5, -8.0, 0.0])] {
        // The head stands straight, 25 cm below.
        out += &coil(name, "dewar", [r[0], r[1], r[2] - 25.0]);
        out += &coil(name, "head", r);
    }
    out
}

/// The files, in the order of [`ENDINGS`].
pub(crate) fn files() -> Vec<Vec<u8>> {
    let markers = "PATH OF DATASET:\nx.ds\n\nNUMBER OF MARKERS:\n2\n\nNAME:\nstim\nNUMBER OF SAMPLES:\n2\nLIST OF SAMPLES:\n\
                   TRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)\n +0\t +0.01\n +1\t -0.005\n\n\
                   NAME:\nresponse\nNUMBER OF SAMPLES:\n1\nLIST OF SAMPLES:\nTRIAL\tTIME\n +3\t +0.02\n";
    vec![
        header(),
        samples(0),
        samples(2),
        coils().into_bytes(),
        b"1 EEG001-4304 5.5 1.25 9\n2 nasion 11 0 0\n3 other 1 2 13\n".to_vec(),
        b"2\n1 8.0 1.0 2.0\nleft 1.0 7.0 0\n".to_vec(),
        markers.as_bytes().to_vec(),
        b"blink 0.01 0.05\n".to_vec(),
    ]
}
