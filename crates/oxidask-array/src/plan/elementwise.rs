//! Elementwise expressions: ufuncs, casts, transposes, new axes, broadcasts.

use oxidask_core::layer::{AxisMap, IndexMap};
use smallvec::SmallVec;

use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;
use crate::kernel::program::{AxesMap, Input, Program, Register, Step};
use crate::kernel::ufunc::{self, Ufunc};
use crate::plan::array::{Array, Build, Elementwise, Name, Node};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple};
use crate::plan::unify;
use crate::promote::{Operand as Typed, Weak};

/// An operand of a ufunc.
#[derive(Clone)]
pub enum Operand {
    /// An array.
    Array(Array),
    /// A number with a dtype of its own (a NumPy scalar): a 0-d chunk.
    Scalar(Chunk),
    /// A Python number, which takes the others' dtype where its kind allows: its value as the
    /// widest of its kind.
    Weak(Weak, Chunk),
}

impl Array {
    /// A ufunc of some operands, broadcast against each other.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if shapes don't fit, [`ArrayError::Type`] if NumPy has no such loop,
    /// [`ArrayError::NoKernel`] if only NumPy has one.
    pub fn ufunc(ufunc: Ufunc, operands: &[Operand]) -> Result<Self> {
        Self::ufunc_output(ufunc, 0, operands)
    }

    /// One of several outputs of a ufunc: see [`Array::ufunc`].
    ///
    /// # Errors
    /// As [`Array::ufunc`].
    pub fn ufunc_output(ufunc: Ufunc, output: u8, operands: &[Operand]) -> Result<Self> {
        let kinds: Vec<Typed> = operands
            .iter()
            .map(|operand| match operand {
                Operand::Array(array) => Ok(Typed { dtype: array.native_dtype()?, weak: None }),
                Operand::Scalar(value) => Ok(Typed { dtype: value.dtype(), weak: None }),
                Operand::Weak(weak, value) => Ok(Typed { dtype: value.dtype(), weak: Some(*weak) }),
            })
            .collect::<Result<_>>()?;
        let resolved = ufunc::resolve(ufunc, &kinds)?;
        if ufunc::find(ufunc, &resolved).is_none() {
            return Err(ArrayError::NoKernel(ufunc.name().into()));
        }
        let arrays: Vec<Array> = operands
            .iter()
            .filter_map(|o| if let Operand::Array(array) = o { Some(array.clone()) } else { None })
            .collect();
        let (chunks, arrays) = aligned(&arrays)?;
        let mut builder = Builder::new(&arrays, chunks)?;
        let mut next_array = 0;
        let mut args: SmallVec<[Register; 3]> = SmallVec::new();
        for (operand, &wanted) in operands.iter().zip(&resolved.args) {
            args.push(match operand {
                Operand::Array(_) => {
                    next_array += 1;
                    builder.cast((next_array - 1) as Register, wanted)?
                }
                Operand::Scalar(value) => {
                    builder.push(Step::Constant(crate::kernel::cast::cast_chunk(value, wanted)?))
                }
                Operand::Weak(weak, value) => {
                    builder.push(Step::Constant(weak_constant(*weak, value, wanted)?))
                }
            });
        }
        builder.push(Step::Ufunc { ufunc, args, output, resolved });
        builder.finish(ufunc.name(), arrays)
    }

    /// The elements under another dtype.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if only NumPy can.
    pub fn astype(&self, dtype: DType) -> Result<Self> {
        if self.native_dtype()? == dtype {
            return Ok(self.clone());
        }
        let arrays = vec![self.clone()];
        let mut builder = Builder::new(&arrays, self.chunks().clone())?;
        builder.cast(0, dtype)?;
        builder.finish("astype", arrays)
    }

    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if `axes` is no permutation of the axes.
    pub fn transpose(&self, axes: &[usize]) -> Result<Self> {
        let mut seen = vec![false; self.ndim()];
        for &axis in axes {
            if axis < seen.len() {
                seen[axis] = true;
            }
        }
        if axes.len() != self.ndim() || seen.contains(&false) {
            return Err(ArrayError::Value("axes don't match array".into()));
        }
        let mut map: AxesMap = SmallVec::from_elem(None, self.ndim());
        for (to, &from) in axes.iter().enumerate() {
            map[from] = Some(to as u8);
        }
        let chunks = axes.iter().map(|&axis| self.chunks()[axis].clone()).collect();
        self.viewed("transpose", map, chunks)
    }

