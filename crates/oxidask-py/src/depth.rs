//! A bound on how deep the structures are that we follow: Python's own recursion limit.
//!
//! Users nest lists in lists, and now and then a list holds itself. Code that walks such a structure
//! by recursion goes through [`deeper`] at each level, so that it ends in a `RecursionError` where
//! Python code would, and not in the end of the process.

use std::ffi::CStr;

use pyo3::prelude::*;

/// Runs `body` one level deeper. `doing` completes "maximum recursion depth exceeded".
///
/// # Errors
/// `RecursionError` if Python's limit is reached; else what `body` gives.
pub(crate) fn deeper<T>(
    py: Python<'_>,
    doing: &CStr,
    body: impl FnOnce() -> PyResult<T>,
) -> PyResult<T> {
    let _level = Level::enter(py, doing)?;
    body()
}

/// One level of recursion, left again when this is dropped.
struct Level;

#[expect(unsafe_code, reason = "no safe wrapper for these calls")]
impl Level {
    fn enter(py: Python<'_>, doing: &CStr) -> PyResult<Self> {
        // SAFETY: the thread is attached, and the text ends with a zero.
        match unsafe { pyo3::ffi::Py_EnterRecursiveCall(doing.as_ptr()) } {
            0 => Ok(Self),
            _ => Err(PyErr::fetch(py)),
        }
    }
}

#[expect(unsafe_code, reason = "no safe wrapper for these calls")]
impl Drop for Level {
    fn drop(&mut self) {
        // SAFETY: pairs with the call in `enter`, on the same thread: a `Level` never leaves
        // `deeper`, which was given a token of the attached thread.
        unsafe { pyo3::ffi::Py_LeaveRecursiveCall() }
    }
}
