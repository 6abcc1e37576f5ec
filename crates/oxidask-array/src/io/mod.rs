//! Arrays in storage: the only place of this crate that touches files.
//!
//! [`zarr`] has the kernels that read and write blocks of Zarr arrays on local paths; what knows the
//! format is behind the feature `zarr`, without which they say that they aren't there.

pub mod zarr;
#[cfg(feature = "zarr")]
mod zarr_files;
