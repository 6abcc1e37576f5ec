//! How long group-by takes on ten million rows: `cargo run --release -p oxidask-frame --example groups`.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::dtype::DType;
use oxidask_frame::kernel::group::{Agg, Groups, aggregate, group};

const N_ROWS: usize = 10_000_000;

/// Numbers that look random, the same at each run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33
    })
    .take(N_ROWS)
}

fn ints(n_values: u64, scale: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(numbers(1).map(|v| (v % n_values) as i64 * scale)))
}

fn texts(n_values: u64, width: usize) -> ArrayRef {
    let names: Vec<String> = (0..n_values).map(|v| format!("id{v:0width$}")).collect();
    let rows = numbers(2).map(|v| &names[(v % n_values) as usize]);
    Arc::new(StringViewArray::from_iter_values(rows))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let mut measured = |what: &str, run: &dyn Fn() -> Result<usize, Box<dyn Error>>| {
        let mut best = f64::MAX;
        let mut n_groups = 0;
        for _ in 0..3 {
            let start = Instant::now();
            n_groups = run()?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        writeln!(out, "{what:<34} {n_groups:>9} {best:>7.3} s")?;
        Ok::<(), Box<dyn Error>>(())
    };
    let keys = [
        ("100 ints", vec![ints(100, 1)]),
        ("100 ints far apart", vec![ints(100, 1 << 40)]),
        ("100 thousand ints", vec![ints(100_000, 1)]),
        ("5 million ints", vec![ints(5_000_000, 1)]),
        ("5 million ints far apart", vec![ints(5_000_000, 1 << 30)]),
        ("100 short texts", vec![texts(100, 3)]),
        ("100 long texts", vec![texts(100, 14)]),
        ("100 thousand short texts", vec![texts(100_000, 10)]),
        ("two keys of 100 and 100", vec![ints(100, 1), texts(100, 3)]),
    ];
    for (name, keys) in &keys {
        measured(&format!("group by {name}"), &|| Ok(group(keys, true)?.n_groups()))?;
    }
    let values: ArrayRef =
        Arc::new(Float64Array::from_iter_values(numbers(3).map(|v| v as f64 / 1e3)));
    let text_values = texts(1000, 4);
    let groupings = [
        ("one group", Groups::whole(N_ROWS)),
        ("100 groups", group(&[ints(100, 1)], true)?),
        ("100 thousand groups", group(&[ints(100_000, 1)], true)?),
    ];
    let aggs = [
        Agg::Sum { min_count: 0 },
        Agg::Mean,
        Agg::Count,
        Agg::Max,
        Agg::Std { ddof: 1 },
        Agg::Kurt,
        Agg::First,
        Agg::Last,
    ];
    for (name, groups) in &groupings {
        for agg in &aggs {
            measured(&format!("{} of {name}", agg.name()), &|| {
                Ok(aggregate(agg, &values, &DType::F64, groups)?.len())
            })?;
        }
        let ints = ints(1000, 1);
        measured(&format!("sum of ints, {name}"), &|| {
            Ok(aggregate(&Agg::Sum { min_count: 0 }, &ints, &DType::I64, groups)?.len())
        })?;
        measured(&format!("max of texts, {name}"), &|| {
            Ok(aggregate(&Agg::Max, &text_values, &DType::Str, groups)?.len())
        })?;
    }
    Ok(())
}
