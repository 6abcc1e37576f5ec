//! Arrays from Rust: lazy n-dimensional arrays in chunks, with elements of a known type.
//!
//! ```
//! use oxidask::array::Array;
//!
//! # fn main() -> Result<(), oxidask::Error> {
//! let x = Array::from_vec((0..12).map(f64::from).collect(), &[3, 4], &[2, 2])?;
//! let y = (&x + &x.transposed()?.transposed()?) * 0.5;
//! assert_eq!(y.compute()?.elements(), x.compute()?.elements());
//! # Ok(())
//! # }
//! ```
//!
//! Expressions cost nothing until [`Array::compute`]: a run of elementwise operations becomes one
//! pass over the chunks. [`plan`] has what isn't typed: everything that the Python package does.

use std::marker::PhantomData;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

pub use oxidask_array::dtype::{Bool, DType, Element};
pub use oxidask_array::error::ArrayError;
pub use oxidask_array::kernel::Chunk;
pub use oxidask_array::kernel::ufunc::Ufunc;
use oxidask_array::ops::source::{FromChunk, Full};
use oxidask_array::plan::array::Array as Expression;
use oxidask_array::plan::chunks::Chunks;
use oxidask_array::plan::elementwise::Operand;
use oxidask_array::plan::gather::gather;
use oxidask_array::plan::lower::{Fusion, lower};
use oxidask_array::plan::normalize::{AxisSpec, ChunkSpec, Request, normalize};
pub use oxidask_array::{kernel, ops, plan};
use oxidask_core::optimize::fuse_blockwise;

use crate::error::Error;
use crate::scheduler::Scheduler;

/// A lazy array whose elements are `T`s.
///
/// Operators take references or arrays and numbers; they panic if shapes don't fit, as those of
/// other array crates do: [`Array::zip`] returns an error instead.
pub struct Array<T> {
    expression: Expression,
    element: PhantomData<T>,
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { expression: self.expression.clone(), element: PhantomData }
    }
}

fn cut(shape: &[usize], chunks: &[usize]) -> Result<Chunks, ArrayError> {
    let spec = ChunkSpec::Axes(chunks.iter().map(|&n| AxisSpec::Size(n)).collect());
    normalize(&spec, &Request::new(shape))
}

impl<T: Element> Array<T> {
    /// The array of an untyped expression.
    ///
    /// # Errors
    /// [`ArrayError::Type`] if its elements are no `T`s.
    pub fn new(expression: Expression) -> Result<Self, Error> {
        match expression.dtype() {
            Some(dtype) if dtype == T::DTYPE => Ok(Self { expression, element: PhantomData }),
            dtype => {
                let found = dtype.map_or_else(|| "foreign".into(), |dtype| dtype.to_string());
                Err(ArrayError::Type(format!("{found} elements, not {}", T::DTYPE)).into())
            }
        }
    }

    /// An array of elements in row-major order, in chunks of at most these extents.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if there are not as many elements as the shape says.
    pub fn from_vec(elements: Vec<T>, shape: &[usize], chunks: &[usize]) -> Result<Self, Error> {
        let chunks = cut(shape, chunks)?;
        let array = Chunk::from_slice(&elements, shape)?;
        let kernel = FromChunk { array, bounds: chunks.all_bounds() };
        Self::new(Expression::source("array", kernel, chunks, T::DTYPE)?)
    }

    /// The same value everywhere.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if the chunks don't fit the shape.
    pub fn full(value: T, shape: &[usize], chunks: &[usize]) -> Result<Self, Error> {
        let chunks = cut(shape, chunks)?;
        let kernel = Full { value: Chunk::scalar(value)?, bounds: chunks.all_bounds() };
        Self::new(Expression::source("full", kernel, chunks, T::DTYPE)?)
    }

