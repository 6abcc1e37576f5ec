//! Functions that users submit: pickled once, named once.
//!
//! A function that another process can import never changes its pickle. One that travels by value does
//! when something that it refers to is another object than before: its [`Guard`] knows. What refers to an object
//! that may change in place is pickled each time.

use std::sync::{Arc, OnceLock};

use oxidask_core::key::Group;
use oxidask_core::tokenize::Token;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::Blob;
use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyCode, PyDict, PyFloat, PyFunction, PyInt, PyModule, PyNone, PyString,
    PyTuple, PyType,
};
use rustc_hash::FxHashMap;

use crate::op::funcname;
use crate::tokenize;

/// The name of the family of Python tasks.
pub(super) const FAMILY: &str = "python";

/// Functions that are kept; beyond that all are forgotten.
const MAX_FUNCTIONS: usize = 512;

/// Functions that were submitted before.
#[derive(Default)]
pub(super) struct Functions {
    // Never locked where Python code may run: that lets other threads in, which would wait here.
    by_address: Mutex<FxHashMap<usize, Arc<Known>>>,
}

struct Known {
    /// Keeps the address from being another object's.
    function: Py<PyAny>,
    guard: Guard,
    group: Group,
    token: OnceLock<Token>,
    blob: OnceLock<Blob>,
}

/// What one function is submitted as.
#[derive(Clone)]
pub(super) struct Submitted {
    /// The group of its keys.
    pub(super) group: Group,
    /// Its token, if asked for.
    pub(super) token: Option<Token>,
    /// Its pickle, if asked for.
    pub(super) blob: Option<Blob>,
}

impl Functions {
    /// What `function` is submitted as.
    ///
    /// # Errors
    /// If it can't be pickled, or has no token.
    pub(super) fn get(
        &self,
        function: &Bound<'_, PyAny>,
        with_token: bool,
        with_blob: bool,
    ) -> PyResult<Submitted> {
        let known = self.known(function)?;
        if with_token && known.token.get().is_none() {
            let token = tokenize::token_of(function)?;
            _ = known.token.set(token);
        }
        if with_blob && known.blob.get().is_none() {
            let bytes = pickle(function)?;
            let hash = BlobHash(Token::of_bytes(&bytes).as_u128());
            _ = known.blob.set(Blob { hash, family: FAMILY.into(), bytes: bytes.into() });
        }
        Ok(Submitted {
            group: known.group.clone(),
            token: known.token.get().copied(),
            blob: known.blob.get().cloned(),
        })
    }

    /// The blob of the function that gives back what it is given.
    ///
    /// # Errors
    /// As [`Functions::get`].
    pub(super) fn identity(&self, py: Python<'_>) -> PyResult<Blob> {
        static IDENTITY: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
        let identity = IDENTITY.import(py, "oxidask.local", "_identity")?;
        self.get(identity, false, true)?
            .blob
            .ok_or_else(|| pyo3::exceptions::PyRuntimeError::new_err("a function has no pickle"))
    }

    fn known(&self, function: &Bound<'_, PyAny>) -> PyResult<Arc<Known>> {
        let py = function.py();
        let address = function.as_ptr() as usize;
        let known = self.by_address.lock().get(&address).cloned();
        if let Some(known) = known
            && known.function.is(function)
            && known.guard.holds(py, function)
        {
            return Ok(known);
        }
        let known = Arc::new(Known {
            function: function.clone().unbind(),
            guard: Guard::of(function)?,
            group: Group::new(&funcname(function)?.to_cow()?),
            token: OnceLock::new(),
            blob: OnceLock::new(),
        });
        let mut by_address = self.by_address.lock();
        let full = by_address.len() >= MAX_FUNCTIONS;
        let forgotten = if full { std::mem::take(&mut *by_address) } else { FxHashMap::default() };
        let replaced = by_address.insert(address, known.clone());
        drop(by_address);
        drop((forgotten, replaced));
        Ok(known)
    }
}

/// Pickles an object, with cloudpickle where pickle refuses.
pub(super) fn pickle(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    static DUMPS: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    let dumps = DUMPS.import(object.py(), "oxidask._pickle", "dumps")?;
    let bytes = dumps.call1((object,))?.cast_into::<PyBytes>()?;
    Ok(bytes.as_bytes().to_vec())
}

/// How to see that the pickle of a function is what it was.
enum Guard {
    /// Other processes import it.
    Imported,
    /// It travels by value, and refers to these objects only.
    Refers { code: Py<PyAny>, defaults: Py<PyAny>, cells: Vec<Py<PyAny>>, names: Vec<Named> },
    /// It has to be pickled each time.
    Never,
}

/// A name, the globals that it is looked for in, and what it stood for.
struct Named {
    globals: Py<PyDict>,
    name: Py<PyString>,
    object: Option<Py<PyAny>>,
}

impl Guard {
    fn of(function: &Bound<'_, PyAny>) -> PyResult<Self> {
        if is_importable(function)? {
            return Ok(Self::Imported);
        }
        let mut names = Vec::new();
        if !refers_to_fixed(function, &mut names, &mut Vec::new()).unwrap_or(false) {
            return Ok(Self::Never);
        }
        let py = function.py();
        let code = function.getattr(intern!(py, "__code__"))?.unbind();
        let defaults = function.getattr(intern!(py, "__defaults__"))?.unbind();
        let cells = contents(function)?.unwrap_or_default().into_iter().map(Bound::unbind);
        Ok(Self::Refers { code, defaults, cells: cells.collect(), names })
    }

