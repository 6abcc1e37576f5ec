//! Group-by, joins and sorts of tables: which layers they take.
//!
//! Rows change partitions in three layers: each partition is cut into parts, a grid of tasks picks one part each (so
//! that a worker is sent no more than its own), and each new partition puts its parts together.

use oxidask_core::layer::{AxisMap, IndexMap};
use serde::Serialize;

use super::table::{Divisions, From, Layers, Outline, ProtoLayer, Reads, Table};
use super::tree;
use crate::error::{FrameError, Result};
use crate::kernel::distinct::Keep;
use crate::ops::group::{GroupBy, GroupFinish, GroupMerge, GroupOrdered, GroupPartial, GroupWhole};
use crate::ops::join::{How, Join};
use crate::ops::sort::{By, Distinct, Sample, Sort, SplitHash, SplitRanges, Splits};
use crate::ops::transform::GroupTransform;
use crate::ops::{self, AnyKernel, exchange};
use crate::schema::{Kind, Label};

/// Keys that are looked at for each partition of a sort.
const SAMPLES: u32 = 512;

/// Parts in which the states of groups come together.
const GROUP_PARTS: u32 = 4;

/// Layers in the making.
#[derive(Default)]
struct Stack(Vec<ProtoLayer>);

impl Stack {
    fn push(
        &mut self,
        suffix: &str,
        grid: &[u32],
        kernel: impl Into<AnyKernel>,
        inputs: Vec<(From, IndexMap)>,
    ) -> From {
        let (suffix, grid) = (suffix.into(), grid.into());
        self.0.push(ProtoLayer { suffix, grid, op: ops::op(kernel), inputs });
        From::Layer(self.0.len() - 1)
    }

    /// From parts of `n` partitions to `m` partitions, by `last` of the parts of each.
    fn exchange(&mut self, parts: From, n: u32, m: u32, suffix: &str, last: AnyKernel) -> From {
        let row = IndexMap::Axes([AxisMap::Same(0)].into());
        let picked = self.push(
            &format!("{suffix}pick"),
            &[n, m],
            exchange::Pick { n_parts: m },
            vec![(parts, row)],
        );
        let column = IndexMap::Axes([AxisMap::Every, AxisMap::Same(0)].into());
        let suffix = suffix.trim_end_matches('-');
        self.push(suffix, &[m], last, vec![(picked, column)])
    }

    /// Answers by the states of groups in `n` partitions: in parts by the hash of keys, each by a tree, and all of them in
    /// order at last. Where groups are many, no task sees all states.
    fn groups_in_parts(&mut self, group_by: &GroupBy, states: From, n: u32, split_every: u32) {
        let n_parts = n.min(GROUP_PARTS);
        let split = SplitHash { columns: Vec::new(), n: n_parts };
        let parts = self.push("split", &[n], split, vec![(states, IndexMap::Identity)]);
        let row = IndexMap::Axes([AxisMap::Same(0)].into());
        let pick = exchange::Pick { n_parts };
        let mut from = self.push("pick", &[n, n_parts], pick, vec![(parts, row)]);
        let (by, mut n, mut level) = (split_every.max(2), n, 0);
        while n > by {
            n = n.div_ceil(by);
            let tree = IndexMap::Axes([AxisMap::Tree { axis: 0, by }, AxisMap::Same(1)].into());
            let merge = GroupMerge(group_by.clone());
            from = self.push(&format!("merge-{level}"), &[n, n_parts], merge, vec![(from, tree)]);
            level += 1;
        }
        let unordered = GroupBy { sort: false, ..group_by.clone() };
        let column = IndexMap::Axes([AxisMap::Every, AxisMap::Same(0)].into());
        let finish = GroupFinish(unordered);
        let answers = self.push("parts", &[n_parts], finish, vec![(from, column)]);
        let every = IndexMap::Axes([AxisMap::Every].into());
        self.push("", &[1], GroupOrdered(group_by.clone()), vec![(answers, every)]);
    }
}

/// What tells equal layers over equal inputs apart.
fn described(what: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_allocvec(what).map_err(|error| FrameError::Value(error.to_string()))
}

