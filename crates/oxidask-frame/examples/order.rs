//! How long sorts, joins, partitions and duplicates take on a core:
//! `cargo run --release -p oxidask-frame --example order [rows [words of names]]`.

use std::hint::black_box;
use std::io::Write;
use std::slice::from_ref;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::kernel::distinct::{Keep, duplicated};
use oxidask_frame::kernel::join::{How, join};
use oxidask_frame::kernel::partition::{hash_partition, quantile_splits, range_partition};
use oxidask_frame::kernel::sort::{SortKey, argsort};

fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn integers(n_rows: usize, below: u64, seed: u64) -> ArrayRef {
    let mut next = random(seed);
    Arc::new(Int64Array::from_iter_values((0..n_rows).map(|_| (next() % below) as i64)))
}

fn names(n_rows: usize, below: u64, seed: u64) -> ArrayRef {
    let mut next = random(seed);
    let name = |_| format!("id{:010}", next() % below);
    Arc::new(StringViewArray::from_iter_values((0..n_rows).map(name)))
}

fn floats(n_rows: usize, seed: u64) -> ArrayRef {
    let mut next = random(seed);
    let unit = |_| (next() >> 11) as f64 / (1_u64 << 53) as f64;
    Arc::new(Float64Array::from_iter_values((0..n_rows).map(unit)))
}

fn timed<T>(what: &str, mut run: impl FnMut() -> T) {
    let wanted = std::env::args().nth(2).unwrap_or_default();
    if !what.contains(&wanted) {
        return;
    }
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let _closed = writeln!(std::io::stdout(), "{what:<52} {best:8.3} s");
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let sort = |what: &str, columns: &[&ArrayRef]| {
        let keys: Vec<_> = columns.iter().map(|&c| SortKey::ascending(c.clone())).collect();
        timed(what, || argsort(&keys));
    };
    let wide = integers(n, u64::MAX, 1);
    let narrow = integers(n, 1_000_000, 2);
    let few = integers(n, 100, 3);
    let few_names = names(n, 100, 4);
    let many_names = names(n, n as u64 / 10, 5);
    let unit = floats(n, 6);
    sort("argsort: integers of 64 bits", &[&wide]);
    sort("argsort: integers below 1e6", &[&narrow]);
    sort("argsort: floats", &[&unit]);
    sort("argsort: 100 names", &[&few_names]);
    sort("argsort: names, n / 10 of them", &[&many_names]);
    sort("argsort: 100 integers, floats", &[&few, &unit]);
    sort("argsort: 100 names, names, integers", &[&few_names, &many_names, &wide]);

    let dimension: ArrayRef =
        Arc::new(Int64Array::from_iter_values((0..100_000).map(|key| (key * 7919) % 100_003)));
    let scattered = |column: &ArrayRef, factor: i64| -> ArrayRef {
        let values = column.as_any().downcast_ref::<Int64Array>().map(Int64Array::values);
        let values = values.into_iter().flat_map(|values| values.iter());
        Arc::new(Int64Array::from_iter_values(values.map(|value| value.wrapping_mul(factor))))
    };
    let keys = integers(n, 100_003, 7);
    let pairs = |what: &str, left: &ArrayRef, right: &ArrayRef, how: How| {
        timed(what, || join(from_ref(left), from_ref(right), how, false));
    };
    pairs("join: inner to 1e5 integers", &keys, &dimension, How::Inner);
    pairs("join: left to 1e5 integers", &keys, &dimension, How::Left);
    let (far_keys, far_dimension) =
        (scattered(&keys, 1_000_000_007), scattered(&dimension, 1_000_000_007));
    pairs("join: inner to 1e5 integers far apart", &far_keys, &far_dimension, How::Inner);
    let everyone: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n as i64));
    let large_keys = integers(n, n as u64, 8);
    pairs("join: inner to n integers", &large_keys, &everyone, How::Inner);
    let (far_keys, far_everyone) =
        (scattered(&large_keys, 1_000_000_007), scattered(&everyone, 1_000_000_007));
    pairs("join: inner to n integers far apart", &far_keys, &far_everyone, How::Inner);
    pairs("join: outer to n integers", &large_keys, &everyone, How::Outer);
    let some_names = names(100_000, 100_000, 9);
    let name_keys = names(n, 100_000, 10);
    pairs("join: inner to 1e5 names", &name_keys, &some_names, How::Inner);
    timed("join: inner to 1e5 integers and names", || {
        let left = [keys.clone(), name_keys.clone()];
        join(&left, &[dimension.clone(), some_names.clone()], How::Inner, false)
    });

    timed("hash_partition: integers, 16 parts", || hash_partition(from_ref(&wide), 16));
    timed("hash_partition: integers, 256 parts", || hash_partition(from_ref(&wide), 256));
    timed("hash_partition: names, 16 parts", || hash_partition(from_ref(&many_names), 16));
    let ranged = [SortKey::ascending(unit.clone())];
    let sample = [SortKey::ascending(unit.slice(0, 10_000.min(n)))];
    if let Ok(splits) = quantile_splits(&sample, 16) {
        timed("range_partition: floats, 16 parts", || range_partition(&ranged, &splits));
    }
    let ranged = [SortKey::ascending(many_names.clone())];
    let sample = [SortKey::ascending(many_names.slice(0, 10_000.min(n)))];
    if let Ok(splits) = quantile_splits(&sample, 16) {
        timed("range_partition: names, 16 parts", || range_partition(&ranged, &splits));
    }
    let first = Keep::First;
    timed("duplicated: integers below 1e6", || duplicated(from_ref(&narrow), first));
    timed("duplicated: integers of 64 bits", || duplicated(from_ref(&wide), first));
    timed("duplicated: names, n / 10 of them", || duplicated(from_ref(&many_names), first));
    timed("duplicated: 100 names, integers", || {
        duplicated(&[few_names.clone(), narrow.clone()], first)
    });
}
