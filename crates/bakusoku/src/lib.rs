//! bakusoku (爆速): MEG and EEG analysis with MNE-Python's numbers, at the speed of the machine.
//!
//! This crate is the front door of the Rust library: it re-exports the others and adds nothing. What most programs need
//! is in the [`prelude`]; the rest lies one module deeper.
//!
//! A recording is opened, not loaded: samples are read when they are needed. Methods ([`Filter`](prelude::Filter),
//! [`Notch`](prelude::Notch), …) hold parameters with MNE-Python's names and defaults. A [`Flow`](prelude::Flow) leads
//! a recording through methods into sinks in bounded memory; the same kernels are functions on arrays where the samples
//! are in memory already. A [`Pool`](prelude::Pool) does all this to many recordings at once.
//!
//! ```no_run
//! use bakusoku::prelude::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let raw = Raw::load(&*read_raw("sub-01_raw.fif")?)?;              // (n_channels, n_times), T and V
//! let pool = Pool::new(Budget::detect()?)?;
//! let params = FilterParams::new(Some(1.0), Some(40.0));            // l_freq, h_freq
//! let filtered = filter_data(&pool.par(), raw.data().view(), raw.stream().sfreq(), &params)?;
//! # let _ = filtered;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/rust/average.rs` averages many recordings in parallel, from files to evoked responses.
//!
//! | module | what |
//! |---|---|
//! | [`pool`] | cores, memory, and what runs on them; knows nothing of MEG and EEG |
//! | [`core`] | recordings, methods, the runner, containers |
//! | [`io`] | file formats |
//! | [`methods`] | filters, epochs, averages, spectra, covariance |
//! | [`bids`] | datasets in BIDS layout |
//! | [`sim`] | simulated recordings whose truth is known |
//! | [`study`] | a whole study from one file, as the command line runs it |
//!
//! Arrays are [`ndarray`]'s, f64, SI units (T, T/m, V, s, Hz); channels are rows.

pub use bakusoku_bids as bids;
pub use bakusoku_core as core;
pub use bakusoku_io as io;
pub use bakusoku_methods as methods;
pub use bakusoku_pool as pool;
pub use bakusoku_sim as sim;
pub use bakusoku_study as study;
pub use ndarray;

/// What most programs need: `use bakusoku::prelude::*;`.
///
/// | to … | use | MNE-Python |
/// |---|---|---|
/// | run a closure over many recordings | [`Pool`], [`Budget`], [`TaskContext`] | `multiprocessing.Pool` |
/// | open a recording | [`read_raw`] | `mne.io.read_raw` |
/// | have it in memory | [`Raw::load`](bakusoku_core::containers::Raw::load) | `raw.load_data()` |
/// | lead it through methods, in bounded memory | [`Flow`], [`Cx`] | |
/// | filter | [`Filter`], [`Notch`]; [`filter_data`], [`notch_filter`] | `raw.filter`, `raw.notch_filter` |
/// | resample | [`Resample`]; [`resample`] | `raw.resample` |
/// | project, reference | [`ApplyProj`], [`SetEegReference`] | `raw.apply_proj`, `raw.set_eeg_reference` |
/// | find events | [`FindEvents`], [`events_from_annotations`] | `mne.find_events` |
/// | cut epochs | [`EpochsPlan`] with [`EpochsSink`] or [`epochs_from_array`] | `mne.Epochs` |
/// | average | [`EvokedSink`], [`average`], [`combine_evoked`], [`grand_average`] | `epochs.average` |
/// | estimate spectra, covariance | [`WelchSink`], [`psd_array_welch`], [`CovarianceSink`], [`compute_covariance`] | `raw.compute_psd`, `mne.compute_covariance` |
/// | read and write results | [`read_evoked`], [`write_evoked`], [`read_epochs`], [`write_epochs`], … | `mne.read_evokeds`, `mne.read_epochs` |
pub mod prelude {
    pub use bakusoku_core::containers::{Covariance, Epochs, Evoked, Raw, Spectrum};
    pub use bakusoku_core::run::{Flow, NodeId};
    pub use bakusoku_core::{
        Annotation, Annotations, Channel, ChannelType, Cx, Event, Events, Info, Method, Picks, Recording, RowSink,
        Sink, Stream,
    };
    pub use bakusoku_io::fif::{
        FileId, RawFormat, RawOptions, RawWriter, read_covariance, read_epochs, read_events, read_evoked,
        write_covariance, write_epochs, write_events, write_evoked,
    };
    pub use bakusoku_io::open as read_raw;
    pub use bakusoku_methods::covariance::{CovarianceParams, CovarianceSink, compute_covariance};
    pub use bakusoku_methods::epochs::{EpochsParams, EpochsPlan, EpochsSink, KeepEpochs, epochs_from_array};
    pub use bakusoku_methods::events::{FindEvents, events_from_annotations};
    pub use bakusoku_methods::evoked::{EvokedSink, average, combine_evoked, grand_average};
    pub use bakusoku_methods::filter::{Filter, FilterParams, filter_data};
    pub use bakusoku_methods::notch::{Notch, NotchParams, notch_filter};
    pub use bakusoku_methods::projection::ApplyProj;
    pub use bakusoku_methods::psd::{WelchParams, WelchSink, psd_array_welch};
    pub use bakusoku_methods::reference::{EegReference, SetEegReference};
    pub use bakusoku_methods::resample::{Resample, ResampleParams, resample};
    pub use bakusoku_pool::{
        Budget, Bytes, Cancel, Event as PoolEvent, EventKind, Need, Par, Pool, PoolError, SpillDir, TaskContext,
        TaskError,
    };
}
