//! Rows that are found by their task once and by their place ever after.

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;

use crate::ids::TaskId;

/// One row for each of some tasks. Places of removed rows are used again.
#[derive(Debug)]
pub(super) struct Table<T> {
    places: FxHashMap<TaskId, u32>,
    rows: Vec<Option<T>>,
    vacant: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { places: FxHashMap::default(), rows: Vec::new(), vacant: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Where the task's row is.
    pub(super) fn find(&self, task: TaskId) -> Option<u32> {
        self.places.get(&task).copied()
    }

    /// Adds a row for a task that has none.
    pub(super) fn insert(&mut self, task: TaskId, row: T) -> u32 {
        let at = self.vacant.pop().unwrap_or_else(|| {
            self.rows.push(None);
            self.rows.len() as u32 - 1
        });
        self.rows[at as usize] = Some(row);
        let before = self.places.insert(task, at);
        debug_assert_eq!(before, None, "{task:?} has a row already");
        at
    }

    /// Takes out the row of `task`, which is at `at`.
    pub(super) fn remove(&mut self, task: TaskId, at: u32) -> T {
        let place = self.places.remove(&task);
        debug_assert_eq!(place, Some(at), "the row of {task:?} is elsewhere");
        self.vacant.push(at);
        match self.rows[at as usize].take() {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The rows, by place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let rows = self.rows.iter().enumerate();
        rows.filter_map(|(at, row)| Some((at as u32, row.as_ref()?)))
    }
}

impl<T> Index<u32> for Table<T> {
    type Output = T;

    fn index(&self, at: u32) -> &T {
        match &self.rows[at as usize] {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }
}

impl<T> IndexMut<u32> for Table<T> {
    fn index_mut(&mut self, at: u32) -> &mut T {
        match &mut self.rows[at as usize] {
            Some(row) => row,
            None => unreachable!("row {at} is vacant"),
        }
    }
}
