//! Decompositions and solutions of one block's matrix, and the steps that join those of several.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::decompose::{eigen, factor, solve};
use crate::kernel::matmul::matmul;
use crate::ops::{Block, Kernel, Parts, chunk, chunks, value};

/// What is done with matrices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Linalg {
    /// Parts `q`, `r`.
    Qr,
    /// Parts `u`, `s`, `vt`.
    Svd,
    /// Singular values.
    SingularValues,
    /// Lower triangular factor.
    Cholesky,
    /// Parts `p`, `l`, `u`.
    Lu,
    /// Of `a` and `b`: `x` with `a @ x = b`.
    Solve,
    /// As `Solve` for triangular `a`.
    SolveTriangular {
        /// Whether `a` is its lower half.
        lower: bool,
        /// Whether its diagonal is taken as ones.
        unit: bool,
    },
    /// The inverse.
    Inverse,
    /// The determinant.
    Det,
    /// Parts: sign and logarithm of the determinant.
    Slogdet,
    /// Parts: eigenvalues and eigenvectors of a Hermitian matrix.
    Eigh {
        /// Which half is read.
        lower: bool,
    },
    /// Eigenvalues of a Hermitian matrix.
    Eigvalsh {
        /// Which half is read.
        lower: bool,
    },
    /// Of the parts `q, r` of several blocks: the `q` of their stacked `r`s cut to as many pieces,
    /// and last the final `r`.
    StackedQr,
    /// Of the parts of [`Self::Qr`] and [`Self::StackedQr`]: this block of rows of the whole `q`.
    JoinQ,
    /// The matrix product of two blocks.
    Matmul,
}

fn parts(chunks: impl IntoIterator<Item = Chunk>) -> Value {
    Value::new(Parts(chunks.into_iter().map(value).collect()))
}

/// Part `index` of a value, as a chunk.
fn part(whole: &Value, index: usize) -> Result<Chunk> {
    let parts = whole.downcast_ref::<Parts>();
    let part = parts.and_then(|parts| parts.0.get(index));
    chunk(part.ok_or_else(|| ArrayError::NoKernel(whole.payload().type_name().into_owned()))?)
}

fn stacked_qr(inputs: &[Value]) -> Result<Value> {
    let rs = inputs.iter().map(|input| part(input, 1)).collect::<Result<Vec<_>>>()?;
    let stacked = crate::ops::assemble::concatenate_grid(&rs, &[rs.len(), 1])?;
    let (q, r) = factor::qr(&stacked)?;
    let mut at = 0;
    let piece = |block: &Chunk| {
        at += block.shape()[0];
        q.sliced(0, at - block.shape()[0], 1, block.shape()[0])
    };
    let pieces: Vec<Chunk> = rs.iter().map(piece).collect();
    Ok(parts(pieces.into_iter().chain([r])))
}

impl Kernel for Linalg {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Qr => "qr",
            Self::Svd => "svd",
            Self::SingularValues => "svdvals",
            Self::Cholesky => "cholesky",
            Self::Lu => "lu",
            Self::Solve => "solve",
            Self::SolveTriangular { .. } => "solve-triangular",
            Self::Inverse => "inv",
            Self::Det => "det",
            Self::Slogdet => "slogdet",
            Self::Eigh { .. } => "eigh",
            Self::Eigvalsh { .. } => "eigvalsh",
            Self::StackedQr => "stacked-qr",
            Self::JoinQ => "join-q",
            Self::Matmul => "matmul",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        match self {
            Self::StackedQr => return stacked_qr(inputs),
            Self::JoinQ => {
                let piece = part(&inputs[1], block.coords[0] as usize)?;
                return Ok(value(matmul(&part(&inputs[0], 0)?, &piece)?));
            }
            _ => {}
        }
        let inputs = chunks(inputs)?;
        let [a, rest @ ..] = &inputs[..] else {
            return Err(ArrayError::Value("no matrix to decompose".into()));
        };
        let b = || rest.first().ok_or_else(|| ArrayError::Value("no right hand side".into()));
        Ok(match *self {
            Self::Qr => {
                let (q, r) = factor::qr(a)?;
                parts([q, r])
            }
            Self::Svd => {
                let (u, s, vt) = factor::svd(a)?;
                parts([u, s, vt])
            }
            Self::Lu => {
                let lu = factor::lu(a)?;
                parts([factor::permutation(&lu)?, lu.l, lu.u])
            }
            Self::Slogdet => {
                let (sign, log) = factor::slogdet(a)?;
                parts([sign, log])
            }
            Self::Eigh { lower } => {
                let (values, vectors) = eigen::eigh(a, lower)?;
                parts([values, vectors])
            }
            Self::SingularValues => value(factor::singular_values(a)?),
            Self::Cholesky => value(factor::cholesky(a)?),
            Self::Solve => value(solve::solve(a, b()?)?),
            Self::SolveTriangular { lower, unit } => {
                value(solve::solve_triangular(a, b()?, solve::Triangle { lower, unit })?)
            }
            Self::Inverse => value(solve::inverse(a)?),
            Self::Det => value(factor::det(a)?),
            Self::Eigvalsh { lower } => value(eigen::eigvalsh(a, lower)?),
            Self::Matmul => value(matmul(a, b()?)?),
            Self::StackedQr | Self::JoinQ => return Err(ArrayError::Unsupported("parts".into())),
        })
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let (one, two) = ([Arg::Input(0)], [Arg::Input(0), Arg::Input(1)]);
        let half = |lower: bool| Arg::Text(if lower { "L" } else { "U" }.into());
        Ok(match *self {
            Self::Qr => Call::new("numpy.linalg.qr", one),
            Self::Svd => Call::new("numpy.linalg.svd", one).with("full_matrices", Arg::Bool(false)),
            Self::SingularValues => Call::new("numpy.linalg.svdvals", one),
            Self::Cholesky => Call::new("numpy.linalg.cholesky", one),
            Self::Lu => Call::new("scipy.linalg.lu", one),
            Self::Solve => Call::new("numpy.linalg.solve", two),
            Self::SolveTriangular { lower, unit } => {
                Call::new("scipy.linalg.solve_triangular", two)
                    .with("lower", Arg::Bool(lower))
                    .with("unit_diagonal", Arg::Bool(unit))
            }
            Self::Inverse => Call::new("numpy.linalg.inv", one),
            Self::Det => Call::new("numpy.linalg.det", one),
            Self::Slogdet => Call::new("numpy.linalg.slogdet", one),
            Self::Eigh { lower } => Call::new("numpy.linalg.eigh", one).with("UPLO", half(lower)),
            Self::Eigvalsh { lower } => {
                Call::new("numpy.linalg.eigvalsh", one).with("UPLO", half(lower))
            }
            Self::StackedQr => Call::new("oxidask.array._numpy_linalg.stacked_qr", [Arg::Rest(0)]),
            Self::JoinQ => Call::new(
                "oxidask.array._numpy_linalg.join_q",
                [Arg::Input(0), Arg::Input(1), Arg::Int(block.coords[0].into())],
            ),
            Self::Matmul => Call::new("numpy.matmul", two),
        })
    }
}
