//! Options with a list of values, under MNE-Python's names.

use bakusoku_io::fif::RawFormat;
use bakusoku_methods::maxwell::{self, OriginFrame};
use clap::ValueEnum;

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident => $of:ty { $($variant:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        #[value(rename_all = "snake_case")]
        pub(crate) enum $name { $($variant),* }

        impl From<$name> for $of {
            fn from(choice: $name) -> Self {
                match choice { $($name::$variant => Self::$variant),* }
            }
        }
    )*};
}

choices! {
    /// Coordinate frame of the origin.
    CoordFrame => OriginFrame { Head, Meg }
    /// Interpolation between head positions.
    McInterp => maxwell::McInterp { Hann, Linear, Zero }
    /// Basis regularisation.
    Regularize => maxwell::Regularize { In, InArgmax, None }
    /// How an ill-conditioned basis is handled.
    BadCondition => maxwell::BadCondition { Error, Warning, Ignore, Info }
    /// Source of the coil definitions.
    CoilDefinitions => maxwell::CoilDefinitions { Mne, Megin }
    /// Data format of samples.
    SampleFormat => RawFormat { Short, Int, Single, Double }
}
