//! The walk over a Python object that feeds a [`Tokenizer`].
//!
//! Tokens are about values: whether two equal lists are one object or two must not show. So a
//! container is absorbed by the digest of its parts, and a container met again is absorbed by
//! the digest it had (`Seen::Closed`), which keeps a value that shares its parts linear.
//!
//! A value with a cycle has no such digest. The first pass gives up when it meets an object inside
//! itself, and a second one numbers the objects in the order in which it enters them and
//! absorbs the number of an object met again. An object from whose inside no number was
//! absorbed is closed all the same, and gives its number back.
//!
//! An object that only its container and this walk hold a reference to can be met only once; the
//! first pass need not remember it.

use std::sync::atomic::{AtomicBool, Ordering};

use oxidask_core::tokenize::{Kind, Token, Tokenizer};
use parking_lot::Mutex;
use pyo3::exceptions::{PyRecursionError, PyRuntimeError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyRange,
    PySet, PySlice, PyString, PyTuple, PyType,
};
use rustc_hash::FxHashMap;

use super::DETACH_BYTES;

/// Nested deeper than this, an object is refused before the stack of a thread runs out.
const DEPTH_LIMIT: usize = 2_000;

/// References to an object that is in one container and in our hands.
const SOLE_REFERENCES: isize = 2;

/// Whether `DEFERRED` holds anything: read for every object, so kept apart from the lock.
static ANY_DEFERRED: AtomicBool = AtomicBool::new(false);
/// Builtin types that a user registered with `normalize_token`.
static DEFERRED: Mutex<Vec<Py<PyType>>> = Mutex::new(Vec::new());

/// Why a walk ended early.
pub(super) enum Stop {
    /// An object lies within itself, and this pass does not number objects.
    Cycle,
    /// Python raised.
    Raised(PyErr),
}

impl From<PyErr> for Stop {
    fn from(error: PyErr) -> Self {
        Stop::Raised(error)
    }
}

/// What is known of an object that was met before.
enum Seen {
    /// It is being walked, or it refers to one that was: its number.
    Open(u64),
    /// Its value is known.
    Closed(Kind, Token),
}

/// One pass over an object.
pub(super) struct Walk<'py> {
    py: Python<'py>,
    tokenizer: Tokenizer,
    ensure_deterministic: Option<bool>,
    numbering: bool,
    /// By address. Each entry holds its object, so that no address is reused.
    seen: FxHashMap<usize, (Bound<'py, PyAny>, Seen)>,
    next_number: u64,
    back_references: u64,
    depth: usize,
}

/// The token of what `absorb` walks; called a second time when the first finds a cycle.
pub(super) fn token<'py>(
    py: Python<'py>,
    ensure_deterministic: Option<bool>,
    absorb: impl Fn(&mut Walk<'py>) -> Result<(), Stop>,
) -> PyResult<Token> {
    for numbering in [false, true] {
        let mut walk = Walk::new(py, ensure_deterministic, numbering);
        match absorb(&mut walk) {
            Ok(()) => return Ok(walk.tokenizer.finish()),
            Err(Stop::Raised(error)) => return Err(error),
            Err(Stop::Cycle) => {}
        }
    }
    unreachable!("a pass that numbers objects does not stop at a cycle")
}

/// Sends objects of this builtin type through `normalize_token`.
pub(super) fn defer(cls: &Bound<'_, PyType>) {
    let mut deferred = DEFERRED.lock();
    if !deferred.iter().any(|known| known.is(cls)) {
        deferred.push(cls.clone().unbind());
    }
    ANY_DEFERRED.store(true, Ordering::Release);
}

fn is_deferred(obj: &Bound<'_, PyAny>) -> bool {
    ANY_DEFERRED.load(Ordering::Acquire) && DEFERRED.lock().iter().any(|cls| cls.is(obj.get_type()))
}

impl<'py> Walk<'py> {
    fn new(py: Python<'py>, ensure_deterministic: Option<bool>, numbering: bool) -> Self {
        Walk {
            py,
            tokenizer: Tokenizer::new(),
            ensure_deterministic,
            numbering,
            seen: FxHashMap::default(),
            next_number: 0,
            back_references: 0,
            depth: 0,
        }
    }

