//! Linear algebra of lazy matrices.
//!
//! [`qr`] decomposes tall or wide matrices block by block; what needs the whole matrix runs in one
//! task on it, and the result is cut as the matrix was ([`whole`]).

pub mod qr;
pub mod whole;
