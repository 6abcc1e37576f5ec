//! Python keys and ours.

use oxidask_core::key::{Atom, Group, Key, KeyView};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString, PyTuple};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Hands out one group object for each name.
#[derive(Default)]
pub(crate) struct Groups {
    by_name: FxHashMap<Box<str>, Group>,
    last: Option<Group>,
}

impl Groups {
    fn intern(&mut self, name: &str) -> Group {
        // Neighbours in a graph mostly share their group.
        if let Some(last) = &self.last
            && last.as_str() == name
        {
            return last.clone();
        }
        let group = self.by_name.get(name).cloned().unwrap_or_else(|| {
            let group = Group::new(name);
            self.by_name.insert(name.into(), group.clone());
            group
        });
        self.last = Some(group.clone());
        group
    }
}

/// Our form of a Python key. What is neither Unicode text, a number of 64 bits, bytes nor a tuple
/// of such is kept as Python pickles it.
pub(crate) fn from_python(object: &Bound<'_, PyAny>, groups: &mut Groups) -> PyResult<Key> {
    if let Ok(text) = object.cast::<PyString>()
        && let Ok(text) = text.to_cow()
    {
        return Ok(Key::text(&text, |name| groups.intern(name)));
    }
    if let Ok(tuple) = object.cast_exact::<PyTuple>()
        && let Some(key) = block(tuple, groups)?
    {
        return Ok(key);
    }
    Ok(Key::atom(atom(object)?, |name| groups.intern(name)))
}

/// The key of `(name, i, j, ...)`, if the tuple is one.
fn block(tuple: &Bound<'_, PyTuple>, groups: &mut Groups) -> PyResult<Option<Key>> {
    if tuple.is_empty() {
        return Ok(None);
    }
    let first = tuple.get_item(0)?;
    let Ok(name) = first.cast_exact::<PyString>() else { return Ok(None) };
    let Ok(name) = name.to_cow() else { return Ok(None) };
    let mut index: SmallVec<[i64; 8]> = SmallVec::new();
    for item in tuple.iter().skip(1) {
        match item.cast_exact::<PyInt>().ok().and_then(|i| i.extract().ok()) {
            Some(i) => index.push(i),
            None => return Ok(None),
        }
    }
    Ok(Some(Key::block(groups.intern(&name), &index)))
}

fn atom(object: &Bound<'_, PyAny>) -> PyResult<Atom> {
    if let Ok(text) = object.cast::<PyString>()
        && let Ok(text) = text.to_cow()
    {
        Ok(Atom::Str(text.as_ref().into()))
    } else if let Ok(tuple) = object.cast::<PyTuple>() {
        let parts: PyResult<Vec<Atom>> = tuple.iter().map(|part| atom(&part)).collect();
        Ok(Atom::Tuple(parts?.into()))
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(Atom::Bytes(bytes.as_bytes().into()))
    } else if let Ok(float) = object.cast::<PyFloat>() {
        Ok(Atom::Float(float.value().to_bits()))
    } else if let Some(int) = object.cast::<PyInt>().ok().and_then(|int| int.extract().ok()) {
        Ok(Atom::Int(int))
    } else {
        let py = object.py();
        let text: String = py.import("builtins")?.call_method1("ascii", (object,))?.extract()?;
        let bytes: Vec<u8> =
            py.import("oxidask._pickle")?.call_method1("dumps", (object,))?.extract()?;
        Ok(Atom::Foreign { text: text.into(), bytes: bytes.into() })
    }
}

/// The Python form of a key: equal to what it was made from.
pub(crate) fn to_python<'py>(py: Python<'py>, key: &Key) -> PyResult<Bound<'py, PyAny>> {
    match key.view() {
        KeyView::Text(text) => Ok(PyString::new(py, &text).into_any()),
        KeyView::Block(name, index) => {
            let mut parts = vec![PyString::new(py, name).into_any()];
            for i in index {
                parts.push(i.into_pyobject(py)?.into_any());
            }
            Ok(PyTuple::new(py, parts)?.into_any())
        }
        KeyView::Atom(atom) => atom_to_python(py, atom),
    }
}

fn atom_to_python<'py>(py: Python<'py>, atom: &Atom) -> PyResult<Bound<'py, PyAny>> {
    Ok(match atom {
        Atom::Int(i) => i.into_pyobject(py)?.into_any(),
        Atom::Float(bits) => PyFloat::new(py, f64::from_bits(*bits)).into_any(),
        Atom::Str(text) => PyString::new(py, text).into_any(),
        Atom::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Atom::Foreign { bytes, .. } => {
            py.import("oxidask._pickle")?.call_method1("loads", (PyBytes::new(py, bytes),))?
        }
        Atom::Tuple(parts) => {
            let parts: PyResult<Vec<_>> = parts.iter().map(|p| atom_to_python(py, p)).collect();
            PyTuple::new(py, parts?)?.into_any()
        }
    })
}
