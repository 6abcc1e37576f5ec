//! The arguments of a Python task: Python structures with holes for the values of other tasks.

use oxidask_core::value::Value;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use crate::object::to_object;

/// A Python expression over the inputs of a task.
pub(crate) enum Template {
    /// An object as it is.
    Const(Py<PyAny>),
    /// The value of an input.
    Input(u32),
    /// A call; the function may depend on inputs itself.
    Call(Box<Call>),
    /// A structure of parts.
    Container(Box<Container>),
}

/// A structure of parts.
pub(crate) enum Container {
    /// A list.
    List(Box<[Template]>),
    /// A tuple.
    Tuple(Box<[Template]>),
    /// A set.
    Set(Box<[Template]>),
    /// A frozen set.
    FrozenSet(Box<[Template]>),
    /// A dict, by key and value.
    Dict(Box<[(Template, Template)]>),
}

impl From<Container> for Template {
    fn from(container: Container) -> Self {
        Self::Container(Box::new(container))
    }
}

/// Templates by templates.
type Pairs = Box<[(Template, Template)]>;

/// A call of a function.
pub(crate) struct Call {
    /// What is called.
    pub(crate) function: Template,
    /// Positional arguments.
    pub(crate) args: Box<[Template]>,
    /// Keyword arguments; most calls have none.
    pub(crate) kwargs: Option<Box<Kwargs>>,
}

/// Keyword arguments by name.
pub(crate) struct Kwargs(Box<[(Py<PyString>, Template)]>);

impl Call {
    pub(crate) fn new(
        function: Template,
        args: impl Into<Box<[Template]>>,
        kwargs: impl Into<Box<[(Py<PyString>, Template)]>>,
    ) -> Self {
        let kwargs: Box<[_]> = kwargs.into();
        let kwargs = (!kwargs.is_empty()).then(|| Box::new(Kwargs(kwargs)));
        Self { function, args: args.into(), kwargs }
    }

    fn kwargs(&self) -> &[(Py<PyString>, Template)] {
        self.kwargs.as_ref().map_or(&[], |kwargs| &kwargs.0)
    }

    /// The arguments, and the keywords with their names as constants.
    pub(crate) fn parts(&self, py: Python<'_>) -> (Box<[Template]>, Pairs) {
        let pair = |(name, value): &(Py<PyString>, Template)| {
            (Template::Const(name.clone_ref(py).into_any()), value.clone_ref(py))
        };
        let args = self.args.iter().map(|arg| arg.clone_ref(py)).collect();
        (args, self.kwargs().iter().map(pair).collect())
    }

    /// Whether there are keywords.
    pub(crate) fn has_keywords(&self) -> bool {
        self.kwargs.is_some()
    }

    /// As [`Template::rebuild`].
    pub(crate) fn rebuild<'py>(
        &self,
        py: Python<'py>,
        leaf: &dyn Fn(u32) -> PyResult<Bound<'py, PyAny>>,
        builders: &Builders<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.rebuild(py, leaf, builders)?;
        let args = self.args.iter().map(|arg| arg.rebuild(py, leaf, builders));
        let args = PyList::new(py, args.collect::<PyResult<Vec<_>>>()?)?;
        let kwargs = PyDict::new(py);
        for (name, value) in self.kwargs() {
            kwargs.set_item(name, value.rebuild(py, leaf, builders)?)?;
        }
        builders.call.call1((function, args, kwargs))
    }
}

impl Template {
    /// A call of an object that is known now.
    pub(crate) fn call(
        function: Py<PyAny>,
        args: impl Into<Box<[Template]>>,
        kwargs: impl Into<Box<[(Py<PyString>, Template)]>>,
    ) -> Self {
        Self::Call(Box::new(Call::new(Self::Const(function), args, kwargs)))
    }

    /// Whether no part depends on an input or has to be computed.
    pub(crate) fn is_const(&self) -> bool {
        matches!(self, Self::Const(_))
    }

