//! Functions of real and complex numbers that the standard library has not, or not in a form that
//! vectorises.

pub(crate) mod complex;
pub(crate) mod special;
