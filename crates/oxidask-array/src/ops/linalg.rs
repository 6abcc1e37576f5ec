//! Decompositions and solutions of one block's matrix, and the steps that join those of several.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::decompose::{self, eigen, factor, solve};
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
    /// Of the parts of [`Self::Qr`], and of [`Self::StackedQr`] level by level, each of so many
    /// blocks of the one below: this block of rows of the whole `q`.
    JoinQ {
        /// Blocks that are stacked to one.
        by: u32,
    },
    /// The matrix product of two blocks.
    Matmul,
    /// Of the parts of [`Self::Qr`] of the first block of columns, and another block of columns:
    /// this block of columns of `r`.
    WideR,
    /// A part.
    Item(usize),
    /// The last part.
    Last,
}

fn parts(chunks: impl IntoIterator<Item = Chunk>) -> Value {
    Value::new(Parts(chunks.into_iter().map(value).collect()))
}

/// Part `index` of a value, as a chunk.
pub(super) fn part(whole: &Value, index: usize) -> Result<Chunk> {
    let parts = whole.downcast_ref::<Parts>();
    let part = parts.and_then(|parts| parts.0.get(index));
    chunk(part.ok_or_else(|| ArrayError::NoKernel(whole.payload().type_name().into_owned()))?)
}

fn last(whole: &Value) -> Result<Chunk> {
    let n = whole.downcast_ref::<Parts>().map_or(0, |parts| parts.0.len());
    part(whole, n.saturating_sub(1))
}

/// The product of a block's `q` with its piece of each level above.
fn join_q(inputs: &[Value], by: u32, block: u32) -> Result<Chunk> {
    let mut at = block;
    let mut factors = vec![part(&inputs[0], 0)?];
    for level in &inputs[1..] {
        factors.push(part(level, (at % by) as usize)?);
        at /= by;
    }
    // From the top: those factors are small.
    let mut product = factors.pop().ok_or_else(|| ArrayError::Value("no factors".into()))?;
    while let Some(factor) = factors.pop() {
        product = matmul(&factor, &product)?;
    }
    Ok(product)
}

fn wide_r(inputs: &[Value], block: u32) -> Result<Chunk> {
    if block == 0 {
        return part(&inputs[0], 1);
    }
    let q = part(&inputs[0], 0)?;
    matmul(&decompose::adjoint(&q)?, &decompose::prepared(&chunk(&inputs[1])?)?)
}

fn stacked_qr(inputs: &[Value]) -> Result<Value> {
    let rs = inputs.iter().map(last).collect::<Result<Vec<_>>>()?;
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

impl Linalg {
    fn item(&self, whole: &Value) -> Result<Value> {
        let no_parts = || ArrayError::NoKernel(whole.payload().type_name().into_owned());
        let parts = &whole.downcast_ref::<Parts>().ok_or_else(no_parts)?.0;
        let part = if let Self::Item(index) = self { parts.get(*index) } else { parts.last() };
        part.cloned().ok_or_else(|| ArrayError::Value(format!("{} parts", parts.len())))
    }
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
            Self::JoinQ { .. } => "join-q",
            Self::WideR => "wide-r",
            Self::Item(_) | Self::Last => "getitem",
            Self::Matmul => "matmul",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        match self {
            Self::StackedQr => return stacked_qr(inputs),
            Self::JoinQ { by } => return Ok(value(join_q(inputs, *by, block.coords[0])?)),
            Self::WideR => return Ok(value(wide_r(inputs, block.coords[1])?)),
            Self::Item(_) | Self::Last => return self.item(&inputs[0]),
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
            Self::StackedQr | Self::JoinQ { .. } | Self::WideR | Self::Item(_) | Self::Last => {
                return Err(ArrayError::Unsupported("a step of another kind".into()));
            }
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
            Self::JoinQ { by } => Call::new(
                "oxidask.array._numpy_linalg.join_q",
                [Arg::Int(by.into()), Arg::Int(block.coords[0].into()), Arg::Rest(0)],
            ),
            Self::WideR => Call::new(
                "oxidask.array._numpy_linalg.wide_r",
                [Arg::Int(block.coords[1].into()), Arg::Input(0), Arg::Input(1)],
            ),
            Self::Item(index) => {
                Call::new("operator.getitem", [Arg::Input(0), Arg::Int(index as i64)])
            }
            Self::Last => Call::new("operator.getitem", [Arg::Input(0), Arg::Int(-1)]),
            Self::Matmul => Call::new("numpy.matmul", two),
        })
    }
}