    /// The untyped expression.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Extents of the axes.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.expression.shape().to_vec()
    }

    /// A function of every element. `U` is what NumPy would give: `f64` for `sin` of `f64`s.
    ///
    /// # Errors
    /// [`ArrayError::Type`] if the function gives other elements, or takes none such.
    pub fn map<U: Element>(&self, ufunc: Ufunc) -> Result<Array<U>, Error> {
        Array::new(Expression::ufunc(ufunc, &[Operand::Array(self.expression.clone())])?)
    }

    /// A function of the elements of two arrays, broadcast against each other.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if the shapes don't fit, [`ArrayError::Type`] as in [`Array::map`].
    pub fn zip<U: Element, V: Element>(
        &self,
        ufunc: Ufunc,
        other: &Array<V>,
    ) -> Result<Array<U>, Error> {
        let operands = [&self.expression, &other.expression].map(|e| Operand::Array(e.clone()));
        Array::new(Expression::ufunc(ufunc, &operands)?)
    }

    fn with(&self, ufunc: Ufunc, number: T) -> Result<Self, Error> {
        let number = Operand::Scalar(Chunk::scalar(number)?);
        Self::new(Expression::ufunc(ufunc, &[Operand::Array(self.expression.clone()), number])?)
    }

    /// The elements as `U`s, converted as NumPy's `astype` does.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if there is no such conversion.
    pub fn cast<U: Element>(&self) -> Result<Array<U>, Error> {
        Array::new(self.expression.astype(U::DTYPE)?)
    }

    /// The axes in reverse order.
    ///
    /// # Errors
    /// None today; views of more kinds may have some.
    pub fn transposed(&self) -> Result<Self, Error> {
        let axes: Vec<usize> = (0..self.expression.ndim()).rev().collect();
        Self::new(self.expression.transpose(&axes)?)
    }

    /// Computes the elements on the threads of this machine.
    ///
    /// # Errors
    /// Whatever keeps them from being computed, [`Error::Task`] above all.
    pub fn compute(&self) -> Result<Elements<T>, Error> {
        self.compute_on(&Scheduler::threads())
    }

    /// Computes the elements on a scheduler.
    ///
    /// # Errors
    /// Those of [`Array::compute`].
    pub fn compute_on(&self, scheduler: &Scheduler) -> Result<Elements<T>, Error> {
        let chunk = compute(scheduler, &self.expression)?;
        Ok(Elements { chunk: chunk.to_contiguous()?, element: PhantomData })
    }
}

/// Computes an untyped expression as one chunk.
///
/// # Errors
/// Whatever keeps it from being computed; [`ArrayError::Unsupported`] if its shape isn't known
/// before or its chunks aren't native.
pub fn compute(scheduler: &Scheduler, expression: &Expression) -> Result<Chunk, Error> {
    let mut lowered = lower(std::slice::from_ref(expression), Fusion::On)?;
    let task = gather(&mut lowered.graph, expression, lowered.layers[0])?;
    let task = task.ok_or_else(|| {
        ArrayError::Unsupported("an array of unknown shape or of foreign elements".into())
    })?;
    let graph = Arc::new(fuse_blockwise(&lowered.graph, &[task.layer]));
    let values = scheduler.run(&graph, &[task])?;
    let value = values.first().ok_or(Error::Cancelled)?;
    Ok(oxidask_array::ops::chunk(value)?)
}

/// The computed elements of an array.
pub struct Elements<T> {
    chunk: Chunk,
    element: PhantomData<T>,
}

impl<T: Element> Elements<T> {
    /// Extents of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.chunk.shape()
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn elements(&self) -> &[T] {
        self.chunk.as_slice().unwrap_or_default()
    }

    /// The memory.
    #[must_use]
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }
}

/// What an operator gives, or its panic.
fn fitting<T>(result: Result<T, Error>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $ufunc:ident,)*) => {$(
        impl<T: Element> $trait<&Array<T>> for &Array<T> {
            type Output = Array<T>;

            fn $method(self, other: &Array<T>) -> Array<T> {
                fitting(self.zip(Ufunc::$ufunc, other))
            }
        }

        impl<T: Element> $trait<Array<T>> for Array<T> {
            type Output = Array<T>;

            fn $method(self, other: Array<T>) -> Array<T> {
                fitting(self.zip(Ufunc::$ufunc, &other))
            }
        }

        impl<T: Element> $trait<T> for &Array<T> {
            type Output = Array<T>;

            fn $method(self, number: T) -> Array<T> {
                fitting(self.with(Ufunc::$ufunc, number))
            }
        }

        impl<T: Element> $trait<T> for Array<T> {
            type Output = Array<T>;

            fn $method(self, number: T) -> Array<T> {
                fitting(self.with(Ufunc::$ufunc, number))
            }
        }
    )*};
}

operators! {
    Add add Add,
    Sub sub Subtract,
    Mul mul Multiply,
    Div div TrueDivide,
}

impl<T: Element> Neg for &Array<T> {
    type Output = Array<T>;

    fn neg(self) -> Array<T> {
        fitting(self.map(Ufunc::Negative))
    }
}
