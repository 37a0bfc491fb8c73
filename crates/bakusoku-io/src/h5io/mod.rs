//! HDF5 in the layout of the Python package h5io, as `mne.time_frequency.read_spectrum` reads it: groups `mnepython/key_…`,
//! and a `TITLE` on each that says its Python type. Only this folder and `eeglab/mat/mat73.rs` name the HDF5 library.

mod node;
mod spectrum;

pub use spectrum::write_spectrum;
