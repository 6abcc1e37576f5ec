//! Rows that are found by their name once and by their place ever after.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;

/// One row for each of some names. Places of removed rows are used again.
#[derive(Debug)]
pub(crate) struct Table<K, T> {
    places: FxHashMap<K, u32>,
    rows: Vec<Option<T>>,
    vacant: Vec<u32>,
}

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Self { places: FxHashMap::default(), rows: Vec::new(), vacant: Vec::new() }
    }
}

impl<K: Eq + Hash + Debug, T> Table<K, T> {
    /// Where the row of that name is.
    pub(crate) fn find(&self, name: &K) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// Adds a row for a name that has none.
    pub(crate) fn insert(&mut self, name: K, row: T) -> u32 {
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.rows.push(None);
            self.rows.len() as u32 - 1
        });
        self.rows[at as usize] = Some(row);
        let before = self.places.insert(name, at);
        debug_assert_eq!(before, None, "the name of row {at} has a row already");
        at
    }

    /// Takes out the row of that name, which is at `at`.
    pub(crate) fn remove(&mut self, name: &K, at: u32) -> T {
        let place = self.places.remove(name);
        debug_assert_eq!(place, Some(at), "the row of {name:?} is elsewhere");
        self.vacant.push(at);
        match self.rows[at as usize].take() {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The rows, by place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, row)| Some((at as u32, row.as_ref()?)))
    }
}

impl<K, T> Index<u32> for Table<K, T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        match &self.rows[at as usize] {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }
}

impl<K, T> IndexMut<u32> for Table<K, T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        match &mut self.rows[at as usize] {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }
}