impl Table {
    /// Answers for groups of rows, in `n_out` partitions.
    ///
    /// # Errors
    /// As [`GroupBy::schema`].
    pub fn group_by(&self, group_by: GroupBy, n_out: u32, split_every: u32) -> Result<Self> {
        let schema = group_by.schema(self.native()?)?;
        let n = self.n_partitions();
        let what = described(&(&group_by, n_out, split_every))?;
        let mut stack = Stack::default();
        let input = (From::Input(0), IndexMap::Identity);
        let whole = group_by.needs_whole_groups();
        let n_out = if group_by.keys.is_empty() { 1 } else { n_out.max(1) };
        let every = || IndexMap::Axes([AxisMap::Every].into());
        if whole && n_out == 1 && (n == 1 || group_by.keys.is_empty()) {
            stack.push("", &[1], GroupWhole(group_by.clone()), vec![(From::Input(0), every())]);
        } else if whole && n_out == 1 {
            // Groups come together in as many partitions as there are: one would have to hold all rows.
            let split = SplitHash { columns: group_by.keys.clone(), n };
            let parts = stack.push("split", &[n], split, vec![input]);
            let unordered = GroupBy { sort: false, ..group_by.clone() };
            let answers = stack.exchange(parts, n, n, "whole-", GroupWhole(unordered).into());
            stack.push("", &[1], GroupOrdered(group_by.clone()), vec![(answers, every())]);
        } else if whole {
            let split = SplitHash { columns: group_by.keys.clone(), n: n_out };
            let parts = stack.push("split", &[n], split, vec![input]);
            stack.exchange(parts, n, n_out, "", GroupWhole(group_by.clone()).into());
        } else {
            let partial = stack.push("partial", &[n], GroupPartial(group_by.clone()), vec![input]);
            let finish = AnyKernel::from(GroupFinish(group_by.clone()));
            if n_out == 1 && n > 2 && group_by.sort && !group_by.keys.is_empty() {
                stack.groups_in_parts(&group_by, partial, n, split_every);
            } else if n_out == 1 {
                let merge = AnyKernel::from(GroupMerge(group_by.clone()));
                tree::to_one(partial, n, split_every, &merge, finish, &mut stack.0);
            } else {
                let split = SplitHash { columns: Vec::new(), n: n_out };
                let parts = stack.push("split", &[n], split, vec![(partial, IndexMap::Identity)]);
                stack.exchange(parts, n, n_out, "", finish);
            }
        }
        let columns = group_by.wants.iter().filter_map(|want| want.column.clone());
        let reads = Reads::Only(group_by.keys.iter().cloned().chain(columns).collect());
        let layers = Layers { inputs: vec![self.clone()], reads, layers: stack.0 };
        let outline = Outline::new(schema, n_out);
        Ok(Self::layers("groupby", &what, layers, outline))
    }

    /// Joins with another table by columns; the answer's index counts anew in each partition.
    ///
    /// # Errors
    /// As [`Join::new`].
    pub fn join(&self, right: &Self, join: Join, n_out: Option<u32>) -> Result<Self> {
        let schema = join.schema();
        let (n, m) = (self.n_partitions(), right.n_partitions());
        let whole_right =
            matches!(join.how, How::Inner | How::Left | How::LeftSemi | How::LeftAnti | How::Cross);
        let whole_left = matches!(join.how, How::Inner | How::Right);
        let broadcast = match () {
            () if m == 1 && (whole_right || n == 1) => Some(n),
            () if n == 1 && whole_left => Some(m),
            () => None,
        };
        if let Some(n_partitions) = broadcast {
            let outline = Outline::new(schema, n_partitions);
            return Self::partwise(join, vec![self.clone(), right.clone()], outline);
        }
        if join.how == How::Cross {
            let right = right.gathered()?;
            return self.join(&right, join, n_out);
        }
        let n_out = n_out.unwrap_or_else(|| n.max(m));
        let outline = Outline::new(schema, n_out);
        let left = self.shuffled(join.left_on.clone(), n_out)?;
        let right = right.shuffled(join.right_on.clone(), n_out)?;
        Self::partwise(join, vec![left, right], outline)
    }

