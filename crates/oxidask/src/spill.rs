//! Types whose values may go to disk when memory is short.
//!
//! A scheduler with a memory budget writes the values that are needed last to a file and reads
//! them back in time. For that it must know how large a value is and how to bring it to bytes:
//! [`Spillable`] says so. It is implemented for vectors of numbers and for strings; for a type of
//! one's own it takes three functions.

use std::any::type_name;
use std::error::Error;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use oxidask_core::value::{CodecError, Encoded, Family, Value};

use crate::held::Held;

/// A type that can be brought to bytes and back.
///
/// ```
/// use oxidask::{Spillable, delayed};
///
/// struct Image { width: u32, pixels: Vec<u8> }
///
/// impl Spillable for Image {
///     fn nbytes(&self) -> u64 {
///         self.pixels.len() as u64
///     }
///
///     fn to_bytes(&self) -> Vec<u8> {
///         [&self.width.to_le_bytes(), self.pixels.as_slice()].concat()
///     }
///
///     fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
///         let (width, pixels) = bytes.split_first_chunk().ok_or("no width")?;
///         Ok(Self { width: u32::from_le_bytes(*width), pixels: pixels.to_vec() })
///     }
/// }
///
/// let image = delayed(|| Image { width: 2, pixels: vec![0; 8] }).spillable();
/// let height = image.then(|image| image.pixels.len() as u32 / image.width);
/// assert_eq!(*height.compute()?, 4);
/// # Ok::<(), oxidask::Error>(())
/// ```
pub trait Spillable: Sized + Send + Sync + 'static {
    /// Bytes of memory that dropping the value would free, more or less.
    fn nbytes(&self) -> u64;

    /// The value as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// The value that [`Spillable::to_bytes`] wrote.
    ///
    /// # Errors
    /// If the bytes are no such value.
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn Error + Send + Sync>>;
}

/// What [`Spillable`] says of a type, for those who can't name the trait.
pub(crate) struct Codec<T> {
    pub(crate) family: &'static dyn Family,
    pub(crate) nbytes: fn(&T) -> u64,
    to_bytes: fn(&T) -> Vec<u8>,
}

impl<T> Codec<T> {
    /// The scheduler calls this outside of any task, so a panic is caught here.
    pub(crate) fn encode(&self, value: &T) -> Result<Encoded, CodecError> {
        let bytes = catch_unwind(AssertUnwindSafe(|| (self.to_bytes)(value)))
            .map_err(|_| codec_error::<T>("encoded", "`to_bytes` panicked".into()))?;
        Ok(Encoded { header: Vec::new(), buffers: vec![Box::new(bytes)] })
    }
}

/// The family of one spillable type.
struct SpillFamily<T>(PhantomData<fn() -> T>);

/// Where the compiler keeps a type's family and codec.
pub(crate) struct CodecOf<T>(PhantomData<fn() -> T>);

impl<T: Spillable> CodecOf<T> {
    const FAMILY: &'static dyn Family = &SpillFamily::<T>(PhantomData);
    pub(crate) const CODEC: &'static Codec<T> =
        &Codec { family: Self::FAMILY, nbytes: T::nbytes, to_bytes: T::to_bytes };
}

impl<T: Spillable> Family for SpillFamily<T> {
    fn name(&self) -> &'static str {
        "spillable"
    }

    fn decode(&self, _: &[u8], mut buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        let bytes = buffers
            .pop()
            .ok_or_else(|| codec_error::<T>("decoded", "no buffer came with the header".into()))?;
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            T::from_bytes(bytes)
                .map(|value| Value::new(Held::new(Arc::new(value), Some(CodecOf::<T>::CODEC))))
        }));
        match decoded {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(codec_error::<T>("decoded", error.to_string())),
            Err(_) => Err(codec_error::<T>("decoded", "`from_bytes` panicked".into())),
        }
    }
}

fn codec_error<T>(direction: &'static str, reason: String) -> CodecError {
    CodecError { family: "spillable", type_name: type_name::<T>().into(), direction, reason }
}

impl Spillable for String {
    fn nbytes(&self) -> u64 {
        self.capacity() as u64
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(String::from_utf8(bytes)?)
    }
}

impl Spillable for Vec<u8> {
    fn nbytes(&self) -> u64 {
        self.capacity() as u64
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.clone()
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(bytes)
    }
}

macro_rules! spillable_numbers {
    ($($number:ty),*) => {$(
        impl Spillable for Vec<$number> {
            fn nbytes(&self) -> u64 {
                (self.capacity() * size_of::<$number>()) as u64
            }

            fn to_bytes(&self) -> Vec<u8> {
                self.iter().flat_map(|number| number.to_ne_bytes()).collect()
            }

            fn from_bytes(bytes: Vec<u8>) -> Result<Self, Box<dyn Error + Send + Sync>> {
                let (numbers, rest) = bytes.as_chunks();
                if !rest.is_empty() {
                    return Err(format!("{} bytes are too many", rest.len()).into());
                }
                Ok(numbers.iter().map(|&number| <$number>::from_ne_bytes(number)).collect())
            }
        }
    )*};
}

spillable_numbers!(i8, u16, i16, u32, i32, u64, i64, u128, i128, usize, isize, f32, f64);
