//! The rows of groups, and which of them are the first or last ones.

use arrow_array::{BooleanArray, UInt32Array};
use arrow_buffer::BooleanBuffer;

use super::fold::fold_rows;
use super::{DROPPED, Groups};

/// The rows of each group, in their order.
#[derive(Clone, Debug)]
pub struct Members {
    edges: Vec<usize>,
    rows: Vec<u32>,
}

impl Members {
    /// The rows of one group after the other.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.edges.windows(2).map(|edge| &self.rows[edge[0]..edge[1]])
    }
}

impl Groups {
    /// The group of a row, [`DROPPED`] for none.
    #[must_use]
    pub fn id(&self, row: usize) -> u32 {
        self.ids().map_or(0, |ids| ids[row])
    }

    /// Whether any row is in no group.
    #[must_use]
    pub fn has_dropped(&self) -> bool {
        self.ids().is_some_and(|ids| ids.contains(&DROPPED))
    }

    /// How many rows each group has.
    #[must_use]
    pub fn sizes(&self) -> &[i64] {
        self.sizes.get_or_init(|| match self.ids() {
            None => vec![self.n_rows() as i64],
            Some(_) => fold_rows(self, None, 0, |size, _| *size += 1),
        })
    }

    /// The rows of each group.
    #[must_use]
    pub fn members(&self) -> Members {
        let mut edges = vec![0];
        edges.extend(self.sizes().iter().scan(0, |edge, &size| {
            *edge += size as usize;
            Some(*edge)
        }));
        let mut next = edges.clone();
        let mut rows = vec![0; edges[self.n_groups()]];
        for row in 0..self.n_rows() {
            let id = self.id(row);
            if id != DROPPED {
                rows[next[id as usize]] = row as u32;
                next[id as usize] += 1;
            }
        }
        Members { edges, rows }
    }

    /// The group of each row as positions, so that answers of groups can be taken for rows; null for rows in
    /// no group.
    #[must_use]
    pub fn spread(&self) -> UInt32Array {
        match self.ids() {
            None => UInt32Array::from(vec![0; self.n_rows()]),
            Some(ids) => super::part::rows_of(ids.to_vec()),
        }
    }

    /// The first `n` rows of each group; all but the last `-n` ones if negative.
    #[must_use]
    pub fn head(&self, n: i64) -> BooleanArray {
        self.chosen(|place, size| place < if n < 0 { size + n } else { n })
    }

    /// The last `n` rows of each group; all but the first `-n` ones if negative.
    #[must_use]
    pub fn tail(&self, n: i64) -> BooleanArray {
        self.chosen(|place, size| place >= if n < 0 { -n } else { size - n })
    }

    /// The rows of each group at these places, counted from the end if negative.
    #[must_use]
    pub fn nth(&self, places: &[i64]) -> BooleanArray {
        self.chosen(|place, size| places.iter().any(|&n| n == place || n + size == place))
    }

    /// The rows that their place in the group, and the group's size, speak for.
    fn chosen(&self, choose: impl Fn(i64, i64) -> bool) -> BooleanArray {
        let sizes = self.sizes();
        let mut seen = vec![0; self.n_groups()];
        let bits = BooleanBuffer::collect_bool(self.n_rows(), |row| {
            let id = self.id(row) as usize;
            let Some(place) = seen.get_mut(id) else { return false };
            let chosen = choose(*place, sizes[id]);
            *place += 1;
            chosen
        });
        BooleanArray::new(bits, None)
    }
}
