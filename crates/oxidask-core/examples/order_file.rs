//! Orders a graph given as text and says how long it took and what it would hold at worst.
//!
//! One line per task, in key order, with the indices of the tasks that it reads:
//!
//! ```text
//! cargo run --release --example order_file -- graph.txt          time and peaks
//! cargo run --release --example order_file -- --print graph.txt  the priority of each task
//! ```

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use oxidask_core::dag::{Csr, Dag};
use oxidask_core::order::{order, replay_peak};

#[expect(
    clippy::disallowed_methods,
    reason = "a tool beside the crate: it feeds a file to pure code and times it from outside"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut print = false;
    let mut path = None;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--print" => print = true,
            _ => path = Some(argument),
        }
    }
    let path = path.ok_or("usage: order_file [--print] FILE")?;
    let dag = read(&std::fs::read_to_string(path)?)?;

    let start = Instant::now();
    let priority = order(&dag)?;
    let elapsed = start.elapsed();

    let mut report = String::new();
    if print {
        for at in &priority {
            writeln!(report, "{at}")?;
        }
    } else {
        writeln!(
            report,
            "tasks={} edges={} seconds={:.6} peak={}",
            dag.len(),
            dag.inputs.n_edges(),
            elapsed.as_secs_f64(),
            replay_peak(&dag, &priority, None),
        )?;
    }
    std::io::stdout().write_all(report.as_bytes())?;
    Ok(())
}

fn read(text: &str) -> Result<Dag, std::num::ParseIntError> {
    let mut inputs = Csr::with_capacity(0, 0);
    for line in text.lines() {
        let row: Vec<u32> =
            line.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        inputs.push_row(row);
    }
    Ok(Dag::new(inputs))
}