    /// Absorbs any object.
    pub(super) fn any(&mut self, obj: &Bound<'py, PyAny>) -> Result<(), Stop> {
        if is_deferred(obj) {
            return self.object(obj);
        }
        if let Ok(int) = obj.cast_exact::<PyInt>() {
            self.int(int)
        } else if let Ok(text) = obj.cast_exact::<PyString>() {
            self.str(text)
        } else if let Ok(float) = obj.cast_exact::<PyFloat>() {
            self.tokenizer.float(float.value());
            Ok(())
        } else if obj.is_none() {
            self.tokenizer.none();
            Ok(())
        } else if let Ok(flag) = obj.cast_exact::<PyBool>() {
            self.tokenizer.bool(flag.is_true());
            Ok(())
        } else if let Ok(tuple) = obj.cast_exact::<PyTuple>() {
            self.tuple(tuple)
        } else if let Ok(list) = obj.cast_exact::<PyList>() {
            self.list(list)
        } else if let Ok(dict) = obj.cast_exact::<PyDict>() {
            self.entries(dict, Kind::Dict)
        } else {
            self.rarer(obj)
        }
    }

    /// Absorbs what was absorbed before, by its token.
    pub(super) fn known(&mut self, token: Token) {
        self.tokenizer.bytes(&token.to_be_bytes());
    }

    /// Absorbs a tuple.
    pub(super) fn tuple(&mut self, tuple: &Bound<'py, PyTuple>) -> Result<(), Stop> {
        self.frame(tuple.as_any(), Kind::Tuple, |walk| {
            tuple.iter().try_for_each(|item| walk.any(&item))
        })
    }

    /// Absorbs the pairs of a dict, whatever their order.
    pub(super) fn entries(&mut self, dict: &Bound<'py, PyDict>, kind: Kind) -> Result<(), Stop> {
        self.frame(dict.as_any(), kind, |walk| {
            if walk.numbering {
                let mut pairs = Vec::with_capacity(dict.len());
                walk.each_pair(dict, |walk, key, value| {
                    pairs.push((walk.apart(&key)?, (key, value)));
                    Ok(())
                })?;
                pairs.sort_by_key(|(token, _)| *token);
                for (_, (key, value)) in pairs {
                    walk.entry(|walk| walk.any(&key).and_then(|()| walk.any(&value)))?;
                }
                return Ok(());
            }
            walk.each_pair(dict, |walk, key, value| {
                walk.entry(|walk| walk.any(&key).and_then(|()| walk.any(&value)))
            })
        })
    }

    fn rarer(&mut self, obj: &Bound<'py, PyAny>) -> Result<(), Stop> {
        if let Ok(bytes) = obj.cast_exact::<PyBytes>() {
            self.bytes(bytes.as_bytes());
            Ok(())
        } else if obj.is_exact_instance_of::<PySet>() {
            self.members(obj, Kind::Set)
        } else if obj.is_exact_instance_of::<PyFrozenSet>() {
            self.members(obj, Kind::FrozenSet)
        } else if let Ok(complex) = obj.cast_exact::<PyComplex>() {
            self.tokenizer.complex(complex.real(), complex.imag());
            Ok(())
        } else if obj.is_exact_instance_of::<PySlice>() {
            self.bounds(obj, Kind::Slice)
        } else if obj.is_exact_instance_of::<PyRange>() {
            self.bounds(obj, Kind::Range)
        } else if let Ok(array) = obj.cast_exact::<PyByteArray>() {
            let digest = super::hash(array.as_any())?;
            self.tokenizer.absorb(Kind::ByteArray, digest);
            Ok(())
        } else {
            self.object(obj)
        }
    }

    fn int(&mut self, int: &Bound<'py, PyInt>) -> Result<(), Stop> {
        if let Ok(value) = int.extract::<i64>() {
            self.tokenizer.int(value);
            return Ok(());
        }
        let bits: usize = int.call_method0(intern!(self.py, "bit_length"))?.extract()?;
        let signed = PyDict::new(self.py);
        signed.set_item(intern!(self.py, "signed"), true)?;
        let arguments = (bits / 8 + 1, intern!(self.py, "little"));
        let bytes = int.call_method(intern!(self.py, "to_bytes"), arguments, Some(&signed))?;
        self.tokenizer.big_int(bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes());
        Ok(())
    }

