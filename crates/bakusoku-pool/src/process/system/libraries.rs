//! The libraries that this process has loaded.

use std::ffi::{CStr, CString};

/// How many libraries this process has ever loaded.
#[cfg(not(target_vendor = "apple"))]
pub(in crate::process) fn loads() -> u64 {
    extern "C" fn first(info: *mut libc::dl_phdr_info, _: usize, found: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the loader hands in its description of a library, and what we gave it.
        #[allow(unsafe_code)]
        unsafe {
            *found.cast::<u64>() = (*info).dlpi_adds;
        }
        1
    }
    let mut found = 0u64;
    // SAFETY: the function above, and a number for it to fill in.
    #[allow(unsafe_code)]
    unsafe {
        libc::dl_iterate_phdr(Some(first), (&raw mut found).cast());
    }
    found
}

/// Their files.
#[cfg(not(target_vendor = "apple"))]
pub(in crate::process) fn libraries() -> Vec<CString> {
    extern "C" fn each(info: *mut libc::dl_phdr_info, _: usize, found: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the loader hands in its description of a library, with a name that ends in zero, and what we gave it.
        #[allow(unsafe_code)]
        unsafe {
            if !(*info).dlpi_name.is_null() {
                (*found.cast::<Vec<CString>>()).push(CStr::from_ptr((*info).dlpi_name).to_owned());
            }
        }
        0
    }
    let mut found: Vec<CString> = Vec::new();
    // SAFETY: the function above, and a list for it to fill in.
    #[allow(unsafe_code)]
    unsafe {
        libc::dl_iterate_phdr(Some(each), (&raw mut found).cast());
    }
    found
}

// dyld(3)
#[cfg(target_vendor = "apple")]
#[allow(unsafe_code)]
unsafe extern "C" {
    fn _dyld_image_count() -> u32;
    fn _dyld_get_image_name(index: u32) -> *const libc::c_char;
}

/// How many libraries this process has loaded.
#[cfg(target_vendor = "apple")]
pub(in crate::process) fn loads() -> u64 {
    // SAFETY: needs nothing.
    #[allow(unsafe_code)]
    unsafe {
        u64::from(_dyld_image_count())
    }
}

/// Their files.
#[cfg(target_vendor = "apple")]
pub(in crate::process) fn libraries() -> Vec<CString> {
    (0..loads() as u32)
        .filter_map(|index| {
            // SAFETY: null, or a name that ends in zero, of a library that stays loaded meanwhile.
            #[allow(unsafe_code)]
            unsafe {
                let name = _dyld_get_image_name(index);
                (!name.is_null()).then(|| CStr::from_ptr(name).to_owned())
            }
        })
        .collect()
}
