//! The reference executor: one task after the other, nothing clever.
//!
//! Tests hold every scheduler to its answers. It runs tasks in topological order of their numbers,
//! keeps every value to the end and stops at the first failure.

use std::sync::atomic::AtomicBool;

use crate::graph::{GraphError, TaskGraph};
use crate::key::Key;
use crate::op::{TaskContext, TaskError};
use crate::value::Value;

/// Why a graph has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The graph can't be run.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A task failed.
    #[error("task {key} failed: {error}")]
    Task {
        /// The task.
        key: Key,
        /// Its failure.
        error: TaskError,
    },
}

/// The values of the graph's outputs.
///
/// # Errors
/// If tasks wait for each other, or a task fails.
///
/// # Panics
/// Never: a task runs after its inputs.
pub fn execute(graph: &TaskGraph) -> Result<Vec<Value>, ExecuteError> {
    let priorities = graph.order()?;
    let mut schedule: Vec<u32> = (0..graph.len() as u32).collect();
    schedule.sort_unstable_by_key(|&task| priorities[task as usize]);
    let cancelled = AtomicBool::new(false);
    let mut values: Vec<Option<Value>> = vec![None; graph.len()];
    let value_of = |values: &[Option<Value>], task: u32| {
        values[task as usize].clone().expect("inputs come before their readers")
    };
    for task in schedule {
        let mut inputs: Vec<Value> =
            graph.args(task).iter().map(|&input| value_of(&values, input)).collect();
        let ctx = TaskContext { block: graph.origin(task).block, cancelled: &cancelled };
        let value = graph
            .op(task)
            .call(&mut inputs, &ctx)
            .map_err(|error| ExecuteError::Task { key: graph.key(task), error })?;
        values[task as usize] = Some(value);
    }
    Ok(graph.outputs().iter().map(|&task| value_of(&values, task)).collect())
}
