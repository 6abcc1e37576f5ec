//! The process stays near its budget though its values are four times as large. The only test of its
//! program, since the peak is that of the whole process.
#![cfg(target_os = "linux")]

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{Bytes, Native, Value};
use oxidask_runtime::local::{Pool, Run, RunOptions, run};
use oxidask_runtime::store::Budget;

const MIB: usize = 1 << 20;

fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kib: usize = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kib << 10
}

fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().expect("a number").0
}

fn first(value: &Value) -> u64 {
    u64::from(value.downcast_ref::<Bytes>().expect("bytes").0[0])
}

#[test]
fn the_peak_is_within_a_fifth_of_the_budget() {
    let (n, budget) = (128u64, 128 * MIB);
    let mut graph = Graph::new();
    let mut push = |key: &str, op: Arc<dyn Op>, inputs: Vec<TaskRef>| {
        graph.push_task(TaskSpec { key: key.into(), op, inputs })
    };
    let function = |f: fn(&[Value], u64) -> Value| -> Arc<dyn Op> {
        Arc::new(Function::new("f", move |inputs: &mut [Value], ctx: &TaskContext<'_>| {
            Ok(f(inputs, ctx.block.into()))
        }))
    };
    // Every chunk is read twice: all must exist before the first may go.
    let fill = function(|_, block| Value::new(Bytes(vec![block as u8; 4 * MIB].into())));
    let chunks: Vec<_> =
        (0..n).map(|i| push(&format!("x{i}"), Arc::clone(&fill), vec![])).collect();
    let one = function(|inputs, _| Value::new(Native(first(&inputs[0]))));
    let ones: Vec<_> = chunks.iter().map(|&x| push("one", Arc::clone(&one), vec![x])).collect();
    let sum = function(|inputs, _| Value::new(Native(inputs.iter().map(number).sum::<u64>())));
    let all = push("all", Arc::clone(&sum), ones);
    let both = function(|inputs, _| Value::new(Native(first(&inputs[0]) + number(&inputs[1]))));
    let twos = chunks.iter().map(|&x| push("two", Arc::clone(&both), vec![x, all])).collect();
    let total = push("total", sum, twos);
    let directory = tempfile::tempdir().unwrap();
    let budget_of_run =
        Budget { memory_bytes: budget as u64, spill_directory: directory.path().into() };
    let options = RunOptions { n_workers: 2, budget: budget_of_run, ..RunOptions::default() };
    let tasks = Arc::new(graph).expand(&[total]).unwrap();
    let run = Arc::new(Run::new(tasks, Vec::new(), None, options).unwrap());
    run::compute(&run, &Pool::default(), &mut || true).unwrap();
    let sum: u64 = (0..n).sum();
    assert_eq!(number(&run.values().unwrap()[0]), sum * (n + 1));
    let peak = peak_bytes();
    assert!(peak <= budget + budget / 5, "{} MiB", peak / MIB);
}
