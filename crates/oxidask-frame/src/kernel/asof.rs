//! Joins by nearness: each left row with the right row whose ordered key is the closest before or after its own.

use arrow_array::{Array, ArrayRef, UInt32Array};
use serde::{Deserialize, Serialize};

use super::code::{Class, class, float_of, visit};
use super::column::present;
use super::equal::{NONE, match_rows};
use super::join::positions;
use super::pack::{Purpose, pack};
use super::sort::Collect;
use crate::dtype::Unit;
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// Where to look for the closest row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// The last one that is not after.
    Backward,
    /// The first one that is not before.
    Forward,
    /// The closer of both; the one before if they are as close.
    Nearest,
}

/// How to join by nearness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsOf {
    /// Where to look.
    pub direction: Direction,
    /// How far apart keys may be; any distance if none.
    pub tolerance: Option<Scalar>,
    /// Whether equal keys are close, or only those before or after.
    pub allow_exact_matches: bool,
}

/// One side of such a join.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The ordered key.
    pub on: &'a ArrayRef,
    /// Keys that must be equal; missing ones are equal to one another.
    pub by: &'a [ArrayRef],
}

/// For each left row the position of its right partner, null where there is none.
///
/// # Errors
/// [`FrameError::Value`] if an ordered key isn't in order or lacks values; [`FrameError::Merge`] if they are of different
/// types, or for a tolerance that is negative or not of their kind; [`FrameError::NoKernel`] for keys
/// that can't be compared here.
pub fn merge_asof(left: Side<'_>, right: Side<'_>, how: &AsOf) -> Result<UInt32Array> {
    let (left_type, right_type) = (left.on.data_type(), right.on.data_type());
    if left_type != right_type {
        return Err(FrameError::Merge(format!(
            "the ordered keys are {left_type} on the left and {right_type} on the right; \
             they must be of the same type"
        )));
    }
    let class = class(left_type)?;
    if matches!(class, Class::Text | Class::Category | Class::Bool) {
        return Err(FrameError::Merge(format!(
            "the ordered keys are {left_type}; they must be numbers or times"
        )));
    }
    let tolerance =
        how.tolerance.as_ref().map(|scalar| Tolerance::new(scalar, class)).transpose()?;
    let (left_on, right_on) = (ordered(left.on, "left")?, ordered(right.on, "right")?);
    let (left_ids, right_ids, n_ids) = ids(left.by, right.by)?;
    let search = Search {
        left: Keyed { on: &left_on, ids: left_ids.as_deref() },
        right: Keyed { on: &right_on, ids: right_ids.as_deref() },
        n_ids,
        exact: how.allow_exact_matches,
    };
    let is_near = |row: usize, partner: u32| {
        let Some(on) = right_on.get(partner as usize) else { return false };
        tolerance.as_ref().is_none_or(|tolerance| tolerance.allows(left_on[row], *on))
    };
    let near = |mut partners: Vec<u32>| {
        for (row, partner) in partners.iter_mut().enumerate() {
            if !is_near(row, *partner) {
                *partner = NONE;
            }
        }
        partners
    };
    let partners = match how.direction {
        Direction::Backward => near(search.backward()),
        Direction::Forward => near(search.forward()),
        Direction::Nearest => {
            let both = near(search.backward()).into_iter().zip(near(search.forward()));
            let closer = |(row, (before, after)): (usize, (u32, u32))| {
                if before == NONE || after == NONE {
                    return before.min(after);
                }
                let on = left_on[row];
                let before_on = right_on[before as usize];
                let after_on = right_on[after as usize];
                if distance(class, before_on, on) <= distance(class, on, after_on) {
                    before
                } else {
                    after
                }
            };
            both.enumerate().map(closer).collect()
        }
    };
    Ok(positions(partners, false))
}

/// Codes of a column that must be in order and lack nothing.
fn ordered(on: &ArrayRef, side: &str) -> Result<Vec<u64>> {
    if let Some(present) = present(on) {
        return Err(FrameError::Value(format!(
            "the ordered key on the {side} side lacks {} values; drop these rows",
            present.null_count()
        )));
    }
    let codes = visit(on, Collect)?;
    if !codes.is_sorted() {
        return Err(FrameError::Value(format!("{side} keys must be sorted; use sort_values")));
    }
    Ok(codes)
}

