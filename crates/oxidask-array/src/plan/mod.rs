//! Lazy arrays.