    /// With new axes of extent 1, so that they lie at `axes` of the result.
    ///
    /// # Errors
    /// [`ArrayError::Axis`] if an axis lies outside of the result.
    pub fn expand_dims(&self, axes: &[usize]) -> Result<Self> {
        let ndim = self.ndim() + axes.len();
        if let Some(&axis) = axes.iter().find(|&&axis| axis >= ndim) {
            return Err(ArrayError::Axis { axis: axis as i64, ndim });
        }
        let (mut map, mut chunks) = (AxesMap::new(), Vec::new());
        for axis in 0..ndim {
            if axes.contains(&axis) {
                chunks.push(AxisChunks::from([1]));
            } else {
                chunks.push(self.chunks()[map.len()].clone());
                map.push(Some(axis as u8));
            }
        }
        if map.len() != self.ndim() {
            return Err(ArrayError::Value("repeated axis".into()));
        }
        self.viewed("expand_dims", map, chunks.into_iter().collect())
    }

    /// Without these axes, each of extent 1.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if an axis has another extent.
    pub fn squeeze(&self, axes: &[usize]) -> Result<Self> {
        let (mut map, mut chunks) = (AxesMap::new(), Vec::new());
        for (axis, extents) in self.chunks().iter().enumerate() {
            if !axes.contains(&axis) {
                map.push(Some(chunks.len() as u8));
                chunks.push(extents.clone());
            } else if **extents == [1] {
                map.push(None);
            } else {
                return Err(ArrayError::Value(
                    "cannot select an axis to squeeze out which has size not equal to one".into(),
                ));
            }
        }
        self.viewed("squeeze", map, chunks.into_iter().collect())
    }

    /// Stretched to other chunks by NumPy's rules: axes of extent 1 repeat, new axes come first.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if the shapes don't fit.
    pub fn broadcast_to_chunks(&self, chunks: Chunks) -> Result<Self> {
        let new = chunks.ndim().checked_sub(self.ndim());
        let fits = new.is_some_and(|new| {
            (0..self.ndim())
                .all(|a| *self.chunks()[a] == [1] || self.chunks()[a] == chunks[new + a])
        });
        let (Some(new), true) = (new, fits) else {
            return Err(ArrayError::Value(format!(
                "cannot broadcast shape {} to shape {}",
                Tuple(&self.shape()),
                Tuple(&chunks.shape())
            )));
        };
        let map = (0..self.ndim()).map(|axis| Some((new + axis) as u8)).collect();
        self.viewed("broadcast_to", map, chunks)
    }

    /// The same elements, with axis `i` as axis `map[i]` of the result.
    fn viewed(&self, prefix: &str, map: AxesMap, chunks: Chunks) -> Result<Self> {
        let name = Name::new(prefix).text(self.name().as_str()).text(&format!("{map:?}"));
        let name = name.chunks(&chunks).finish();
        let Some(dtype) = self.dtype() else {
            return Err(ArrayError::NoKernel(prefix.into()));
        };
        let input = Input { dtype, axes: map };
        let ndim = chunks.ndim();
        let program = Program { ndim, inputs: vec![input], steps: Vec::new(), result: 0 };
        let build = Build::Elementwise(Elementwise { program, inputs: vec![self.clone()] });
        Ok(Self::new(Node { name, chunks, dtype: Some(dtype), build }))
    }
}

