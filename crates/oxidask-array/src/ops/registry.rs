//! Every kernel there is, as one type.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::ops::{self, Block, Kernel};

macro_rules! kernels {
    ($($(#[$doc:meta])* $variant:ident($kernel:ty),)*) => {
        /// Any kernel. It has a byte form ([`AnyKernel::to_bytes`]), from which names are hashed too.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum AnyKernel {
            $($(#[$doc])* $variant($kernel),)*
        }

        $(impl From<$kernel> for AnyKernel {
            fn from(kernel: $kernel) -> Self {
                Self::$variant(kernel)
            }
        })*

        impl Kernel for AnyKernel {
            fn name(&self) -> Cow<'_, str> {
                match self { $(Self::$variant(kernel) => kernel.name(),)* }
            }

            fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
                match self { $(Self::$variant(kernel) => kernel.run(inputs, block),)* }
            }

            fn call(&self, block: &Block<'_>) -> Result<Call> {
                match self { $(Self::$variant(kernel) => kernel.call(block),)* }
            }
        }
    };
}

kernels! {
    /// A chunk of an array in memory.
    FromChunk(ops::source::FromChunk),
    /// The same value everywhere.
    Full(ops::source::Full),
    /// Numbers that follow from their positions.
    Sequence(ops::sequence::Sequence),
    /// Ones on a diagonal.
    Diagonal(ops::sequence::Diagonal),
    /// A fused elementwise program.
    Elementwise(ops::elementwise::Elementwise),
    /// Several blocks put together.
    Concatenate(ops::assemble::Concatenate),
    /// A contraction of two rows of blocks.
    Contract(ops::contract::Contract),
    /// The sum of partial products.
    AddBlocks(ops::contract::AddBlocks),
    /// Factorisations column by column.
    Columns(ops::columns::Columns),
    /// Decompositions and solutions.
    Linalg(ops::linalg::Linalg),
    /// Fourier transforms.
    Fft(ops::fft::Fft),
    /// Running sums and products.
    Cumulate(ops::cumulative::Cumulate),
    /// Sorts.
    Sort(ops::sort::Sort),
    /// Sorts of many blocks.
    Buckets(ops::buckets::Buckets),
    /// Distinct elements.
    Unique(ops::sort::Unique),
    /// Places, bins and counts.
    Search(ops::search::Search),
    /// Blocks of another cut.
    Rechunk(ops::rechunk::Rechunk),
    /// Parts of a block.
    Slice(ops::slice::Slice),
    /// Elements by their positions.
    Take(crate::ops::take::Take),
    /// Blocks under another shape.
    Reshape(crate::ops::reshape::Reshape),
    /// Blocks with a part replaced.
    SetItem(crate::ops::setitem::SetItem),
    /// Elements by masks that are computed.
    Compress(crate::ops::mask::Compress),
    /// Elements by positions that are computed.
    TakeBy(crate::ops::take::TakeBy),
    /// Random numbers.
    Random(ops::random::Random),
    /// A block of one of several arrays.
    Pick(ops::join::Pick),
    /// A block with its neighbours' edges.
    Overlap(ops::overlap::Overlap),
    /// A block without its edges.
    Trim(ops::overlap::Trim),
    /// The state of a block's reduction.
    ReducePartial(ops::reduce::Partial),
    /// The states of two blocks that read the same.
    ReducePairedPartial(ops::pair::PairedPartial),
    /// Several states of a reduction as one.
    ReduceMerge(ops::reduce::Merge),
    /// The result of a reduction's states.
    ReduceAggregate(ops::reduce::Aggregate),
    /// Random integers.
    RandomIntegers(ops::random::RandomIntegers),
    /// Random rows.
    RandomRows(ops::random::RandomRows),
    /// Indices of what is chosen.
    RandomIndices(ops::random::RandomIndices),
    /// What is chosen at random.
    Choose(ops::random::Choose),
    /// Blocks of a Zarr array.
    ReadZarr(crate::io::zarr::ReadZarr),
    /// Regions of a Zarr array.
    ReadRegion(crate::io::zarr::ReadRegion),
    /// Blocks written to a Zarr array.
    WriteZarr(crate::io::zarr::WriteZarr),
}

impl AnyKernel {
    /// The byte form.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(|error| ArrayError::Value(error.to_string()))
    }

    /// The kernel of a byte form.
    ///
    /// # Errors
    /// If the bytes are of no kernel.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        postcard::from_bytes(bytes).map_err(|error| ArrayError::Value(error.to_string()))
    }
}
