//! Topological sorting, and the naming of a cycle where there is none.

use crate::dag::Dag;

/// The tasks of `dag`, inputs before users, breadth first; short of some if there is a cycle.
pub(super) fn sort(dag: &Dag) -> Vec<u32> {
    let n = dag.len() as u32;
    let mut missing: Vec<u32> = (0..n).map(|task| dag.inputs.row(task).len() as u32).collect();
    let mut sorted = Vec::with_capacity(dag.len());
    sorted.extend((0..n).filter(|&task| missing[task as usize] == 0));
    let mut at = 0;
    while at < sorted.len() {
        for &user in dag.users.row(sorted[at]) {
            let missing = &mut missing[user as usize];
            *missing -= 1;
            if *missing == 0 {
                sorted.push(user);
            }
        }
        at += 1;
    }
    sorted
}

/// One cycle of `dag`, each task followed by one that reads it; empty if there is none.
pub(super) fn find_cycle(dag: &Dag) -> Vec<u32> {
    let mut is_sortable = vec![false; dag.len()];
    for task in sort(dag) {
        is_sortable[task as usize] = true;
    }
    // Every unsortable task has an unsortable input, so walking upstream must come round.
    let mut upstream = is_sortable.iter().position(|&sortable| !sortable).map(|task| task as u32);
    let mut seen_at = vec![None; dag.len()];
    let mut path = Vec::new();
    while let Some(task) = upstream {
        if let Some(first) = seen_at[task as usize] {
            path.drain(..first);
            break;
        }
        seen_at[task as usize] = Some(path.len());
        path.push(task);
        upstream = dag.inputs.row(task).iter().copied().find(|&i| !is_sortable[i as usize]);
    }
    path.reverse();
    path
}
