//! Linear algebra of lazy matrices.
//!
//! [`qr`] decomposes tall or wide matrices block by block, [`columns`] factors square ones column by
//! column; what needs the whole matrix runs in one task on it. Results are cut as the matrix was
//! ([`whole`]).

pub mod columns;
pub mod qr;
pub mod whole;
