//! The Python door: NumPy arrays and plain values in, the kernels' arrays out; recordings by position, and the small files
//! that stand beside them. No science; the names that people call, their defaults and their documentation stand in
//! `python/bakusoku`.
//!
//! Every function takes float64 in C order and `n_jobs` (0: the budget), works without the interpreter lock and, where
//! it goes by rows, ends at Ctrl-C within a row.

mod array;
mod artifacts;
mod enter;
mod epochs;
mod error;
mod events;
mod filter;
mod ica;
mod linear;
mod maxfilter;
mod maxwell;
mod pool;
mod psd;
mod recording;
mod remarks;
mod resample;
mod sinks;

use pyo3::prelude::*;

/// Cores of the budget of this process.
#[pyfunction]
fn n_threads() -> PyResult<usize> {
    enter::budget()
}

/// Cores, and bytes of memory, of the budget of this process.
#[pyfunction]
fn budget() -> PyResult<(usize, u64)> {
    let budget = enter::detect()?;
    Ok((budget.cores.max(1), budget.memory.0))
}

/// The `bakusoku` command, with its name and arguments; its exit status. `launcher`: the words that start it.
#[pyfunction]
fn command(py: Python<'_>, launcher: Vec<String>, args: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| bakusoku_cli::run(launcher, args))
}

/// Bytes, as people write them.
#[pyfunction]
fn parse_bytes(text: &str) -> PyResult<u64> {
    let parsed: Result<bakusoku_pool::Bytes, _> = text.parse();
    parsed.map(|bytes| bytes.0).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}

/// The kernels of bakusoku.
#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(n_threads, module)?)?;
    module.add_function(wrap_pyfunction!(command, module)?)?;
    module.add_function(wrap_pyfunction!(budget, module)?)?;
    module.add_function(wrap_pyfunction!(parse_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::artifact_band, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::correlate_rows, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::ctps, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::find_ecg_samples, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::find_eog_samples, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::find_outlying_scores, module)?)?;
    module.add_function(wrap_pyfunction!(artifacts::peak_finder, module)?)?;
    module.add_function(wrap_pyfunction!(epochs::cut_epochs, module)?)?;
    module.add_function(wrap_pyfunction!(events::find_events, module)?)?;
    module.add_function(wrap_pyfunction!(filter::create_filter, module)?)?;
    module.add_function(wrap_pyfunction!(filter::filter_data, module)?)?;
    module.add_function(wrap_pyfunction!(filter::notch_filter, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_apply, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_exclude_in_file, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_explained_variance_ratio, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_fit, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_good_pieces, module)?)?;
    module.add_function(wrap_pyfunction!(ica::ica_sources, module)?)?;
    module.add_function(wrap_pyfunction!(linear::apply_matrix, module)?)?;
    module.add_function(wrap_pyfunction!(linear::make_interpolation_matrix, module)?)?;
    module.add_function(wrap_pyfunction!(linear::make_projector, module)?)?;
    module.add_function(wrap_pyfunction!(linear::set_reference, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::fit_sphere_to_headshape, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::read_cross_talk, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::read_fine_calibration, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::read_head_pos, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::write_fine_calibration, module)?)?;
    module.add_function(wrap_pyfunction!(maxfilter::write_head_pos, module)?)?;
    module.add_function(wrap_pyfunction!(maxwell::compute_maxwell_basis, module)?)?;
    module.add_function(wrap_pyfunction!(maxwell::find_bad_channels_maxwell, module)?)?;
    module.add_function(wrap_pyfunction!(maxwell::maxwell_filter, module)?)?;
    module.add_function(wrap_pyfunction!(maxwell::maxwell_plan, module)?)?;
    module.add_function(wrap_pyfunction!(psd::psd_array_welch, module)?)?;
    module.add_class::<recording::Recording>()?;
    module.add_function(wrap_pyfunction!(recording::edf_labels, module)?)?;
    module.add_function(wrap_pyfunction!(recording::open_brainvision, module)?)?;
    module.add_function(wrap_pyfunction!(recording::open_ctf, module)?)?;
    module.add_function(wrap_pyfunction!(recording::open_edf, module)?)?;
    module.add_function(wrap_pyfunction!(recording::open_eeglab, module)?)?;
    module.add_function(wrap_pyfunction!(recording::open_recording, module)?)?;
    module.add_function(wrap_pyfunction!(resample::resample, module)?)?;
    module.add_function(wrap_pyfunction!(sinks::average, module)?)?;
    module.add_function(wrap_pyfunction!(sinks::compute_covariance, module)?)?;
    pool::add(module)
}
