//! Replaying an order: how much would be alive at the worst moment.

use crate::dag::Dag;

/// The peak of what is alive when the tasks of `dag` run one by one by `priority`.
///
/// A value is born while the inputs of its task are still held, and dies when its last user has
/// run; a value that nobody reads is an output and stays. Each value counts `sizes[task]` bytes,
/// or 1 without `sizes`. Linear in tasks and edges.
///
/// # Panics
/// If `priority` is not a permutation of the tasks, or `sizes` is given and too short.
#[must_use]
pub fn replay_peak(dag: &Dag, priority: &[u32], sizes: Option<&[u64]>) -> u64 {
    let n = dag.len();
    assert_eq!(priority.len(), n, "one priority per task");
    let mut sequence = vec![u32::MAX; n];
    for (task, &at) in priority.iter().enumerate() {
        assert_eq!(sequence[at as usize], u32::MAX, "priority {at} is given twice");
        sequence[at as usize] = task as u32;
    }
    let size = |task: u32| sizes.map_or(1, |sizes| sizes[task as usize]);
    let mut users_left: Vec<u32> =
        (0..n as u32).map(|task| dag.users.row(task).len() as u32).collect();
    let mut alive = 0u64;
    let mut peak = 0u64;
    for task in sequence {
        alive += size(task);
        peak = peak.max(alive);
        for &input in dag.inputs.row(task) {
            let left = &mut users_left[input as usize];
            *left -= 1;
            if *left == 0 {
                alive -= size(input);
            }
        }
    }
    peak
}
