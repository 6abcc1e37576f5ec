//! The static order against its oracles: validity, exhaustive pebbling, known optima.

use oxidask_core::dag::{Csr, Dag};
use oxidask_core::order::{Cycle, order, replay_peak};
use proptest::prelude::*;

fn dag<R: AsRef<[u32]>>(rows: impl IntoIterator<Item = R>) -> Dag {
    let mut inputs = Csr::with_capacity(0, 0);
    for row in rows {
        inputs.push_row(row.as_ref().iter().copied());
    }
    Dag::new(inputs)
}

fn run_order(dag: &Dag) -> Vec<u32> {
    let priority = order(dag).expect("acyclic");
    let mut sequence = vec![0; priority.len()];
    for (task, &at) in (0..).zip(&priority) {
        sequence[at as usize] = task;
    }
    sequence
}

fn peak(dag: &Dag) -> u64 {
    replay_peak(dag, &order(dag).expect("acyclic"), None)
}

fn assert_topological(dag: &Dag, priority: &[u32]) {
    let mut seen = vec![false; dag.len()];
    assert_eq!(priority.len(), dag.len());
    for &at in priority {
        assert!(!std::mem::replace(&mut seen[at as usize], true), "priority {at} twice");
    }
    for task in 0..dag.len() as u32 {
        for &input in dag.inputs.row(task) {
            assert!(priority[input as usize] < priority[task as usize], "{input} after {task}");
        }
    }
}

/// Any acyclic graph of up to `most` tasks, with labels that are no topological order.
fn any_dag(most: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    (1..=most)
        .prop_flat_map(|n| {
            let rows: Vec<_> = (0..n)
                .map(|task| {
                    proptest::collection::vec(0..n.max(1), 0..4).prop_map(move |picks| {
                        let mut row: Vec<usize> = picks
                            .into_iter()
                            .filter(|_| task > 0)
                            .map(|pick| pick % task.max(1))
                            .collect();
                        row.sort_unstable();
                        row.dedup();
                        row
                    })
                })
                .collect();
            (rows, Just((0..n as u32).collect::<Vec<u32>>()).prop_shuffle())
        })
        .prop_map(|(rows, label)| {
            let mut labelled = vec![Vec::new(); rows.len()];
            for (task, row) in rows.iter().enumerate() {
                labelled[label[task] as usize] = row.iter().map(|&input| label[input]).collect();
            }
            labelled
        })
}

/// Any tree whose edges run towards one root, the last task.
fn any_tree(most: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    proptest::collection::vec(any::<prop::sample::Index>(), 0..most).prop_map(|users| {
        let n = users.len() + 1;
        let mut rows = vec![Vec::new(); n];
        for (task, user) in users.iter().enumerate() {
            rows[task + 1 + user.index(n - 1 - task)].push(task as u32);
        }
        rows
    })
}

