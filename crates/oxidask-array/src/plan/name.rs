//! Names of arrays: a prefix and a hash of what is computed.

use oxidask_core::dag::Csr;
use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap};
use xxhash_rust::xxh3::Xxh3;

use crate::plan::chunks::Chunks;

/// A name in the making: a prefix and a hash of what is computed.
pub struct Name {
    prefix: String,
    hash: Xxh3,
}

impl Name {
    /// A name that starts so.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), hash: Xxh3::new() }
    }

    /// Hashes bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.hash.update(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
        self
    }

    /// Hashes text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Hashes chunks.
    #[must_use]
    pub fn chunks(mut self, chunks: &Chunks) -> Self {
        for axis in chunks.iter() {
            self.hash.update(&(axis.len() as u64).to_le_bytes());
            // Long axes are mostly of one extent: runs are hashed, not every block.
            for run in axis.chunk_by(|a, b| a == b) {
                self.hash.update(&(run.len() as u64).to_le_bytes());
                self.hash.update(&(run[0] as u64).to_le_bytes());
            }
        }
        self
    }

    /// Hashes which blocks are read.
    #[must_use]
    pub fn map(mut self, map: &IndexMap) -> Self {
        match map {
            IndexMap::Identity => self.words([0]),
            IndexMap::Axes(axes) => {
                self.words([1, axes.len() as u32]);
                axes.iter().for_each(|axis| self.axis(axis));
            }
            IndexMap::Table(rows) => {
                self.words([2]);
                self.rows(rows);
            }
        }
        self
    }

    /// The name.
    #[must_use]
    pub fn finish(self) -> Group {
        Group::new(&format!("{}-{:032x}", self.prefix, self.hash.digest128()))
    }

    fn axis(&mut self, axis: &AxisMap) {
        match axis {
            AxisMap::Same(axis) => self.words([0, (*axis).into()]),
            AxisMap::Fixed(index) => self.words([1, *index]),
            AxisMap::Affine { axis, start, step } => {
                self.words([2, (*axis).into(), *start, step.cast_unsigned()]);
            }
            AxisMap::Tree { axis, by } => self.words([3, (*axis).into(), *by]),
            AxisMap::Halo { axis, before, after } => {
                self.words([4, (*axis).into(), *before, *after]);
            }
            AxisMap::Window { axis, start } => self.words([5, (*axis).into(), *start]),
            AxisMap::Ranges { axis, spans } => {
                self.words([6, (*axis).into(), spans.len() as u32]);
                self.words(spans.iter().flat_map(|&(from, to)| [from, to]));
            }
            AxisMap::Lists { axis, rows } => {
                self.words([7, (*axis).into()]);
                self.rows(rows);
            }
            AxisMap::Every => self.words([8]),
        }
    }

    fn rows(&mut self, rows: &Csr) {
        let lists = (0..rows.len() as u32).map(|row| rows.row(row));
        let words = lists.flat_map(|row| std::iter::once(row.len() as u32).chain(row.to_vec()));
        self.words(std::iter::once(rows.len() as u32).chain(words));
    }

    fn words(&mut self, words: impl IntoIterator<Item = u32>) {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        self.hash.update(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_differ_have_other_names() {
        let rows = |lists: &[&[u32]]| {
            let mut rows = Csr::default();
            lists.iter().for_each(|list| rows.push_row(list.iter().copied()));
            rows
        };
        let lists = |l: &[&[u32]]| AxisMap::Lists { axis: 0, rows: rows(l).into() };
        let axes = [
            AxisMap::Same(0),
            AxisMap::Same(1),
            AxisMap::Fixed(0),
            AxisMap::Affine { axis: 0, start: 1, step: -1 },
            AxisMap::Affine { axis: 0, start: 1, step: 1 },
            AxisMap::Tree { axis: 0, by: 2 },
            AxisMap::Halo { axis: 0, before: 1, after: 0 },
            AxisMap::Halo { axis: 0, before: 0, after: 1 },
            AxisMap::Window { axis: 0, start: 3 },
            AxisMap::Ranges { axis: 0, spans: [(0, 1), (1, 2)].into() },
            AxisMap::Ranges { axis: 0, spans: [(0, 2), (1, 2)].into() },
            lists(&[&[1], &[2]]),
            lists(&[&[1, 2], &[]]),
            AxisMap::Every,
        ];
        let maps = axes.map(|axis| IndexMap::Axes([axis].into()));
        let tables = [rows(&[&[1], &[2]]), rows(&[&[1, 2]])].map(IndexMap::Table);
        let all = maps.iter().chain(&tables).chain([&IndexMap::Identity]);
        let mut names: Vec<_> = all.map(|map| Name::new("x").map(map).finish()).collect();
        let n = names.len();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        assert_eq!((n, names.len()), (17, 17));
        let again = || Name::new("x").map(&maps[9]).finish();
        assert_eq!(again(), again());
    }
}