    /// The same rows in `n_out` partitions: equal keys in the same one. No columns: by the index.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn shuffled(&self, columns: Vec<Label>, n_out: u32) -> Result<Self> {
        let schema = self.native()?;
        columns.iter().try_for_each(|label| schema.position(label).map(drop))?;
        let reads = Reads::Same(columns.clone());
        let split = SplitHash { columns, n: n_out };
        let what = described(&split)?;
        let n = self.n_partitions();
        let mut stack = Stack::default();
        let input = (From::Input(0), IndexMap::Identity);
        let parts = stack.push("split", &[n], split, vec![input]);
        stack.exchange(parts, n, n_out, "", exchange::Concat.into());
        Ok(self.exchanged("shuffle", &what, stack, reads, n_out))
    }

    /// Values for rows by the rows of their group, in partitions by the hash of the keys.
    ///
    /// # Errors
    /// As [`GroupTransform::schema`].
    pub fn group_transform(&self, transform: GroupTransform) -> Result<Self> {
        let n = self.n_partitions();
        let rows = if n > 1 { self.shuffled(transform.keys.clone(), n)? } else { self.clone() };
        let schema = transform.schema(rows.native()?)?;
        let outline = Outline { schema: Some(schema.into()), ..rows.outline() };
        Self::partwise(transform, vec![rows], outline)
    }

    fn exchanged(
        &self,
        prefix: &str,
        what: &[u8],
        stack: Stack,
        reads: Reads,
        n_partitions: u32,
    ) -> Self {
        let layers = Layers { inputs: vec![self.clone()], reads, layers: stack.0 };
        let schema = self.schema().map(|schema| ops::select::stored(schema).into());
        let outline = Outline { schema, n_partitions, divisions: Divisions::Unknown, rows: None };
        Self::layers(prefix, what, layers, outline)
    }

    /// The rows in order, over `n_out` partitions.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn sorted(&self, by: By, n_out: u32) -> Result<Self> {
        let schema = self.native()?;
        by.columns.iter().try_for_each(|(label, _)| schema.position(label).map(drop))?;
        let n = self.n_partitions();
        let reads = Reads::Same(by.columns.iter().map(|(label, _)| label.clone()).collect());
        let what = described(&(&by, n_out))?;
        let mut stack = Stack::default();
        let input = || (From::Input(0), IndexMap::Identity);
        let every = || IndexMap::Axes([AxisMap::Every].into());
        if n_out == 1 {
            stack.push("", &[1], Sort(by), vec![(From::Input(0), every())]);
            return Ok(self.exchanged("sort_values", &what, stack, reads, 1));
        }
        let sample = Sample { by: by.clone(), n: SAMPLES };
        let samples = stack.push("sample", &[n], sample, vec![input()]);
        let splits = Splits { by: by.clone(), n: n_out };
        let splits = stack.push("splits", &[1], splits, vec![(samples, every())]);
        let only = IndexMap::Axes([AxisMap::Fixed(0)].into());
        let cut = SplitRanges { by: by.clone(), n: n_out };
        let parts = stack.push("split", &[n], cut, vec![input(), (splits, only)]);
        stack.exchange(parts, n, n_out, "", Sort(by).into());
        Ok(self.exchanged("sort_values", &what, stack, reads, n_out))
    }

    /// The rows in order over partitions whose ends are known: `splits` has a row less than partitions.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn sorted_at(&self, by: By, splits: &Self, n_out: u32) -> Result<Self> {
        let schema = self.native()?;
        by.columns.iter().try_for_each(|(label, _)| schema.position(label).map(drop))?;
        let n = self.n_partitions();
        let reads = Reads::Same(by.columns.iter().map(|(label, _)| label.clone()).collect());
        let what = described(&(&by, n_out))?;
        let mut stack = Stack::default();
        let only = IndexMap::Axes([AxisMap::Fixed(0)].into());
        let inputs = vec![(From::Input(0), IndexMap::Identity), (From::Input(1), only)];
        let cut = SplitRanges { by: by.clone(), n: n_out };
        let parts = stack.push("split", &[n], cut, inputs);
        stack.exchange(parts, n, n_out, "", Sort(by).into());
        let layers = Layers { inputs: vec![self.clone(), splits.clone()], reads, layers: stack.0 };
        let outline = Outline::new(ops::select::stored(schema), n_out);
        Ok(Self::layers("sort_values", &what, layers, outline))
    }

    /// Keys that cut the rows into `n` ranges of about equal size: a table of one partition.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn splits(&self, by: By, n: u32) -> Result<Self> {
        let schema = self.native()?;
        let fields = by.columns.iter().map(|(label, _)| schema.field(label).cloned());
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let what = described(&(&by, n))?;
        let reads = Reads::Only(by.columns.iter().map(|(label, _)| label.clone()).collect());
        let mut stack = Stack::default();
        let sample = Sample { by: by.clone(), n: SAMPLES };
        let input = (From::Input(0), IndexMap::Identity);
        let samples = stack.push("sample", &[self.n_partitions()], sample, vec![input]);
        let every = IndexMap::Axes([AxisMap::Every].into());
        stack.push("", &[1], Splits { by, n }, vec![(samples, every)]);
        let layers = Layers { inputs: vec![self.clone()], reads, layers: stack.0 };
        let outline = Outline::new(crate::schema::Schema::frame(fields), 1);
        Ok(Self::layers("splits", &what, layers, outline))
    }

    /// The rows without those that are like others by some columns, or by all; in one partition.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn distinct(
        &self,
        columns: Option<Vec<Label>>,
        keep: Keep,
        split_every: u32,
    ) -> Result<Self> {
        let schema = self.native()?;
        for label in columns.iter().flatten() {
            schema.position(label)?;
        }
        let reads = columns.clone().map_or(Reads::All, Reads::Same);
        let kernel = Distinct { columns, keep };
        let what = described(&kernel)?;
        let n = self.n_partitions();
        let last = AnyKernel::from(kernel);
        let mut stack = Stack::default();
        let mut from = From::Input(0);
        // Rows that are alike within a partition go at once, unless all of them are to go.
        if keep != Keep::None && n > 1 {
            let input = vec![(from, IndexMap::Identity)];
            from = stack.push("partial", &[n], last.clone(), input);
        }
        let merge = if keep == Keep::None { exchange::Concat.into() } else { last.clone() };
        tree::to_one(from, n, split_every, &merge, last, &mut stack.0);
        Ok(self.exchanged("drop_duplicates", &what, stack, reads, 1))
    }

    /// One row of answers for all rows.
    ///
    /// # Errors
    /// As [`GroupBy::schema`].
    pub fn reduced(
        &self,
        wants: Vec<crate::ops::group::Want>,
        kind: Kind,
        split_every: u32,
    ) -> Result<Self> {
        let group_by =
            GroupBy { keys: Vec::new(), names: Vec::new(), wants, dropna: true, sort: false, kind };
        self.group_by(group_by, 1, split_every)
    }
}