    fn str(&mut self, text: &Bound<'py, PyString>) -> Result<(), Stop> {
        if let Ok(utf8) = text.to_str() {
            self.tokenizer.str(utf8);
            return Ok(());
        }
        let arguments = (intern!(self.py, "utf-8"), intern!(self.py, "surrogatepass"));
        let bytes = text.call_method1(intern!(self.py, "encode"), arguments)?;
        let bytes = bytes.cast::<PyBytes>().map_err(PyErr::from)?;
        self.tokenizer.str_with_surrogates(bytes.as_bytes());
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if bytes.len() < DETACH_BYTES {
            self.tokenizer.bytes(bytes);
        } else {
            let tokenizer = &mut self.tokenizer;
            self.py.detach(|| tokenizer.bytes(bytes));
        }
    }

    fn list(&mut self, list: &Bound<'py, PyList>) -> Result<(), Stop> {
        self.frame(list.as_any(), Kind::List, |walk| {
            let mut index = 0;
            // The length is read anew: what we call may shorten the list.
            while index < list.len() {
                walk.any(&list.get_item(index)?)?;
                index += 1;
            }
            Ok(())
        })
    }

    fn members(&mut self, set: &Bound<'py, PyAny>, kind: Kind) -> Result<(), Stop> {
        self.frame(set, kind, |walk| {
            if walk.numbering {
                let mut members = Vec::new();
                for member in set.try_iter()? {
                    let member = member?;
                    members.push((walk.apart(&member)?, member));
                }
                members.sort_by_key(|(token, _)| *token);
                return members
                    .iter()
                    .try_for_each(|(_, member)| walk.entry(|walk| walk.any(member)));
            }
            for member in set.try_iter()? {
                let member = member?;
                walk.entry(|walk| walk.any(&member))?;
            }
            Ok(())
        })
    }

    fn bounds(&mut self, obj: &Bound<'py, PyAny>, kind: Kind) -> Result<(), Stop> {
        self.frame(obj, kind, |walk| {
            for name in
                [intern!(walk.py, "start"), intern!(walk.py, "stop"), intern!(walk.py, "step")]
            {
                walk.any(&obj.getattr(name)?)?;
            }
            Ok(())
        })
    }

    /// Absorbs an object that is no builtin through what Python says it consists of.
    fn object(&mut self, obj: &Bound<'py, PyAny>) -> Result<(), Stop> {
        self.frame(obj, Kind::Object, |walk| {
            let parts = match walk.ensure_deterministic {
                None => normalize(walk.py)?.call1((obj,))?,
                Some(ensure) => normalize(walk.py)?.call1((obj, ensure))?,
            };
            if parts.is(obj) {
                return Err(Stop::Raised(PyRuntimeError::new_err(format!(
                    "normalize_token gave {} back unchanged, which says nothing of its value",
                    obj.get_type().name()?
                ))));
            }
            if is_deferred(&parts) { walk.parts_of_deferred(&parts) } else { walk.any(&parts) }
        })
    }

    /// Absorbs what a handler of a builtin type answered, which may be of that type again.
    fn parts_of_deferred(&mut self, parts: &Bound<'py, PyAny>) -> Result<(), Stop> {
        if let Ok(tuple) = parts.cast_exact::<PyTuple>() {
            self.tuple(tuple)
        } else if let Ok(list) = parts.cast_exact::<PyList>() {
            self.list(list)
        } else if let Ok(dict) = parts.cast_exact::<PyDict>() {
            self.entries(dict, Kind::Dict)
        } else if let Ok(text) = parts.cast_exact::<PyString>() {
            self.str(text)
        } else if let Ok(int) = parts.cast_exact::<PyInt>() {
            self.int(int)
        } else {
            self.rarer(parts)
        }
    }

