//! Rolling windows: from where to where each reaches, and what is computed over it.
//!
//! Sums run along with Neumaier's compensation and moments by Welford's updates, a row added and a row taken away
//! at a time; windows of one repeated value are answered from that value, as pandas does, so that no rounding
//! is left behind. Infinite values count as missing.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};
use serde::{Deserialize, Serialize};

use super::super::elementwise::Operand;
use crate::dtype::DType;
use crate::error::{FrameError, Result};

/// Which of its two ends belong to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Closed {
    Right,
    Left,
    Both,
    Neither,
}

/// What is computed over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Roll {
    /// The total.
    Sum,
    /// The mean.
    Mean,
    /// The variance, with so many degrees of freedom less.
    Var(u32),
    /// Its root.
    Std(u32),
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// How many values there are.
    Count,
    /// The middle one.
    Median,
}

/// The rows of each window: from `start[i]` up to, and without, `end[i]`. Neither ever goes back.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The first row of each.
    pub start: Vec<usize>,
    /// The row after the last of each.
    pub end: Vec<usize>,
}

/// Windows of `window` rows that end at each row, or have it in the middle.
#[must_use]
pub fn row_bounds(n_rows: usize, window: usize, center: bool, closed: Closed) -> Bounds {
    let offset = if center { window.saturating_sub(1) / 2 } else { 0 } as i64;
    let (window, n) = (window as i64, n_rows as i64);
    let at = |row: i64| row.clamp(0, n) as usize;
    let early = i64::from(matches!(closed, Closed::Left | Closed::Both));
    let late = i64::from(matches!(closed, Closed::Right | Closed::Both));
    Bounds {
        start: (0..n).map(|row| at(row + offset + 1 - window - early)).collect(),
        end: (0..n).map(|row| at(row + offset + late)).collect(),
    }
}

/// Windows that reach back by `width` from each of these times, which don't fall.
#[must_use]
pub fn time_bounds(ticks: &[i64], width: i64, closed: Closed) -> Bounds {
    let mut bounds = Bounds { start: Vec::new(), end: Vec::new() };
    let (mut start, mut end) = (0, 0);
    for (row, tick) in ticks.iter().enumerate() {
        let from = tick.saturating_sub(width);
        let is_out = |other: i64| match closed {
            Closed::Left | Closed::Both => other < from,
            _ => other <= from,
        };
        while start < row && is_out(ticks[start]) {
            start += 1;
        }
        match closed {
            Closed::Right | Closed::Both => end = row + 1,
            _ => {
                while end < row && ticks[end] < *tick {
                    end += 1;
                }
            }
        }
        if closed == Closed::Neither {
            end = end.max(start);
        }
        bounds.start.push(start.min(end));
        bounds.end.push(end);
    }
    bounds
}

/// The value over each window, as `float64`; missing where fewer than `min_periods` values are.
///
/// # Errors
/// [`FrameError::NoKernel`] for columns that are no numbers.
pub fn roll(
    op: Roll,
    array: &ArrayRef,
    dtype: &DType,
    bounds: &Bounds,
    min_periods: usize,
) -> Result<ArrayRef> {
    if dtype.number().is_none() && *dtype != DType::Bool {
        return Err(FrameError::no_kernel("rolling windows", dtype));
    }
    let n_rows = bounds.start.len();
    let column = Operand::Column(array, dtype);
    let known = column.present(array.len());
    let values = column.numbers::<f64>();
    let values: Vec<f64> = (0..array.len())
        .map(|row| {
            let value = values.at(row);
            let is_known = known.as_ref().is_none_or(|known| known.is_valid(row));
            if is_known && value.is_finite() { value } else { f64::NAN }
        })
        .collect();
    let mut window: Box<dyn Window> = match op {
        Roll::Sum | Roll::Mean | Roll::Count => Box::new(Total { op, ..Total::default() }),
        Roll::Var(_) | Roll::Std(_) => Box::new(Moments { op: Some(op), ..Moments::default() }),
        Roll::Min | Roll::Max => {
            Box::new(Extremes { largest: op == Roll::Max, rows: VecDeque::new(), n: 0 })
        }
        Roll::Median => Box::new(Sorted::default()),
    };
    let (mut from, mut to) = (0, 0);
    let mut answers = Vec::with_capacity(n_rows);
    for (start, end) in bounds.start.iter().zip(&bounds.end) {
        let start = (*start).min(*end);
        while from < start && from < to {
            window.remove(from, values[from]);
            from += 1;
        }
        from = start;
        to = to.max(start);
        while to < *end {
            window.add(to, values[to]);
            to += 1;
        }
        let enough = window.n() >= min_periods && (window.n() > 0 || empty_is_known(op));
        answers.push(if enough { window.value() } else { f64::NAN });
    }
    Ok(Arc::new(Float64Array::from(answers)))
}

/// Whether a window without values has an answer, if none is asked for.
fn empty_is_known(op: Roll) -> bool {
    matches!(op, Roll::Sum | Roll::Count)
}