/// The lowest peak of any order, by trying every set of finished tasks (at most 16 tasks).
fn best_peak(dag: &Dag) -> u64 {
    let n = dag.len();
    let mask = |tasks: &[u32]| tasks.iter().fold(0usize, |all, task| all | 1 << task);
    let inputs: Vec<usize> = (0..n as u32).map(|task| mask(dag.inputs.row(task))).collect();
    let users: Vec<usize> = (0..n as u32).map(|task| mask(dag.users.row(task))).collect();
    let is_alive = |done: usize, task: usize| {
        done >> task & 1 == 1 && (users[task] == 0 || users[task] & !done != 0)
    };
    let mut best = vec![u64::MAX; 1 << n];
    best[0] = 0;
    for done in 0..1usize << n {
        if best[done] == u64::MAX {
            continue;
        }
        let after = (0..n).filter(|&task| is_alive(done, task)).count() as u64 + 1;
        for task in (0..n).filter(|task| done >> task & 1 == 0) {
            if inputs[task] & !done == 0 {
                let next = done | 1 << task;
                best[next] = best[next].min(best[done].max(after));
            }
        }
    }
    best[(1 << n) - 1]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_a_topological_permutation(rows in any_dag(60)) {
        let dag = dag(&rows);
        assert_topological(&dag, &order(&dag).expect("acyclic"));
    }

    #[test]
    fn depends_on_nothing_but_the_edges(rows in any_dag(40)) {
        let mut mirrored = rows.clone();
        mirrored.iter_mut().for_each(|row| row.reverse());
        prop_assert_eq!(order(&dag(&rows)), order(&dag(&mirrored)));
    }

    #[test]
    fn holds_at_most_twice_the_least_possible(rows in any_dag(12)) {
        let dag = dag(&rows);
        let (ours, best) = (peak(&dag), best_peak(&dag));
        prop_assert!(best <= ours, "the oracle found {} but we hold {}", best, ours);
        prop_assert!(ours <= 2 * best, "{} is far above {}", ours, best);
    }

    #[test]
    fn is_optimal_on_trees(rows in any_tree(12)) {
        let dag = dag(&rows);
        prop_assert_eq!(peak(&dag), best_peak(&dag));
    }

    #[test]
    fn chains_are_not_interrupted(rows in any_dag(40)) {
        let dag = dag(&rows);
        let priority = order(&dag).expect("acyclic");
        for task in 0..dag.len() as u32 {
            if let [user] = *dag.users.row(task) && dag.inputs.row(user).len() == 1 {
                prop_assert_eq!(priority[task as usize] + 1, priority[user as usize]);
            }
        }
    }

    #[test]
    fn a_cycle_is_named(rows in any_dag(30), from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let n = rows.len();
        let (from, to) = (from.index(n) as u32, to.index(n) as u32);
        let mut rows = rows;
        if !rows[to as usize].contains(&from) {
            rows[to as usize].push(from);
        }
        match order(&dag(&rows)) {
            Ok(priority) => assert_topological(&dag(&rows), &priority),
            Err(Cycle { tasks }) => {
                prop_assert!(!tasks.is_empty());
                for (at, task) in tasks.iter().enumerate() {
                    let reader = tasks[(at + 1) % tasks.len()] as usize;
                    prop_assert!(rows[reader].contains(task), "{} does not read {}", reader, task);
                }
                let mut distinct = tasks.clone();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), tasks.len());
            }
        }
    }

    #[test]
    fn the_replay_follows_its_definition(
        rows in any_dag(20), sizes in proptest::collection::vec(0u64..100, 20),
    ) {
        let dag = dag(&rows);
        let priority = order(&dag).expect("acyclic");
        let sequence = run_order(&dag);
        let mut most = 0;
        for (at, &task) in sequence.iter().enumerate() {
            let alive = sequence[..at].iter().filter(|&&other| {
                let users = dag.users.row(other);
                users.is_empty() || users.iter().any(|&user| priority[user as usize] >= at as u32)
            });
            let held: u64 = alive.map(|&other| sizes[other as usize]).sum();
            most = most.max(held + sizes[task as usize]);
        }
        prop_assert_eq!(replay_peak(&dag, &priority, Some(&sizes)), most);
        let ones = vec![1; dag.len()];
        prop_assert_eq!(
            replay_peak(&dag, &priority, None),
            replay_peak(&dag, &priority, Some(&ones))
        );
    }
}

#[test]
fn nothing_is_ordered_as_nothing() {
    assert_eq!(order(&Dag::default()), Ok(vec![]));
    assert_eq!(replay_peak(&Dag::default(), &[], None), 0);
}

#[test]
fn equals_run_from_the_last_to_the_first() {
    let mut rows = vec![vec![]; 10];
    rows.push((0..10).collect());
    assert_eq!(run_order(&dag(rows)), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 10]);
    assert_eq!(run_order(&dag(vec![vec![]; 4])), [3, 2, 1, 0]);
}

#[test]
fn a_task_that_reads_itself_is_a_cycle() {
    let error = order(&dag([vec![], vec![1]])).expect_err("task 1 reads itself");
    assert_eq!(error.tasks, [1]);
    assert_eq!(
        error.to_string(),
        "1 tasks wait for each other in a cycle (1 -> 1); remove one of these dependencies"
    );
}

