//! What a task costs on a cluster of this process, without Python:
//! `cargo run --release -p oxidask-runtime --example cluster_overhead`.

use std::sync::Arc;
use std::time::Instant;

use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Op};
use oxidask_core::value::{Native, Value};
use oxidask_runtime::cluster::{ClientNode, LocalCluster};
use oxidask_sched::client::Event;

fn graph(first: u128, n: usize, inputs: impl Fn(usize) -> Vec<usize>, outputs: usize) -> TaskGraph {
    let nothing: Arc<dyn Op> =
        Arc::new(Function::new("nothing", |_: &mut [Value], _: &_| Ok(Value::new(Native(0u64)))));
    let group = Group::new("nothing");
    let mut graph = Graph::new();
    let mut tasks: Vec<TaskRef> = Vec::with_capacity(n);
    for i in 0..n {
        let token = (first + i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let inputs = inputs(i).into_iter().map(|input| tasks[input]).collect();
        let spec =
            TaskSpec { key: Key::with_token(group.clone(), token), op: nothing.clone(), inputs };
        tasks.push(graph.push_task(spec));
    }
    Arc::new(graph).expand(&tasks[n - outputs..]).expect("no cycle")
}

/// Seconds from submission to the last result.
fn seconds(client: &ClientNode, graph: &TaskGraph) -> f64 {
    let start = Instant::now();
    let keys = client.submit_graph(graph).expect("no cycle");
    client.gather(&keys, None).expect("they run");
    let seconds = start.elapsed().as_secs_f64();
    client.handle(Event::Release(keys));
    seconds
}

fn median(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn main() {
    let cluster = LocalCluster::start(2, 1).expect("threads");
    let (client, _) = cluster.connect("example");
    let n = 100_000;
    for round in 0..3 {
        let tasks = graph(round << 64, n, |_| vec![], n);
        let us = seconds(&client, &tasks) / n as f64 * 1e6;
        eprintln!("{n} independent tasks, all gathered: {us:.2} us a task");
    }
    let chain = graph(1 << 80, 10_000, |i| if i == 0 { vec![] } else { vec![i - 1] }, 1);
    eprintln!("chain of 10000: {:.2} us a link", seconds(&client, &chain) / 1e4 * 1e6);
    let times = (0..5_000).map(|i| seconds(&client, &graph((2 << 80) + i, 1, |_| vec![], 1)));
    let (median, p99) = median(times.collect());
    eprintln!("submit and result: median {:.1} us, p99 {:.1} us", median * 1e6, p99 * 1e6);
}
