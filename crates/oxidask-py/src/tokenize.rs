//! Deterministic tokens of Python objects: what `oxidask.tokenize` is made of.
//!
//! Objects of the builtin types are absorbed here, without a Python frame. Everything else goes
//! through `oxidask.tokenize._normalize`, which knows the protocols (`normalize_token`,
//! `__dask_tokenize__`, pickling) and answers with builtin objects that say the same. The walk over
//! shared and circular references is in [`walk`]; the hash is `oxidask_core::tokenize`'s.

use oxidask_core::tokenize::{Kind, Token};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use walk::Walk;

mod walk;

/// Buffers below this are hashed sooner than another thread could be woken.
const DETACH_BYTES: usize = 256 * 1024;

/// Deterministic token of the arguments: 32 hexadecimal digits.
///
/// Equal arguments give equal tokens, in every process and on every day.
///
/// Parameters
/// ----------
/// *args, **kwargs
///     The objects that decide the token. Objects that are no builtins take part through
///     `normalize_token`, their ``__dask_tokenize__`` method, or what pickle would store.
/// ensure_deterministic : bool, optional
///     Whether to raise `TokenizationError` for an object that has no deterministic token, rather
///     than give it a random one. Default: the setting ``tokenize.ensure-deterministic``.
///
/// Returns
/// -------
/// str
///
/// Examples
/// --------
/// >>> from oxidask.tokenize import tokenize
/// >>> tokenize([1, 2, "3"]) == tokenize([1, 2, "3"])
/// True
/// >>> tokenize({"x": 1, "y": 2}) == tokenize({"y": 2, "x": 1})
/// True
///
/// Differs from Dask
/// -----------------
/// The digits differ from those of Dask, whose hash is MD5.
#[pyfunction]
#[pyo3(signature = (*args, ensure_deterministic = None, **kwargs))]
pub(crate) fn tokenize<'py>(
    py: Python<'py>,
    args: &Bound<'py, PyTuple>,
    ensure_deterministic: Option<bool>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyString>> {
    let token = walk::token(py, ensure_deterministic, |walk: &mut Walk<'py>| {
        walk.tuple(args)?;
        match kwargs {
            Some(kwargs) if !kwargs.is_empty() => walk.entries(kwargs, Kind::Keywords),
            _ => Ok(()),
        }
    })?;
    hexadecimal(py, token)
}

/// The token of one object.
///
/// # Errors
/// If it has none and one is demanded.
pub(crate) fn token_of(object: &Bound<'_, PyAny>) -> PyResult<Token> {
    walk::token(object.py(), None, |walk: &mut Walk<'_>| walk.any(object))
}

/// The token of a call of a function whose token is known.
///
/// # Errors
/// As [`token_of`], for any argument.
pub(crate) fn token_of_call<'py>(
    function: Token,
    args: &Bound<'py, PyTuple>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Token> {
    walk::token(args.py(), None, |walk: &mut Walk<'py>| {
        walk.known(function);
        walk.tuple(args)?;
        match kwargs {
            Some(kwargs) if !kwargs.is_empty() => walk.entries(kwargs, Kind::Keywords),
            _ => Ok(()),
        }
    })
}

/// Sends objects of `cls`, a builtin type, through `normalize_token` from now on.
#[pyfunction]
pub(crate) fn tokenize_defer(cls: &Bound<'_, PyType>) {
    walk::defer(cls);
}

/// The 32 hexadecimal digits of the hash of a contiguous buffer.
///
/// The interpreter's lock is released while a large buffer is read.
#[pyfunction]
pub(crate) fn hash_buffer_hex<'py>(buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    hexadecimal(buffer.py(), hash(buffer)?)
}

/// The 16 bytes of the hash of a contiguous buffer.
#[pyfunction]
pub(crate) fn hash_buffer<'py>(buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(buffer.py(), &hash(buffer)?.to_be_bytes()))
}

fn hexadecimal(py: Python<'_>, token: Token) -> PyResult<Bound<'_, PyString>> {
    PyString::from_bytes(py, &token.to_hex())
}

fn hash(obj: &Bound<'_, PyAny>) -> PyResult<Token> {
    let buffer = PyUntypedBuffer::get(obj)?;
    if !buffer.is_c_contiguous() && !buffer.is_fortran_contiguous() {
        return Err(PyBufferError::new_err(format!(
            "cannot hash a buffer of shape {:?} and strides {:?} in place: it is not contiguous; \
             copy it first",
            buffer.shape(),
            buffer.strides()
        )));
    }
    let len = buffer.len_bytes();
    if len == 0 {
        return Ok(Token::of_bytes(&[]));
    }
    #[expect(unsafe_code, reason = "the buffer protocol hands out pointers")]
    // SAFETY: the buffer is contiguous, so `len_bytes` bytes from `buf_ptr` on belong to it, and
    // they stay allocated while `buffer` lives. A thread that writes into the object meanwhile
    // races with us as it would with any reader of NumPy's; we only read, as plain bytes, and
    // the outcome of such a race is an arbitrary token.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), len) };
    Ok(if len < DETACH_BYTES {
        Token::of_bytes(bytes)
    } else {
        obj.py().detach(|| Token::of_bytes(bytes))
    })
}