#[test]
fn a_ring_beside_a_chain_is_a_cycle() {
    let error = order(&dag([vec![2], vec![0], vec![1], vec![], vec![3]])).expect_err("0, 1, 2");
    let mut tasks = error.tasks;
    tasks.sort_unstable();
    assert_eq!(tasks, [0, 1, 2]);
}

#[test]
fn a_reduction_tree_holds_one_value_per_level() {
    let mut rows: Vec<Vec<u32>> = vec![vec![]; 1 << 10];
    let mut level: Vec<u32> = (0..1 << 10).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| {
                rows.push(pair.to_vec());
                rows.len() as u32 - 1
            })
            .collect();
    }
    assert_eq!(peak(&dag(rows)), 12);
}

/// `d[i]` reads `d[i-1]`, `b[i]` and `c[i]`, which come from two common sources. The last users
/// of the sources must not run ahead of the others (dask-ml issue 206).
#[test]
fn tasks_of_one_source_run_as_they_are_needed() {
    let mut rows: Vec<Vec<u32>> = vec![vec![], vec![], vec![], vec![0, 1, 2]];
    let mut joins = vec![3];
    for _ in 1..10 {
        let at = rows.len() as u32;
        let previous = joins[joins.len() - 1];
        rows.extend([vec![1], vec![2], vec![previous, at, at + 1]]);
        joins.push(at + 2);
    }
    let priority = order(&dag(rows)).expect("acyclic");
    let at: Vec<u32> = joins.iter().map(|&join| priority[join as usize]).collect();
    assert_eq!(at, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
}

/// `x - x.mean()`: every chunk is needed again after the mean, so all must be held, but not more.
#[test]
fn an_anomaly_holds_its_chunks_and_little_else() {
    let n = 256;
    let mut rows: Vec<Vec<u32>> = vec![vec![]; n];
    rows.extend((0..n as u32).map(|chunk| vec![chunk]));
    let reduce = |rows: &mut Vec<Vec<u32>>, mut level: Vec<u32>| {
        while level.len() > 1 {
            let groups = level.chunks(4).map(<[u32]>::to_vec);
            let first = rows.len() as u32;
            rows.extend(groups);
            level = (first..rows.len() as u32).collect();
        }
        level[0]
    };
    let mean = reduce(&mut rows, (n as u32..2 * n as u32).collect());
    let first = rows.len() as u32;
    rows.extend((0..n as u32).map(|chunk| vec![chunk, mean]));
    let last = rows.len() as u32;
    reduce(&mut rows, (first..last).collect());
    let peak = peak(&dag(rows));
    assert!((n as u64..n as u64 + 16).contains(&peak), "{peak} values for {n} chunks");
}

/// One block of `x + x.T` needs two blocks of `x`, and those two serve two blocks of the sum.
#[test]
fn a_transposed_sum_visits_both_halves_together() {
    let n = 16u32;
    let at = |i: u32, j: u32| i * n + j;
    let mut rows: Vec<Vec<u32>> = vec![vec![]; (n * n) as usize];
    for i in 0..n {
        for j in 0..n {
            rows.push(if i == j { vec![at(i, i)] } else { vec![at(i, j), at(j, i)] });
        }
    }
    let sums = n * n..2 * n * n;
    rows.push(sums.collect());
    let dag = dag(rows);
    let priority = order(&dag).expect("acyclic");
    // Every sum has to be held for the sink; of `x` itself, two blocks at a time suffice.
    let sizes: Vec<u64> = (0..dag.len() as u32).map(|task| u64::from(task < n * n)).collect();
    assert_eq!(replay_peak(&dag, &priority, Some(&sizes)), 2);
}

#[test]
fn a_million_tasks_in_a_row_need_no_deep_stack() {
    let n = 1_000_000u32;
    let chain = dag((0..n).map(|task| task.checked_sub(1).into_iter().collect::<Vec<_>>()));
    assert_eq!(order(&chain), Ok((0..n).collect()));

    // Two inputs a task, so that nothing can be contracted.
    let ladder = dag((0..n).map(|task| (task.saturating_sub(2)..task).collect::<Vec<_>>()));
    assert_eq!(order(&ladder), Ok((0..n).collect()));
    assert_eq!(peak(&ladder), 3);
}