    /// Absorbs `obj` as a frame that `fill` fills, unless it was met before.
    fn frame(
        &mut self,
        obj: &Bound<'py, PyAny>,
        kind: Kind,
        fill: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let remember = self.numbering || references(obj) > SOLE_REFERENCES;
        let address = obj.as_ptr() as usize;
        if remember && self.was_seen(address)? {
            return Ok(());
        }
        let (number, back_references) = (self.next_number, self.back_references);
        if remember {
            self.seen.insert(address, (obj.clone(), Seen::Open(number)));
            self.next_number += 1;
        }
        self.deeper()?;
        self.tokenizer.begin(kind);
        fill(self)?;
        let token = self.tokenizer.end();
        self.depth -= 1;
        if remember && self.back_references == back_references {
            self.next_number = number;
            self.seen.insert(address, (obj.clone(), Seen::Closed(kind, token)));
        }
        Ok(())
    }

    fn was_seen(&mut self, address: usize) -> Result<bool, Stop> {
        match self.seen.get(&address) {
            None => Ok(false),
            Some((_, Seen::Closed(kind, token))) => {
                self.tokenizer.absorb(*kind, *token);
                Ok(true)
            }
            Some((_, Seen::Open(_))) if !self.numbering => Err(Stop::Cycle),
            Some((_, Seen::Open(number))) => {
                self.tokenizer.back_reference(*number);
                self.back_references += 1;
                Ok(true)
            }
        }
    }

    fn deeper(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(Stop::Raised(PyRecursionError::new_err(format!(
                "cannot tokenize an object nested more than {DEPTH_LIMIT} levels deep; \
                 give it a __dask_tokenize__ method"
            ))));
        }
        Ok(())
    }

    fn entry(&mut self, fill: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        fill(self)?;
        self.tokenizer.entry();
        Ok(())
    }

    /// The token of an object by itself, which orders what has no order.
    fn apart(&self, obj: &Bound<'py, PyAny>) -> Result<Token, Stop> {
        Ok(token(self.py, self.ensure_deterministic, |walk| walk.any(obj))?)
    }

    /// Calls `visit` with each pair of a dict.
    fn each_pair(
        &mut self,
        dict: &Bound<'py, PyDict>,
        mut visit: impl FnMut(&mut Self, Bound<'py, PyAny>, Bound<'py, PyAny>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let len = dict.len();
        let mut position = 0;
        while let Some((key, value)) = next_pair(dict, &mut position) {
            visit(self, key, value)?;
            if dict.len() != len {
                return Err(Stop::Raised(PyRuntimeError::new_err(format!(
                    "dictionary changed size from {len} to {} while it was tokenized",
                    dict.len()
                ))));
            }
        }
        Ok(())
    }
}

/// `oxidask.tokenize._normalize`, looked up once.
fn normalize<'py>(py: Python<'py>) -> PyResult<&'py Bound<'py, PyAny>> {
    static NORMALIZE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    NORMALIZE.import(py, "oxidask.tokenize", "_normalize")
}

/// How many references to an object there are, of which `obj` is one.
fn references(obj: &Bound<'_, PyAny>) -> isize {
    #[expect(unsafe_code, reason = "pyo3 offers the count through its FFI only")]
    // SAFETY: `obj` is a live object, and we hold the GIL.
    unsafe {
        ffi::Py_REFCNT(obj.as_ptr())
    }
}

/// The next pair of a dict, as `PyDict_Next` gives it. pyo3's own iterator panics when the dict
/// changes in between; here the caller checks and raises.
fn next_pair<'py>(
    dict: &Bound<'py, PyDict>,
    position: &mut ffi::Py_ssize_t,
) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
    #[expect(unsafe_code, reason = "pyo3 has no iterator over a dict that survives a change")]
    // SAFETY: `dict` is a dict and we hold the GIL. PyDict_Next checks `position` against the
    // present table at every call, and on success fills both with references that the dict
    // holds, of which we take our own before any other code runs.
    unsafe {
        let more = ffi::PyDict_Next(dict.as_ptr(), position, &raw mut key, &raw mut value) != 0;
        more.then(|| {
            (Bound::from_borrowed_ptr(dict.py(), key), Bound::from_borrowed_ptr(dict.py(), value))
        })
    }
}
