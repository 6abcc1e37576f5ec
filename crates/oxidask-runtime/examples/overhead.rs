//! The cost of a native task that does nothing, for graphs of several shapes.
//!
//! `cargo run --release -p oxidask-runtime --example overhead [number of tasks]`

use std::sync::Arc;
use std::time::Instant;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::value::{Native, Value};
use oxidask_runtime::local::{Pool, Run, RunOptions, run};

fn main() {
    let nop: Arc<dyn Op> =
        Arc::new(Function::new("nop", |_: &mut [Value], _: &TaskContext<'_>| {
            Ok(Value::new(Native(0u8)))
        }));
    let n: u32 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |text| text.parse().expect("the number of tasks"));
    let pool = Pool::default();
    for (name, back) in [("independent", 0u32), ("1000 chains", 1000), ("binary fan-in", 1)] {
        let started = Instant::now();
        let mut graph = Graph::new();
        let group = Group::new("nop");
        for i in 0..n {
            let inputs: Vec<TaskRef> = match (name, i.checked_sub(back)) {
                ("independent", _) | (_, None) => Vec::new(),
                ("binary fan-in", _) if i >= n / 2 => {
                    let at = 2 * (i - n / 2);
                    [at, at + 1].map(|block| TaskRef { layer: 0, block: block.min(i - 1) }).to_vec()
                }
                ("binary fan-in", _) => Vec::new(),
                (_, Some(block)) => vec![TaskRef { layer: 0, block }],
            };
            let key = Key::block(group.clone(), &[i64::from(i)]);
            graph.push_task(TaskSpec { key, op: Arc::clone(&nop), inputs });
        }
        let outputs: Vec<TaskRef> = (0..n).map(|block| TaskRef { layer: 0, block }).collect();
        let built = Instant::now();
        let tasks = Arc::new(graph).expand(&outputs).expect("a whole graph");
        let expanded = Instant::now();
        let prepared = Run::new(tasks, Vec::new(), None, RunOptions::default()).expect("no cycle");
        let ready = Instant::now();
        let run = Arc::new(prepared);
        run::compute(&run, &pool, &mut || true).expect("no failure");
        let done = Instant::now();
        let ns = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e9 / f64::from(n);
        #[expect(clippy::print_stdout, reason = "an example's output")]
        {
            println!(
                "{name:<14} ns a task: build {:.0}, expand {:.0}, order and prepare {:.0}, run {:.0}",
                ns(started, built),
                ns(built, expanded),
                ns(expanded, ready),
                ns(ready, done)
            );
        }
    }
}