    /// Whether the pickle is still good.
    fn holds(&self, py: Python<'_>, function: &Bound<'_, PyAny>) -> bool {
        match self {
            Self::Imported => true,
            Self::Never => false,
            Self::Refers { code, defaults, cells, names } => {
                let holds = || -> PyResult<bool> {
                    let same_code = function.getattr(intern!(py, "__code__"))?.is(code);
                    let same =
                        same_code && function.getattr(intern!(py, "__defaults__"))?.is(defaults);
                    let now = contents(function)?.unwrap_or_default();
                    let same = same
                        && now.len() == cells.len()
                        && now.iter().zip(cells).all(|(now, then)| now.is(then));
                    Ok(same && names.iter().all(|named| named.holds(py)))
                };
                holds().unwrap_or(false)
            }
        }
    }
}

impl Named {
    fn holds(&self, py: Python<'_>) -> bool {
        match (self.globals.bind(py).get_item(&self.name), &self.object) {
            (Ok(Some(now)), Some(then)) => now.is(then),
            (Ok(None), None) => true,
            _ => false,
        }
    }
}

/// Whether a function that travels by value refers to nothing that may change in place; adds the globals that
/// it refers to.
fn refers_to_fixed<'py>(
    function: &Bound<'py, PyAny>,
    names: &mut Vec<Named>,
    seen: &mut Vec<Bound<'py, PyAny>>,
) -> PyResult<bool> {
    let py = function.py();
    if seen.iter().any(|other| other.is(function)) {
        return Ok(true);
    }
    seen.push(function.clone());
    if function.cast_exact::<PyFunction>().is_err()
        || function.getattr(intern!(py, "__dict__"))?.len()? > 0
        || !function.getattr(intern!(py, "__kwdefaults__"))?.is_none()
        || !is_constant(&function.getattr(intern!(py, "__defaults__"))?)
    {
        return Ok(false);
    }
    let Some(cells) = contents(function)? else { return Ok(false) };
    let globals = function.getattr(intern!(py, "__globals__"))?.cast_into::<PyDict>()?;
    let code = function.getattr(intern!(py, "__code__"))?;
    Ok(cells.iter().all(is_constant) && names_are_fixed(&code, &globals, names, seen)?)
}

/// What the cells of a function hold; none if one is empty.
fn contents<'py>(function: &Bound<'py, PyAny>) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    let py = function.py();
    let cells = function.getattr(intern!(py, "__closure__"))?;
    if cells.is_none() {
        return Ok(Some(Vec::new()));
    }
    let mut contents = Vec::new();
    for cell in cells.try_iter()? {
        match cell?.getattr_opt(intern!(py, "cell_contents")) {
            Ok(Some(object)) => contents.push(object),
            _ => return Ok(None),
        }
    }
    Ok(Some(contents))
}

/// As [`refers_to_fixed`] of a code object and those in it.
fn names_are_fixed<'py>(
    code: &Bound<'py, PyAny>,
    globals: &Bound<'py, PyDict>,
    names: &mut Vec<Named>,
    seen: &mut Vec<Bound<'py, PyAny>>,
) -> PyResult<bool> {
    let py = code.py();
    for name in code.getattr(intern!(py, "co_names"))?.try_iter()? {
        let name = name?.cast_into::<PyString>()?;
        let object = globals.get_item(&name)?;
        if let Some(object) = &object
            && !is_fixed(object)
            && !refers_to_fixed(object, names, seen)?
        {
            return Ok(false);
        }
        let (globals, name) = (globals.clone().unbind(), name.unbind());
        names.push(Named { globals, name, object: object.map(Bound::unbind) });
    }
    for constant in code.getattr(intern!(py, "co_consts"))?.try_iter()? {
        let constant = constant?;
        if constant.is_instance_of::<PyCode>() && !names_are_fixed(&constant, globals, names, seen)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an object can't change: scalars, and tuples of them.
fn is_constant(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyNone>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyBytes>()
        || object
            .cast_exact::<PyTuple>()
            .is_ok_and(|tuple| tuple.iter().all(|item| is_constant(&item)))
}

/// Whether a global is one that pickle stores by name, or a constant.
fn is_fixed(object: &Bound<'_, PyAny>) -> bool {
    is_constant(object)
        || object.is_instance_of::<PyModule>()
        || is_importable(object).unwrap_or(false)
}

/// Whether another process finds the object under its name, and pickle stores it so.
fn is_importable(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    let is_builtin = || {
        let name = object.get_type().name();
        name.is_ok_and(|name| name == "builtin_function_or_method" || name == "ufunc")
    };
    if !object.is_instance_of::<PyFunction>() && !object.is_instance_of::<PyType>() && !is_builtin()
    {
        return Ok(false);
    }
    let module = object.getattr_opt(intern!(py, "__module__"))?;
    let name = object.getattr_opt(intern!(py, "__qualname__"))?;
    let (Some(module), Some(name)) = (module, name) else { return Ok(false) };
    let (Ok(module), Ok(name)) = (module.cast::<PyString>(), name.cast::<PyString>()) else {
        return Ok(false);
    };
    if module.to_cow()? == "__main__" || name.to_cow()?.contains('.') {
        return Ok(false);
    }
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(module) = modules.get_item(module) else { return Ok(false) };
    let by_value = py.import("cloudpickle")?.call_method0("list_registry_pickle_by_value")?;
    if by_value.len()? > 0 {
        return Ok(false);
    }
    Ok(module.getattr_opt(name)?.is_some_and(|found| found.is(object)))
}