/// A Python number under the dtype of a loop.
///
/// # Errors
/// [`ArrayError::NoKernel`] if an integer is out of the dtype's bounds: what then holds (an error, or
/// a comparison that is never true) is NumPy's to say.
fn weak_constant(weak: Weak, value: &Chunk, wanted: DType) -> Result<Chunk> {
    let constant = crate::kernel::cast::cast_chunk(value, wanted)?;
    if weak == Weak::Int && matches!(wanted.kind(), Kind::Signed | Kind::Unsigned) {
        let back = crate::kernel::cast::cast_chunk(&constant, value.dtype())?;
        let wrapped = wanted.kind() == Kind::Unsigned
            && value.dtype() == DType::I64
            && value.elements::<i64>()?[0] < 0;
        if back.bytes() != value.bytes() || wrapped {
            return Err(ArrayError::NoKernel(format!("an integer out of bounds for {wanted}")));
        }
    }
    Ok(constant)
}

/// The chunks that arrays have broadcast to each other, and the arrays cut to fit.
fn aligned(arrays: &[Array]) -> Result<(Chunks, Vec<Array>)> {
    let all: Vec<&Chunks> = arrays.iter().map(Array::chunks).collect();
    let (chunks, wanted) = unify::broadcast_chunks(&all)?;
    let cut = arrays.iter().zip(wanted).map(|(array, wanted)| array.rechunked(wanted));
    Ok((chunks, cut.collect::<Result<_>>()?))
}

/// A program in the making over arrays that fit to each other.
struct Builder {
    program: Program,
    chunks: Chunks,
}

impl Builder {
    fn new(arrays: &[Array], chunks: Chunks) -> Result<Self> {
        let ndim = chunks.ndim();
        let inputs = arrays.iter().map(|array| {
            let first = ndim - array.ndim();
            let axes = (0..array.ndim()).map(|axis| Some((first + axis) as u8)).collect();
            Ok(Input { dtype: array.native_dtype()?, axes })
        });
        let inputs = inputs.collect::<Result<_>>()?;
        Ok(Self { program: Program { ndim, inputs, steps: Vec::new(), result: 0 }, chunks })
    }

    fn push(&mut self, step: Step) -> Register {
        self.program.steps.push(step);
        self.program.result =
            (self.program.inputs.len() + self.program.steps.len() - 1) as Register;
        self.program.result
    }

    fn cast(&mut self, arg: Register, to: DType) -> Result<Register> {
        let from = self.program.dtype_of(arg);
        if from == to {
            return Ok(arg);
        }
        if crate::kernel::cast::cast_loop(from, to).is_none() {
            return Err(ArrayError::NoKernel(format!("cast from {from} to {to}")));
        }
        Ok(self.push(Step::Cast { arg, from, to }))
    }

    fn finish(self, prefix: &str, inputs: Vec<Array>) -> Result<Array> {
        let Self { program, chunks } = self;
        let bytes = postcard::to_allocvec(&program)
            .map_err(|error| ArrayError::Value(error.to_string()))?;
        let mut name = Name::new(prefix).bytes(&bytes);
        for input in &inputs {
            name = name.text(input.name().as_str());
        }
        let dtype = Some(program.dtype());
        let build = Build::Elementwise(Elementwise { program, inputs });
        Ok(Array::new(Node { name: name.finish(), chunks, dtype, build }))
    }
}

/// Which block of `input` a block of an output of `ndim` axes reads.
#[must_use]
pub fn index_map(input: &Chunks, axes: &AxesMap) -> IndexMap {
    let map = input.iter().zip(axes).map(|(extents, axis)| match axis {
        // One block of extent 1 serves all blocks of a longer axis.
        Some(axis) if extents.len() > 1 || extents[0] != 1 => AxisMap::Same(*axis),
        _ => AxisMap::Fixed(0),
    });
    IndexMap::Axes(map.collect())
}
