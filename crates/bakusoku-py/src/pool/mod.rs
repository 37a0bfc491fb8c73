//! The process door's binding: bytes and buffers between Python and the engine of worker processes. What is pickled,
//! and what a pool promises, stands in `python/bakusoku/pool`.

mod allocator;
mod block;
mod owner;
mod worker;

use pyo3::prelude::*;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<block::Block>()?;
    module.add_class::<block::Held>()?;
    module.add_class::<owner::Crew>()?;
    module.add_class::<owner::Job>()?;
    module.add_class::<owner::Function>()?;
    module.add_class::<worker::End>()?;
    module.add_class::<worker::Loan>()?;
    module.add_function(wrap_pyfunction!(owner::place, module)?)?;
    module.add_function(wrap_pyfunction!(owner::prepare_workers, module)?)?;
    module.add_function(wrap_pyfunction!(owner::inherit_workers, module)?)?;
    module.add_function(wrap_pyfunction!(owner::end_workers, module)?)?;
    module.add_function(wrap_pyfunction!(owner::zygote, module)?)?;
    module.add_function(wrap_pyfunction!(owner::before_fork, module)?)?;
    module.add_function(wrap_pyfunction!(owner::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(owner::is_alone, module)?)?;
    module.add_function(wrap_pyfunction!(worker::die_with_parent, module)?)?;
    module.add_function(wrap_pyfunction!(worker::end_with, module)?)?;
    module.add("ZYGOTE", bakusoku_pool::process::ZYGOTE)?;
    Ok(())
}
