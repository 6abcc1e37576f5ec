//! A chunk: a strided view of shared memory with a dtype.
//!
//! Views (slices, transposes, broadcasts, reversals) share the buffer. A chunk that [`Chunk::new`]
//! made is C-contiguous and may be written through [`Chunk::as_mut_slice`] while it is the only
//! holder of its buffer.
#![expect(unsafe_code, reason = "typed views of raw memory")]

use std::sync::Arc;

use smallvec::SmallVec;

use crate::dtype::{DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::buffer::Buffer;
use crate::kernel::copy;

/// Extents of the axes.
pub type Dims = SmallVec<[usize; 4]>;
/// Distances in bytes between neighbours along the axes; may be zero or negative.
pub type Strides = SmallVec<[isize; 4]>;

/// An n-dimensional array in memory.
#[derive(Clone)]
pub struct Chunk {
    dtype: DType,
    shape: Dims,
    strides: Strides,
    /// Bytes from the buffer's start to the first element.
    offset: usize,
    buffer: Arc<Buffer>,
}

/// The strides of a C-contiguous array.
#[must_use]
pub fn contiguous_strides(shape: &[usize], itemsize: usize) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    let mut step = itemsize as isize;
    for (stride, &extent) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step *= extent.max(1) as isize;
    }
    strides
}

/// The number of elements of a shape.
#[must_use]
pub fn n_elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

