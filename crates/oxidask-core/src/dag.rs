//! The bare shape of a graph: who reads whom, as compressed sparse rows.
//!
//! Ordering, culling, fusion and the local scheduler need only this; keys and ops live in
//! [`crate::graph`]. Tasks are dense integers `0..n`.

/// Compressed sparse rows: a list of `u32` targets for each of `n` rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csr {
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Csr {
    /// An empty structure with room for `rows` rows and `edges` targets.
    #[must_use]
    pub fn with_capacity(rows: usize, edges: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, targets: Vec::with_capacity(edges) }
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If there are 2^32 targets or more.
    pub fn push_row(&mut self, targets: impl IntoIterator<Item = u32>) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.targets.extend(targets);
        let end = u32::try_from(self.targets.len()).expect("a graph has fewer than 2^32 edges");
        self.offsets.push(end);
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of targets over all rows.
    #[must_use]
    pub fn n_edges(&self) -> usize {
        self.targets.len()
    }

    /// The targets of `row`.
    ///
    /// # Panics
    /// If `row` is out of range.
    #[must_use]
    #[inline]
    pub fn row(&self, row: u32) -> &[u32] {
        let row = row as usize;
        &self.targets[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// The same edges seen from the other end; within a row, sources are ascending.
    ///
    /// # Panics
    /// If a target is not below [`Csr::len`].
    #[must_use]
    pub fn transpose(&self) -> Self {
        let n = self.len();
        let mut offsets = vec![0u32; n + 1];
        for &target in &self.targets {
            offsets[target as usize + 1] += 1;
        }
        for i in 0..n {
            offsets[i + 1] += offsets[i];
        }
        let mut next = offsets.clone();
        let mut targets = vec![0u32; self.targets.len()];
        for source in 0..n as u32 {
            for &target in self.row(source) {
                let at = &mut next[target as usize];
                targets[*at as usize] = source;
                *at += 1;
            }
        }
        Self { offsets, targets }
    }
}

/// A graph's shape seen from both ends.
#[derive(Debug, Clone, Default)]
pub struct Dag {
    /// For each task, the tasks whose values it reads, without repeats.
    pub inputs: Csr,
    /// For each task, the tasks that read its value, ascending.
    pub users: Csr,
}

impl Dag {
    /// Builds both directions from the inputs of each task.
    #[must_use]
    pub fn new(inputs: Csr) -> Self {
        let users = inputs.transpose();
        Self { inputs, users }
    }

    /// Number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