    /// The object that the expression gives for these inputs.
    pub(crate) fn eval<'py>(
        &self,
        py: Python<'py>,
        inputs: &[Value],
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::Const(object) => object.bind(py).clone(),
            Self::Input(i) => to_object(py, &inputs[*i as usize])?,
            Self::Call(call) => call.eval(py, inputs)?,
            Self::Container(container) => container.eval(py, inputs)?,
        })
    }

    /// Rebuilds the expression as an object: `leaf` stands for each input, and calls go through
    /// `call(function, args, kwargs)`.
    pub(crate) fn rebuild<'py>(
        &self,
        py: Python<'py>,
        leaf: &dyn Fn(u32) -> PyResult<Bound<'py, PyAny>>,
        builders: &Builders<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = |items: &[Template]| -> PyResult<Bound<'py, PyList>> {
            let items: PyResult<Vec<_>> =
                items.iter().map(|item| item.rebuild(py, leaf, builders)).collect();
            PyList::new(py, items?)
        };
        match self {
            Self::Const(object) => builders.constant.call1((object.bind(py),)),
            Self::Input(i) => leaf(*i),
            Self::Call(call) => call.rebuild(py, leaf, builders),
            Self::Container(container) => match &**container {
                Container::List(items) => builders.container.call1(("list", all(items)?)),
                Container::Tuple(items) => builders.container.call1(("tuple", all(items)?)),
                Container::Set(items) => builders.container.call1(("set", all(items)?)),
                Container::FrozenSet(items) => builders.container.call1(("frozenset", all(items)?)),
                Container::Dict(items) => {
                    let mut pairs = Vec::with_capacity(items.len());
                    for (key, value) in items {
                        let key = key.rebuild(py, leaf, builders)?;
                        pairs.push((key, value.rebuild(py, leaf, builders)?));
                    }
                    builders.container.call1(("dict", pairs))
                }
            },
        }
    }

    /// The same expression once more.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let all = |items: &[Self]| items.iter().map(|item| item.clone_ref(py)).collect();
        match self {
            Self::Const(object) => Self::Const(object.clone_ref(py)),
            Self::Input(i) => Self::Input(*i),
            Self::Call(call) => {
                let kwargs = call.kwargs().iter();
                let kwargs = kwargs.map(|(name, value)| (name.clone_ref(py), value.clone_ref(py)));
                let kwargs: Vec<_> = kwargs.collect();
                let args: Box<[Self]> = all(&call.args);
                Self::Call(Box::new(Call::new(call.function.clone_ref(py), args, kwargs)))
            }
            Self::Container(container) => match &**container {
                Container::List(items) => Container::List(all(items)),
                Container::Tuple(items) => Container::Tuple(all(items)),
                Container::Set(items) => Container::Set(all(items)),
                Container::FrozenSet(items) => Container::FrozenSet(all(items)),
                Container::Dict(items) => {
                    let pair =
                        |(key, value): &(Self, Self)| (key.clone_ref(py), value.clone_ref(py));
                    Container::Dict(items.iter().map(pair).collect())
                }
            }
            .into(),
        }
    }

    /// The expression as nested tuples that pickle can store: see [`Template::from_plain`].
    pub(crate) fn to_plain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let all = |items: &[Template]| -> PyResult<Vec<Bound<'py, PyAny>>> {
            items.iter().map(|item| item.to_plain(py)).collect()
        };
        let items = |kind: &str, items: &[Template]| -> PyResult<Bound<'py, PyAny>> {
            Ok((kind, all(items)?).into_pyobject(py)?.into_any())
        };
        Ok(match self {
            Self::Const(object) => ("const", object.bind(py)).into_pyobject(py)?.into_any(),
            Self::Input(i) => ("input", i).into_pyobject(py)?.into_any(),
            Self::Call(call) => {
                let kwargs = PyDict::new(py);
                for (name, value) in call.kwargs() {
                    kwargs.set_item(name, value.to_plain(py)?)?;
                }
                let function = call.function.to_plain(py)?;
                let call = ("call", function, all(&call.args)?, kwargs);
                call.into_pyobject(py)?.into_any()
            }
            Self::Container(container) => match &**container {
                Container::List(parts) => items("list", parts)?,
                Container::Tuple(parts) => items("tuple", parts)?,
                Container::Set(parts) => items("set", parts)?,
                Container::FrozenSet(parts) => items("frozenset", parts)?,
                Container::Dict(items) => {
                    let mut pairs = Vec::with_capacity(items.len());
                    for (key, value) in items {
                        pairs.push((key.to_plain(py)?, value.to_plain(py)?));
                    }
                    ("dict", pairs).into_pyobject(py)?.into_any()
                }
            },
        })
    }

    /// Reads back what `rebuild` gave with builders that make plain tuples.
    pub(crate) fn from_plain(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let parts = object.cast::<PyTuple>()?;
        let all = |items: &Bound<'_, PyAny>| -> PyResult<Box<[Template]>> {
            items.try_iter()?.map(|item| Self::from_plain(&item?)).collect()
        };
        let tag: String = parts.get_item(0)?.extract()?;
        Ok(match &*tag {
            "const" => Self::Const(parts.get_item(1)?.unbind()),
            "input" => Self::Input(parts.get_item(1)?.extract()?),
            "call" => {
                let mut kwargs = Vec::new();
                for (name, value) in parts.get_item(3)?.cast::<PyDict>()? {
                    kwargs
                        .push((name.cast_into::<PyString>()?.unbind(), Self::from_plain(&value)?));
                }
                let function = Self::from_plain(&parts.get_item(1)?)?;
                Self::Call(Box::new(Call::new(function, all(&parts.get_item(2)?)?, kwargs)))
            }
            "list" => Container::List(all(&parts.get_item(1)?)?).into(),
            "tuple" => Container::Tuple(all(&parts.get_item(1)?)?).into(),
            "set" => Container::Set(all(&parts.get_item(1)?)?).into(),
            "frozenset" => Container::FrozenSet(all(&parts.get_item(1)?)?).into(),
            "dict" => {
                let mut pairs = Vec::new();
                for pair in parts.get_item(1)?.try_iter()? {
                    let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
                    pairs.push((Self::from_plain(&key)?, Self::from_plain(&value)?));
                }
                Container::Dict(pairs.into()).into()
            }
            other => {
                return Err(PyValueError::new_err(format!("no task structure is named {other:?}")));
            }
        })
    }
}

