//! blocks of shared memory as Python sees them: objects with the buffer protocol, freed with the last view.

use bakusoku_pool::process;
use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use std::os::raw::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;

/// Memory of a result or an argument, writable; `memoryview`, `numpy.frombuffer` and `pickle` see it as bytes.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct Block {
    memory: Memory,
}

enum Memory {
    Result(process::ResultBlock),
    Argument(process::MappedArgument),
}

impl Block {
    pub(crate) fn result(block: process::ResultBlock) -> Block {
        Block { memory: Memory::Result(block) }
    }

    pub(crate) fn view(view: process::MappedArgument) -> Block {
        Block { memory: Memory::Argument(view) }
    }

    fn parts(&self) -> std::io::Result<(NonNull<u8>, u64)> {
        match &self.memory {
            Memory::Result(block) => Ok((block.address()?, block.len())),
            Memory::Argument(view) => Ok((view.address(), view.len())),
        }
    }
}

#[pymethods]
impl Block {
    #[allow(unsafe_code)]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let (address, len) = slf.get().parts().map_err(|error| PyMemoryError::new_err(error.to_string()))?;
        // SAFETY: Python hands in a buffer to be filled; the memory lives as long as this object, which it then holds.
        let filled = unsafe {
            let len = ffi::Py_ssize_t::try_from(len).map_err(|_| PyMemoryError::new_err("the block is too large"))?;
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), address.as_ptr().cast::<c_void>(), len, 0, flags)
        };
        if filled != 0 { Err(PyErr::fetch(slf.py())) } else { Ok(()) }
    }

    fn __len__(&self) -> usize {
        match &self.memory {
            Memory::Result(block) => block.len() as usize,
            Memory::Argument(view) => view.len() as usize,
        }
    }
}

/// An argument in shared memory, on its way to workers.
#[pyclass(frozen, module = "bakusoku._core")]
pub(crate) struct ArgumentBlock(pub(crate) Arc<process::ArgumentBlock>);

#[pymethods]
impl ArgumentBlock {
    fn __len__(&self) -> usize {
        self.0.extent().len as usize
    }
}
