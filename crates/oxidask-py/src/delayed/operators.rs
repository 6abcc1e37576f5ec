//! The operators of delayed values: each makes one pure call of the `operator` module's function.

#![expect(
    unsafe_op_in_unsafe_fn,
    reason = "pyo3's own code; the lint takes it for ours where a macro of ours names the method"
)]

use pyo3::basic::CompareOp;
use pyo3::prelude::*;

use super::Delayed;

type Result<'py> = PyResult<Bound<'py, Delayed>>;

/// Binary operators with their reflected forms.
macro_rules! binary {
    ($($name:ident $reflected:ident $function:literal),* $(,)?) => {$(
        #[pymethods]
        impl Delayed {
            fn $name<'py>(slf: &Bound<'py, Self>, other: Bound<'py, PyAny>) -> Result<'py> {
                Self::operator(slf, $function, &[slf.as_any(), &other])
            }

            fn $reflected<'py>(slf: &Bound<'py, Self>, other: Bound<'py, PyAny>) -> Result<'py> {
                Self::operator(slf, $function, &[&other, slf.as_any()])
            }
        }
    )*};
}

binary! {
    __add__ __radd__ "add",
    __sub__ __rsub__ "sub",
    __mul__ __rmul__ "mul",
    __truediv__ __rtruediv__ "truediv",
    __floordiv__ __rfloordiv__ "floordiv",
    __mod__ __rmod__ "mod",
    __matmul__ __rmatmul__ "matmul",
    __and__ __rand__ "and_",
    __or__ __ror__ "or_",
    __xor__ __rxor__ "xor",
    __lshift__ __rlshift__ "lshift",
    __rshift__ __rrshift__ "rshift",
}

/// Unary operators.
macro_rules! unary {
    ($($name:ident $function:literal),* $(,)?) => {$(
        #[pymethods]
        impl Delayed {
            fn $name<'py>(slf: &Bound<'py, Self>) -> Result<'py> {
                Self::operator(slf, $function, &[slf.as_any()])
            }
        }
    )*};
}

unary! {
    __neg__ "neg",
    __pos__ "pos",
    __abs__ "abs",
    __invert__ "invert",
}

#[pymethods]
impl Delayed {
    fn __pow__<'py>(
        slf: &Bound<'py, Self>,
        other: Bound<'py, PyAny>,
        _modulo: Option<Bound<'py, PyAny>>,
    ) -> Result<'py> {
        Self::operator(slf, "pow", &[slf.as_any(), &other])
    }

    fn __rpow__<'py>(
        slf: &Bound<'py, Self>,
        other: Bound<'py, PyAny>,
        _modulo: Option<Bound<'py, PyAny>>,
    ) -> Result<'py> {
        Self::operator(slf, "pow", &[&other, slf.as_any()])
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: Bound<'py, PyAny>,
        op: CompareOp,
    ) -> Result<'py> {
        let name = match op {
            CompareOp::Lt => "lt",
            CompareOp::Le => "le",
            CompareOp::Eq => "eq",
            CompareOp::Ne => "ne",
            CompareOp::Gt => "gt",
            CompareOp::Ge => "ge",
        };
        Self::operator(slf, name, &[slf.as_any(), &other])
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, item: Bound<'py, PyAny>) -> Result<'py> {
        Self::operator(slf, "getitem", &[slf.as_any(), &item])
    }
}
