//! Where NumPy gets the memory of large arrays in a worker: from the region that the owner has mapped too, so that an
//! array that is returned needs no copy, and memory that was used once is used again (NEP 49).

use bakusoku_pool::process::WorkerHeap;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use std::os::raw::{c_char, c_uint, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

// numpy/_core/code_generators/numpy_api.py: numbers of functions in the table, and the version of it (NumPy 1.22) from which
// on the last two are there.
const FEATURE_VERSION: usize = 211;
const SET_HANDLER: usize = 304;
const GET_HANDLER: usize = 305;
const WITH_HANDLERS: c_uint = 0x0f;

/// Arrays from this size on.
const LARGE: usize = 1 << 20;

/// `PyDataMemAllocator` of `numpy/ndarraytypes.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Allocator {
    context: *mut c_void,
    malloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    calloc: unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void,
    realloc: unsafe extern "C" fn(*mut c_void, *mut c_void, usize) -> *mut c_void,
    free: unsafe extern "C" fn(*mut c_void, *mut c_void, usize),
}

/// `PyDataMem_Handler` of the same.
#[repr(C)]
struct Handler {
    name: [u8; 127],
    version: u8,
    allocator: Allocator,
}

// SAFETY: a table of functions that any thread may call; `context` is NumPy's own and as free of threads as NumPy is.
#[allow(unsafe_code)]
unsafe impl Send for Allocator {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Allocator {}

struct Installed {
    memory: Arc<WorkerHeap>,
    /// What was there before: for small arrays.
    before: Allocator,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Whether new arrays come from the region; not in forks of a worker.
static ON: AtomicBool = AtomicBool::new(false);

/// Takes the memory of this thread's large arrays from a worker's region, from now on.
pub(super) fn install(py: Python<'_>, memory: &Arc<WorkerHeap>) -> PyResult<()> {
    let module = py.import("numpy._core._multiarray_umath").or_else(|_| py.import("numpy.core._multiarray_umath"))?;
    let api = module.getattr("_ARRAY_API")?;
    // SAFETY: NumPy's table of functions, as its headers say: `PyDataMem_SetHandler` is number 304, `…_GetHandler` 305;
    // both take and give new references. The capsule that they take holds a `Handler` that lives for ever.
    #[allow(unsafe_code)]
    unsafe {
        let table = ffi::PyCapsule_GetPointer(api.as_ptr(), std::ptr::null()).cast::<*const c_void>();
        if table.is_null() {
            return Err(PyErr::fetch(py));
        }
        let version: unsafe extern "C" fn() -> c_uint = std::mem::transmute(*table.add(FEATURE_VERSION));
        if version() < WITH_HANDLERS {
            return Err(PyRuntimeError::new_err("this NumPy has no memory handlers (NEP 49)"));
        }
        let get: unsafe extern "C" fn() -> *mut ffi::PyObject = std::mem::transmute(*table.add(GET_HANDLER));
        let set: unsafe extern "C" fn(*mut ffi::PyObject) -> *mut ffi::PyObject =
            std::mem::transmute(*table.add(SET_HANDLER));
        let before = Bound::from_owned_ptr_or_err(py, get())?;
        let handler = ffi::PyCapsule_GetPointer(before.as_ptr(), c"mem_handler".as_ptr()).cast::<Handler>();
        if handler.is_null() {
            return Err(PyErr::fetch(py));
        }
        let installed = Installed { memory: Arc::clone(memory), before: (*handler).allocator };
        // The handler before stays alive: arrays that it made are freed through it.
        std::mem::forget(before);
        INSTALLED.set(installed).map_err(|_| PyRuntimeError::new_err("the allocator is installed already"))?;
        let mut name = [0u8; 127];
        name[..8].copy_from_slice(b"bakusoku");
        let ours = Box::leak(Box::new(Handler {
            name,
            version: 1,
            allocator: Allocator { context: std::ptr::null_mut(), malloc, calloc, realloc, free },
        }));
        let name: *const c_char = c"mem_handler".as_ptr();
        let capsule = ffi::PyCapsule_New(std::ptr::from_mut(ours).cast(), name, None);
        let capsule = Bound::from_owned_ptr_or_err(py, capsule)?;
        Bound::from_owned_ptr_or_err(py, set(capsule.as_ptr()))?;
        // Arrays hold the capsule by borrowed means only in part of NumPy's versions: it is never freed.
        std::mem::forget(capsule);
    }
    ON.store(true, Ordering::Release);
    Ok(())
}

/// In a fork of a worker: arrays come from private memory.
pub(super) fn switch_off() {
    ON.store(false, Ordering::Release);
}

/// The handler is only installed after `INSTALLED` was set.
fn installed() -> &'static Installed {
    INSTALLED.get().unwrap_or_else(|| std::process::abort())
}

fn born(size: usize) -> Option<(*mut c_void, bool)> {
    if size < LARGE || !ON.load(Ordering::Acquire) {
        return None;
    }
    installed().memory.allocate(size).map(|(address, zero)| (address.as_ptr().cast(), zero))
}

#[allow(unsafe_code)]
unsafe extern "C" fn malloc(_: *mut c_void, size: usize) -> *mut c_void {
    match born(size) {
        Some((address, _)) => address,
        // SAFETY: what NumPy would have done.
        None => unsafe { (installed().before.malloc)(installed().before.context, size) },
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn calloc(_: *mut c_void, n: usize, each: usize) -> *mut c_void {
    match n.checked_mul(each).and_then(born) {
        Some((address, zero)) => {
            if !zero {
                // SAFETY: a block of at least this length that was just taken.
                unsafe { address.cast::<u8>().write_bytes(0, n * each) };
            }
            address
        }
        // SAFETY: what NumPy would have done.
        None => unsafe { (installed().before.calloc)(installed().before.context, n, each) },
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn realloc(_: *mut c_void, old: *mut c_void, size: usize) -> *mut c_void {
    let it = installed();
    let Some(len) = it.memory.len_at(old.addr()) else {
        // SAFETY: not ours, so NumPy's.
        return unsafe { (it.before.realloc)(it.before.context, old, size) };
    };
    // SAFETY: a block of ours of `len` bytes, copied to one of `size` bytes.
    unsafe {
        let new = malloc(std::ptr::null_mut(), size);
        if !new.is_null() {
            new.cast::<u8>().copy_from_nonoverlapping(old.cast::<u8>(), size.min(len as usize));
            it.memory.free(old.addr());
        }
        new
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn free(_: *mut c_void, address: *mut c_void, size: usize) {
    let it = installed();
    if !it.memory.free(address.addr()) {
        // SAFETY: not ours, so NumPy's.
        unsafe { (it.before.free)(it.before.context, address, size) }
    }
}