impl Chunk {
    /// A C-contiguous chunk whose elements must be written before they are read.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new(dtype: DType, shape: &[usize]) -> Result<Self> {
        let bytes = shape
            .iter()
            .try_fold(dtype.itemsize() as u128, |n, &extent| n.checked_mul(extent as u128))
            .filter(|&bytes| bytes < isize::MAX as u128)
            .ok_or(ArrayError::Memory { bytes: u128::MAX })?;
        let buffer = Arc::new(Buffer::new(bytes as usize)?);
        let strides = contiguous_strides(shape, dtype.itemsize());
        Ok(Self { dtype, shape: shape.into(), strides, offset: 0, buffer })
    }

    /// A C-contiguous chunk of zeros.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Result<Self> {
        let chunk = Self::new(dtype, shape)?;
        // SAFETY: the buffer is new, ours alone and so many bytes long.
        unsafe { std::ptr::write_bytes(chunk.buffer.as_mut_ptr(), 0, chunk.nbytes()) };
        Ok(chunk)
    }

    /// A C-contiguous chunk of these elements.
    ///
    /// # Errors
    /// If there is not enough memory, or the elements are not as many as the shape says.
    pub fn from_slice<T: Element>(elements: &[T], shape: &[usize]) -> Result<Self> {
        if elements.len() != n_elements(shape) {
            return Err(ArrayError::Value(format!(
                "{} elements do not fill an array of shape {shape:?}",
                elements.len()
            )));
        }
        let mut chunk = Self::new(T::DTYPE, shape)?;
        if let Some(slice) = chunk.as_mut_slice::<T>() {
            slice.copy_from_slice(elements);
        }
        Ok(chunk)
    }

    /// A C-contiguous chunk over bytes that came from elsewhere, without a copy if they are aligned.
    ///
    /// # Errors
    /// If the bytes are not as many as the shape says, or there is not enough memory.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Result<Self> {
        Self::from_buffer(dtype, shape, Buffer::bytes(bytes))
    }

    /// As [`Chunk::from_bytes`], of memory of any kind.
    ///
    /// # Errors
    /// As [`Chunk::from_bytes`].
    pub fn from_buffer(dtype: DType, shape: &[usize], bytes: Buffer) -> Result<Self> {
        if bytes.len() != n_elements(shape) * dtype.itemsize() {
            return Err(ArrayError::Value(format!(
                "{} bytes do not fill a {dtype} array of shape {shape:?}",
                bytes.len()
            )));
        }
        let strides = contiguous_strides(shape, dtype.itemsize());
        let (start, len) = (bytes.as_ptr(), bytes.len());
        if (start as usize).is_multiple_of(16) {
            let buffer = Arc::new(bytes);
            return Ok(Self { dtype, shape: shape.into(), strides, offset: 0, buffer });
        }
        let chunk = Self::new(dtype, shape)?;
        // SAFETY: the buffer is new, ours alone and as long.
        unsafe { std::ptr::copy_nonoverlapping(start, chunk.buffer.as_mut_ptr(), len) };
        Ok(chunk)
    }

    /// A 0-d chunk.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn scalar<T: Element>(value: T) -> Result<Self> {
        Self::from_slice(&[value], &[])
    }

    /// A view of memory.
    ///
    /// # Safety
    /// Every element of the shape must lie inside of the buffer and hold a valid value.
    #[must_use]
    pub unsafe fn from_raw(
        dtype: DType,
        shape: Dims,
        strides: Strides,
        offset: usize,
        buffer: Arc<Buffer>,
    ) -> Self {
        Self { dtype, shape, strides, offset, buffer }
    }

    /// The dtype.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Extents of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Distances in bytes between neighbours.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        &self.strides
    }

    /// Number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        n_elements(&self.shape)
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all elements.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        self.len() * self.dtype.itemsize()
    }

    /// The memory.
    #[must_use]
    pub fn buffer(&self) -> &Arc<Buffer> {
        &self.buffer
    }

    /// The address of the first element.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        // Wrapping: an empty view may start behind its buffer.
        self.buffer.as_ptr().wrapping_add(self.offset)
    }

    /// Whether the elements lie one after the other in row-major order.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut step = self.dtype.itemsize() as isize;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if extent != 1 {
                if stride != step {
                    return false;
                }
                step *= extent as isize;
            }
        }
        true
    }

    /// Whether nobody else holds the buffer, so that it may be written to.
    #[must_use]
    pub fn is_unique(&mut self) -> bool {
        self.buffer.is_writable() && Arc::get_mut(&mut self.buffer).is_some()
    }

    /// The elements of a contiguous chunk; `None` if it isn't, or its elements are no `T`.
    #[must_use]
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        if !self.holds::<T>() || !self.is_contiguous() || !self.is_aligned::<T>() {
            return None;
        }
        if self.is_empty() {
            return Some(&[]);
        }
        // SAFETY: contiguous, inside of the buffer by construction, aligned, of the type (any bytes
        // are a valid element of every `Element`).
        Some(unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len()) })
    }

    /// The elements of a contiguous chunk to write; `None` as in [`Chunk::as_slice`], and if
    /// somebody else holds the buffer.
    #[must_use]
    pub fn as_mut_slice<T: Element>(&mut self) -> Option<&mut [T]> {
        if !self.holds::<T>()
            || !self.is_contiguous()
            || !self.is_aligned::<T>()
            || !self.is_unique()
        {
            return None;
        }
        if self.is_empty() {
            return Some(&mut []);
        }
        let start = self.buffer.as_mut_ptr().wrapping_add(self.offset);
        // SAFETY: as above, and this is the only holder of a writable buffer.
        Some(unsafe { std::slice::from_raw_parts_mut(start.cast(), self.len()) })
    }

    /// The elements in row-major order, copied only if they don't lie so.
    ///
    /// # Errors
    /// If its elements are no `T`, or there is not enough memory.
    pub fn elements<T: Element>(&self) -> Result<std::borrow::Cow<'_, [T]>> {
        if !self.holds::<T>() {
            return Err(ArrayError::Type(format!("{} elements read as {}", self.dtype, T::DTYPE)));
        }
        if let Some(slice) = self.as_slice() {
            return Ok(slice.into());
        }
        let copied = copy::contiguous_copy(self)?;
        Ok(copied.as_slice::<T>().map(<[T]>::to_vec).unwrap_or_default().into())
    }

    /// The same elements, C-contiguous and aligned: itself if it is so already.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn to_contiguous(&self) -> Result<Self> {
        let aligned = (self.as_ptr() as usize).is_multiple_of(self.dtype.itemsize().min(8));
        if self.is_contiguous() && aligned { Ok(self.clone()) } else { copy::contiguous_copy(self) }
    }

    /// The bytes of a contiguous chunk.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        if !self.is_contiguous() {
            return None;
        }
        if self.is_empty() {
            return Some(&[]);
        }
        // SAFETY: contiguous and inside of the buffer by construction.
        Some(unsafe { std::slice::from_raw_parts(self.as_ptr(), self.nbytes()) })
    }

    fn holds<T: Element>(&self) -> bool {
        let same = match self.dtype {
            DType::Datetime(_) | DType::Timedelta(_) => DType::I64,
            dtype => dtype,
        };
        same == T::DTYPE
    }

    fn is_aligned<T>(&self) -> bool {
        (self.as_ptr() as usize).is_multiple_of(align_of::<T>())
    }

    /// The same memory under another dtype of the same size (`i64` as datetime).
    ///
    /// # Panics
    /// If the sizes differ.
    #[must_use]
    pub fn reinterpreted(mut self, dtype: DType) -> Self {
        assert_eq!(self.dtype.itemsize(), dtype.itemsize(), "same size of elements");
        self.dtype = dtype;
        self
    }
}

