//! The binding of the process pool: bytes and buffers between Python and the engine of worker processes. What is pickled,
//! and what a pool promises, stands in `python/bakusoku/pool`.

mod allocator;
mod block;
mod owner;
mod worker;

use pyo3::prelude::*;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<block::Block>()?;
    module.add_class::<block::ArgumentBlock>()?;
    module.add_class::<owner::WorkerPool>()?;
    module.add_class::<owner::Job>()?;
    module.add_class::<owner::Function>()?;
    module.add_class::<worker::WorkerConnection>()?;
    module.add_class::<worker::Loan>()?;
    module.add_function(wrap_pyfunction!(owner::place, module)?)?;
    module.add_function(wrap_pyfunction!(owner::prepare_forkserver, module)?)?;
    module.add_function(wrap_pyfunction!(owner::inherit_forkserver, module)?)?;
    module.add_function(wrap_pyfunction!(owner::terminate_workers, module)?)?;
    module.add_function(wrap_pyfunction!(owner::forkserver, module)?)?;
    module.add_function(wrap_pyfunction!(owner::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(owner::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(owner::fork_is_safe, module)?)?;
    module.add_function(wrap_pyfunction!(worker::die_with_parent, module)?)?;
    module.add_function(wrap_pyfunction!(worker::end_with_parent, module)?)?;
    module.add_function(wrap_pyfunction!(worker::adopt_orphans, module)?)?;
    module.add_function(wrap_pyfunction!(worker::kill_tree, module)?)?;
    module.add("HAS_FORKSERVER", bakusoku_pool::process::HAS_FORKSERVER)?;
    Ok(())
}
