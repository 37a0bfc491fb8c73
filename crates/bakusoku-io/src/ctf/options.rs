//! What a reader may be told.

/// What it means where the system clock stands at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SystemClock {
    /// The recording ended there.
    #[default]
    Truncate,
    /// Nothing: all samples are read.
    Ignore,
}

/// What a reader of CTF folders may be told; the defaults are MNE's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CtfOptions {
    /// What it means where the system clock stands at zero.
    pub system_clock: SystemClock,
    /// Whether channels are named without what follows a dash (`MLC11` for `MLC11-4304`).
    pub clean_names: bool,
    /// Whether trials between which samples are missing are marked by an annotation `EDGE boundary`, which filters don't
    /// cross (MNE does not mark them).
    pub mark_trials: bool,
}