type Ids = Option<Vec<u32>>;

/// Numbers for the keys that must be equal, if there are any, and what none of them reaches.
fn ids(left: &[ArrayRef], right: &[ArrayRef]) -> Result<(Ids, Ids, usize)> {
    if left.is_empty() && right.is_empty() {
        return Ok((None, None, 1));
    }
    let packed = pack(&[left, right], Purpose::Equality)?;
    let n_ids = packed.tables[1].len();
    let (right, left) = match_rows(&packed.tables[1], &packed.tables[0], packed.largest);
    Ok((Some(left), Some(right), n_ids))
}

struct Keyed<'a> {
    on: &'a [u64],
    ids: Option<&'a [u32]>,
}

impl Keyed<'_> {
    fn id(&self, row: usize) -> u32 {
        self.ids.map_or(0, |ids| ids[row])
    }
}

struct Search<'a> {
    left: Keyed<'a>,
    right: Keyed<'a>,
    n_ids: usize,
    exact: bool,
}

impl Search<'_> {
    /// For each left row the last right one with its number that is before it.
    fn backward(&self) -> Vec<u32> {
        let mut latest = vec![NONE; self.n_ids];
        let mut next = 0;
        let partner = |row: usize| {
            let on = self.left.on[row];
            while let Some(&other) = self.right.on.get(next)
                && (other < on || (self.exact && other == on))
            {
                latest[self.right.id(next) as usize] = next as u32;
                next += 1;
            }
            latest.get(self.left.id(row) as usize).copied().unwrap_or(NONE)
        };
        (0..self.left.on.len()).map(partner).collect()
    }

    /// For each left row the first right one with its number that is after it.
    fn forward(&self) -> Vec<u32> {
        let mut earliest = vec![NONE; self.n_ids];
        let mut next = self.right.on.len();
        let mut partners = vec![NONE; self.left.on.len()];
        for (row, partner) in partners.iter_mut().enumerate().rev() {
            let on = self.left.on[row];
            while next > 0 {
                let other = self.right.on[next - 1];
                if !(other > on || (self.exact && other == on)) {
                    break;
                }
                next -= 1;
                earliest[self.right.id(next) as usize] = next as u32;
            }
            *partner = earliest.get(self.left.id(row) as usize).copied().unwrap_or(NONE);
        }
        partners
    }
}

/// How far it is from one code to a larger one; comparable within a class.
fn distance(class: Class, from: u64, to: u64) -> Distance {
    match class {
        Class::Float => Distance::Real(float_of(to) - float_of(from)),
        _ => Distance::Whole(to - from),
    }
}

#[derive(PartialEq, PartialOrd)]
enum Distance {
    Whole(u64),
    Real(f64),
}

struct Tolerance {
    class: Class,
    most: Distance,
}

impl Tolerance {
    fn new(scalar: &Scalar, class: Class) -> Result<Self> {
        let refused = |why: &str| Err(FrameError::Merge(format!("a tolerance of {scalar} {why}")));
        let most = match (class, scalar) {
            (_, Scalar::Int(value) | Scalar::Timedelta(value, _)) if *value < 0 => {
                return refused("is negative");
            }
            (_, Scalar::Float(value)) if *value < 0.0 => return refused("is negative"),
            (Class::Int | Class::UInt, Scalar::Int(value)) => Distance::Whole(*value as u64),
            (Class::Int | Class::UInt, Scalar::UInt(value)) => Distance::Whole(*value),
            (Class::Float, Scalar::Int(value)) => Distance::Real(*value as f64),
            (Class::Float, Scalar::Float(value)) => Distance::Real(*value),
            (Class::Time(unit) | Class::Duration(unit), Scalar::Timedelta(value, of)) => {
                Distance::Whole(in_unit(*value, *of, unit))
            }
            _ => return refused("is not of the kind that keys are"),
        };
        Ok(Self { class, most })
    }

    fn allows(&self, one: u64, other: u64) -> bool {
        distance(self.class, one.min(other), one.max(other)) <= self.most
    }
}

/// A difference of times in another unit, rounded down.
fn in_unit(value: i64, from: Unit, to: Unit) -> u64 {
    let (from, to) = (i128::from(from.per_second()), i128::from(to.per_second()));
    u64::try_from(i128::from(value) * to / from).unwrap_or(u64::MAX)
}