/// Views: none copies, all check their arguments.
impl Chunk {
    /// The axes in another order: axis `i` of the result is axis `axes[i]` of this.
    ///
    /// # Panics
    /// If `axes` is no permutation of the axes.
    #[must_use]
    pub fn permuted(&self, axes: &[usize]) -> Self {
        assert_eq!(axes.len(), self.ndim(), "one entry for each axis");
        let mut view = self.clone();
        for (to, &from) in axes.iter().enumerate() {
            view.shape[to] = self.shape[from];
            view.strides[to] = self.strides[from];
        }
        view
    }

    /// Elements `start, start + step, ...` (`len` of them) along `axis`.
    ///
    /// # Panics
    /// If an element lies outside of the axis.
    #[must_use]
    pub fn sliced(&self, axis: usize, start: usize, step: isize, len: usize) -> Self {
        let mut view = self.clone();
        view.shape[axis] = len;
        if len > 0 {
            let last = start as isize + step * (len as isize - 1);
            let extent = self.shape[axis] as isize;
            assert!(
                (start as isize) < extent && (0..extent).contains(&last),
                "a slice of the axis"
            );
            if !self.is_empty() {
                let moved = self.offset as isize + start as isize * self.strides[axis];
                view.offset = moved as usize;
            }
        }
        view.strides[axis] = self.strides[axis] * step;
        view
    }

    /// The same memory under other extents and strides, each of which is this view's own, or 0 for
    /// an axis that repeats or is new.
    #[must_use]
    pub(crate) fn restrided(&self, shape: Dims, strides: Strides) -> Self {
        Self { shape, strides, ..self.clone() }
    }

    /// A new axis of extent 1 before `axis`.
    #[must_use]
    pub fn expanded(&self, axis: usize) -> Self {
        let mut view = self.clone();
        view.shape.insert(axis, 1);
        view.strides.insert(axis, 0);
        view
    }

    /// Without `axis`, taken at `index`.
    ///
    /// # Panics
    /// If the index lies outside of the axis.
    #[must_use]
    pub fn at(&self, axis: usize, index: usize) -> Self {
        let mut view = self.sliced(axis, index, 1, 1);
        view.shape.remove(axis);
        view.strides.remove(axis);
        view
    }

    /// Stretched to `shape` by NumPy's rules: axes of extent 1 repeat, new axes come first.
    ///
    /// # Errors
    /// If the shapes don't fit.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Self> {
        let refuse = || {
            ArrayError::Value(format!(
                "could not broadcast an array of shape {:?} to shape {shape:?}",
                self.shape()
            ))
        };
        let new = shape.len().checked_sub(self.ndim()).ok_or_else(refuse)?;
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        for axis in 0..self.ndim() {
            if self.shape[axis] == shape[new + axis] {
                strides[new + axis] = self.strides[axis];
            } else if self.shape[axis] != 1 {
                return Err(refuse());
            }
        }
        Ok(Self { shape: shape.into(), strides, ..self.clone() })
    }

    /// The elements in row-major order under another shape; copied only if it must be.
    ///
    /// # Errors
    /// If the shapes differ in size, or there is not enough memory.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self> {
        if n_elements(shape) != self.len() {
            return Err(ArrayError::Value(format!(
                "cannot reshape array of size {} into shape {shape:?}",
                self.len()
            )));
        }
        let mut view =
            if self.is_contiguous() { self.clone() } else { copy::contiguous_copy(self)? };
        view.shape = shape.into();
        view.strides = contiguous_strides(shape, self.dtype.itemsize());
        Ok(view)
    }
}

impl serde::Serialize for Chunk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let chunk = self.to_contiguous().map_err(S::Error::custom)?;
        let bytes = chunk.bytes().unwrap_or_default();
        (self.dtype, &self.shape, bytes).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Chunk {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let (dtype, shape, bytes): (DType, Dims, Vec<u8>) =
            serde::Deserialize::deserialize(deserializer)?;
        Self::from_bytes(dtype, &shape, bytes).map_err(D::Error::custom)
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chunk<{}, {:?}>", self.dtype, self.shape.as_slice())
    }
}