/// Python callables that [`Template::rebuild`] makes its result with.
pub(crate) struct Builders<'py> {
    /// Of an object.
    pub(crate) constant: Bound<'py, PyAny>,
    /// Of function, argument list and keyword dict.
    pub(crate) call: Bound<'py, PyAny>,
    /// Of the kind's name and the list of items (pairs for a dict).
    pub(crate) container: Bound<'py, PyAny>,
}

fn eval_all<'py>(
    py: Python<'py>,
    items: &[Template],
    inputs: &[Value],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.iter().map(|item| item.eval(py, inputs)).collect()
}

impl Container {
    fn eval<'py>(&self, py: Python<'py>, inputs: &[Value]) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::List(items) => PyList::new(py, eval_all(py, items, inputs)?)?.into_any(),
            Self::Tuple(items) => PyTuple::new(py, eval_all(py, items, inputs)?)?.into_any(),
            Self::Set(items) => PySet::new(py, eval_all(py, items, inputs)?)?.into_any(),
            Self::FrozenSet(items) => {
                PyFrozenSet::new(py, eval_all(py, items, inputs)?)?.into_any()
            }
            Self::Dict(items) => {
                let dict = PyDict::new(py);
                for (key, value) in items {
                    dict.set_item(key.eval(py, inputs)?, value.eval(py, inputs)?)?;
                }
                dict.into_any()
            }
        })
    }
}

impl Call {
    /// As [`Template::eval`].
    pub(crate) fn eval<'py>(
        &self,
        py: Python<'py>,
        inputs: &[Value],
    ) -> PyResult<Bound<'py, PyAny>> {
        let owned;
        let function = match &self.function {
            Template::Const(function) => function.bind(py),
            other => {
                owned = other.eval(py, inputs)?;
                &owned
            }
        };
        let args = match &*self.args {
            [] => PyTuple::empty(py),
            [one] => PyTuple::new(py, [one.eval(py, inputs)?])?,
            [one, two] => PyTuple::new(py, [one.eval(py, inputs)?, two.eval(py, inputs)?])?,
            more => PyTuple::new(py, eval_all(py, more, inputs)?)?,
        };
        if self.kwargs.is_none() {
            return function.call1(args);
        }
        let kwargs = PyDict::new(py);
        for (name, value) in self.kwargs() {
            kwargs.set_item(name, value.eval(py, inputs)?)?;
        }
        function.call(args, Some(&kwargs))
    }
}
