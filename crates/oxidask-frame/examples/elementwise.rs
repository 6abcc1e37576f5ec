//! How fast elementwise kernels are: `cargo run --release -p oxidask-frame --example elementwise`.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray};
use oxidask_frame::dtype::{DType, Unit};
use oxidask_frame::error::Result;
use oxidask_frame::kernel::elementwise::{Binary, Operand, Unary, binary, fillna, unary};
use oxidask_frame::kernel::text::{Pattern, Text, text};
use oxidask_frame::kernel::time::{Part, part};
use oxidask_frame::kernel::window::{Closed, Cumulative, Roll, cumulative, roll, row_bounds};
use oxidask_frame::scalar::Scalar;

const N_ROWS: usize = 10_000_000;

fn measured(name: &str, mut run: impl FnMut() -> Result<ArrayRef>) -> Result<()> {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let answer = run()?;
        best = best.min(start.elapsed().as_secs_f64());
        drop(answer);
    }
    // A closed pipe is no concern of a measurement.
    let _ = writeln!(std::io::stdout(), "{name:<24} {:>8.1} ms", best * 1e3);
    Ok(())
}

fn main() -> Result<()> {
    let spread = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let ints: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..N_ROWS).map(|row| spread(row) as i64 + 1)));
    let floats: ArrayRef =
        Arc::new(Float64Array::from_iter_values((0..N_ROWS).map(|row| spread(row) as f64)));
    let times = (0..N_ROWS).map(|row| spread(row) as i64 * 60_000_000);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times));
    let names: Vec<String> = (0..100).map(|name| format!("name {name}")).collect();
    let words = (0..N_ROWS).map(|row| &names[spread(row) as usize % 100]);
    let words: ArrayRef = Arc::new(StringViewArray::from_iter_values(words));
    let micros = DType::Datetime(Unit::Micro, None);
    let (i, f) = (Operand::Column(&ints, &DType::I64), Operand::Column(&floats, &DType::F64));
    let (two, name) = (Scalar::Int(2), Scalar::Str("name 7".into()));
    let two = Operand::Scalar(&two);
    let (t, w) = (Operand::Column(&times, &micros), Operand::Column(&words, &DType::Str));
    let date = Scalar::Str("1985-01-01".into());
    measured("float + float", || binary(Binary::Add, f, f, N_ROWS))?;
    measured("int + float", || binary(Binary::Add, i, f, N_ROWS))?;
    measured("int * 2", || binary(Binary::Mul, i, two, N_ROWS))?;
    measured("int // int", || binary(Binary::FloorDiv, i, i, N_ROWS))?;
    measured("float > 2", || binary(Binary::Gt, f, two, N_ROWS))?;
    measured("int == int", || binary(Binary::Eq, i, i, N_ROWS))?;
    measured("time < '1985-01-01'", || binary(Binary::Lt, t, Operand::Scalar(&date), N_ROWS))?;
    measured("text == 'name 7'", || binary(Binary::Eq, w, Operand::Scalar(&name), N_ROWS))?;
    measured("isna", || unary(Unary::IsNa, &floats, &DType::F64))?;
    measured("sqrt", || unary(Unary::Sqrt, &floats, &DType::F64))?;
    measured("fillna", || fillna(&floats, &DType::F64, two))?;
    measured("dt.hour", || part(Part::Hour, &times, &micros))?;
    measured("dt.year", || part(Part::Year, &times, &micros))?;
    measured("str.upper", || text(&Text::Upper, &words))?;
    let seven = Text::Matches(Pattern::contains("7", true, true));
    measured("str.contains('7')", || text(&seven, &words))?;
    let end = Text::Matches(Pattern::contains("n.*7", true, true));
    measured("str.contains('n.*7')", || text(&end, &words))?;
    measured("cumsum", || {
        cumulative(Cumulative::Sum, &floats, &DType::F64, None).map(|(totals, _)| totals)
    })?;
    let bounds = row_bounds(N_ROWS, 100, false, Closed::Right);
    measured("rolling(100).mean", || roll(Roll::Mean, &floats, &DType::F64, &bounds, 100))?;
    measured("rolling(100).max", || roll(Roll::Max, &floats, &DType::F64, &bounds, 100))?;
    Ok(())
}
