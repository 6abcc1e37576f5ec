//! Keys of delayed calls, and the annotations that go with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oxidask_core::key::{Group, Key};
use oxidask_core::op::Op;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::key::{self as keys, Groups};
use crate::op::{Annotated, active_annotations};

static SEED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Seeds the tokens of calls that are not pure: at import, and again in a forked child.
#[pyfunction]
pub(crate) fn seed_tokens(seed: [u8; 16]) {
    for (half, bytes) in SEED.iter().zip(seed.chunks_exact(8)) {
        half.store(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)), Ordering::Relaxed);
    }
}

/// A token that no other call in this or another process has.
fn unique_token() -> u128 {
    // The finalizer of MurmurHash3: a bijection, so that distinct counts give distinct tokens.
    let mix = |mut n: u64| {
        n = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        n = (n ^ (n >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        n ^ (n >> 33)
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let half = |at: usize| mix(SEED[at].load(Ordering::Relaxed).wrapping_add(count));
    u128::from(half(0)) << 64 | u128::from(half(1))
}

/// The setting `delayed_pure`.
pub(super) fn pure_by_default(py: Python<'_>) -> PyResult<bool> {
    static CONFIG: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let config = CONFIG.import(py, "oxidask.config", "config")?;
    let Ok(config) = config.cast::<PyDict>() else { return Ok(false) };
    for name in [intern!(py, "delayed_pure"), intern!(py, "delayed-pure")] {
        if let Some(pure) = config.get_item(name)? {
            return pure.is_truthy();
        }
    }
    Ok(false)
}

/// What a call's key is made of.
pub(super) enum Naming<'a, 'py> {
    /// Exactly this key.
    Given(Bound<'py, PyAny>),
    /// The group and a token of these objects.
    Pure(Group, Vec<&'a Bound<'py, PyAny>>),
    /// The group and a token of its own.
    Unique(Group),
}

impl Naming<'_, '_> {
    pub(super) fn key(self, py: Python<'_>) -> PyResult<Key> {
        match self {
            Self::Given(key) => keys::from_python(&key, &mut Groups::default()),
            Self::Unique(group) => Ok(Key::with_token(group, unique_token())),
            Self::Pure(group, objects) => {
                let objects = PyTuple::new(py, objects)?;
                let token = crate::tokenize::tokenize(py, &objects, None, None)?;
                let token = u128::from_str_radix(&token.to_cow()?, 16)
                    .map_err(|e| PyTypeError::new_err(e.to_string()))?;
                Ok(Key::with_token(group, token))
            }
        }
    }
}

/// The op with the annotations of the enclosing blocks, if there are any.
pub(super) fn annotated(py: Python<'_>, op: Arc<dyn Op>) -> PyResult<Arc<dyn Op>> {
    Ok(match active_annotations(py)? {
        Some(active) => Arc::new(Annotated { op, annotations: active.unbind() }),
        None => op,
    })
}