trait Window {
    fn add(&mut self, row: usize, value: f64);
    fn remove(&mut self, row: usize, value: f64);
    /// How many values are in it.
    fn n(&self) -> usize;
    fn value(&self) -> f64;
}

/// How many times the newest value came in a row.
#[derive(Default)]
struct Repeated {
    value: f64,
    n: usize,
}

impl Repeated {
    fn add(&mut self, value: f64) {
        if self.n > 0 && self.value == value {
            self.n += 1;
        } else {
            *self = Self { value, n: 1 };
        }
    }
}

struct Total {
    op: Roll,
    n: usize,
    sum: f64,
    rest: f64,
    n_negative: usize,
    repeated: Repeated,
}

impl Default for Total {
    fn default() -> Self {
        let repeated = Repeated::default();
        Self { op: Roll::Sum, n: 0, sum: 0.0, rest: 0.0, n_negative: 0, repeated }
    }
}

impl Total {
    fn put(&mut self, value: f64) {
        let sum = self.sum + value;
        let larger = self.sum.abs() >= value.abs();
        self.rest += if larger { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }
}

impl Window for Total {
    fn add(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.n += 1;
            self.n_negative += usize::from(value < 0.0);
            self.put(value);
            self.repeated.add(value);
        }
    }

    fn remove(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.n -= 1;
            self.n_negative -= usize::from(value < 0.0);
            self.put(-value);
            if self.n == 0 {
                (self.sum, self.rest) = (0.0, 0.0);
            }
        }
    }

    fn n(&self) -> usize {
        self.n
    }

    fn value(&self) -> f64 {
        let n = self.n as f64;
        let same = self.n > 0 && self.repeated.n >= self.n;
        match self.op {
            Roll::Count => n,
            Roll::Mean if same => self.repeated.value,
            Roll::Mean => {
                let mean = (self.sum + self.rest) / n;
                // Values of one sign have a mean of that sign.
                if self.n_negative == 0 && mean < 0.0 { 0.0 } else { mean }
            }
            _ if same => self.repeated.value * n,
            _ => self.sum + self.rest,
        }
    }
}

#[derive(Default)]
struct Moments {
    op: Option<Roll>,
    n: usize,
    mean: f64,
    squares: f64,
    repeated: Repeated,
}

impl Window for Moments {
    fn add(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.n += 1;
            let delta = value - self.mean;
            self.mean += delta / self.n as f64;
            self.squares += delta * (value - self.mean);
            self.repeated.add(value);
        }
    }

    fn remove(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.n -= 1;
            if self.n == 0 {
                (self.mean, self.squares) = (0.0, 0.0);
                return;
            }
            let delta = value - self.mean;
            self.mean -= delta / self.n as f64;
            self.squares -= delta * (value - self.mean);
        }
    }

    fn n(&self) -> usize {
        self.n
    }

    fn value(&self) -> f64 {
        let (ddof, root) = match self.op {
            Some(Roll::Std(ddof)) => (ddof, true),
            Some(Roll::Var(ddof)) => (ddof, false),
            _ => return f64::NAN,
        };
        if self.n <= ddof as usize {
            return f64::NAN;
        }
        let same = self.n == 1 || self.repeated.n >= self.n;
        let variance =
            if same { 0.0 } else { (self.squares / (self.n - ddof as usize) as f64).max(0.0) };
        if root { variance.sqrt() } else { variance }
    }
}

/// Rows that may yet be the extreme one, the present one first.
struct Extremes {
    largest: bool,
    rows: VecDeque<(usize, f64)>,
    n: usize,
}

impl Window for Extremes {
    fn add(&mut self, row: usize, value: f64) {
        if value.is_nan() {
            return;
        }
        self.n += 1;
        let beaten = |other: f64| if self.largest { other <= value } else { other >= value };
        while self.rows.back().is_some_and(|(_, other)| beaten(*other)) {
            self.rows.pop_back();
        }
        self.rows.push_back((row, value));
    }

    fn remove(&mut self, row: usize, value: f64) {
        self.n -= usize::from(!value.is_nan());
        while self.rows.front().is_some_and(|(other, _)| *other <= row) {
            self.rows.pop_front();
        }
    }

    fn n(&self) -> usize {
        self.n
    }

    fn value(&self) -> f64 {
        self.rows.front().map_or(f64::NAN, |(_, value)| *value)
    }
}

/// The values in order: good for windows of up to some thousand rows.
#[derive(Default)]
struct Sorted {
    values: Vec<f64>,
}

impl Sorted {
    fn position(&self, value: f64) -> usize {
        self.values.partition_point(|other| *other < value)
    }
}

impl Window for Sorted {
    fn add(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.values.insert(self.position(value), value);
        }
    }

    fn remove(&mut self, _: usize, value: f64) {
        if !value.is_nan() {
            self.values.remove(self.position(value));
        }
    }

    fn n(&self) -> usize {
        self.values.len()
    }

    fn value(&self) -> f64 {
        let middle = self.values.len() / 2;
        match self.values.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => self.values[middle],
            _ => f64::midpoint(self.values[middle - 1], self.values[middle]),
        }
    }
}
