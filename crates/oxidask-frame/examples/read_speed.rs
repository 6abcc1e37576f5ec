//! How fast files are read and written on one core: `cargo run --release --example read_speed -- FOLDER`.
//!
//! Makes its own files in the folder; pandas and others may be timed on the same ones.

#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringViewArray};
use oxidask_frame::dtype::DType;
use oxidask_frame::error::{FrameError, Result};
use oxidask_frame::io::csv::{CsvOptions, CsvText, infer, read_block, split, write as write_csv};
use oxidask_frame::io::parquet::{Dataset, Grouping, Request, WriteOptions, read, write};
use oxidask_frame::kernel::Frame;
use oxidask_frame::schema::{Field, Schema};

const N_ROWS: usize = 2_000_000;

/// Some columns of numbers, and one of texts.
fn frame(n_texts: usize, n_rows: usize) -> Result<Frame> {
    let mut state = 1_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut fields = Vec::new();
    for at in 0..3 {
        columns.push(Arc::new(Int64Array::from_iter_values(
            (0..n_rows).map(|_| (next() % 1_000_000) as i64),
        )));
        fields.push(Field::new(&*format!("i{at}"), DType::I64));
        let floats = (0..n_rows).map(|_| (next() % 100_000_000) as f64 / 1e6);
        columns.push(Arc::new(Float64Array::from_iter_values(floats)));
        fields.push(Field::new(&*format!("f{at}"), DType::F64));
    }
    for at in 0..n_texts {
        let texts = (0..n_rows).map(|_| format!("id{:03}", next() % 100));
        columns.push(Arc::new(StringViewArray::from_iter_values(texts)));
        fields.push(Field::new(&*format!("s{at}"), DType::Str));
    }
    Frame::with_range(Arc::new(Schema::frame(fields)), columns, n_rows)
}

/// Seconds that this thread has been on a processor, where the system says so: others may be at work beside it.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn timed<T>(what: &str, path: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let (start, before) = (Instant::now(), processor_seconds());
    let made = work()?;
    let wall = start.elapsed().as_secs_f64();
    let seconds = processor_seconds().zip(before).map_or(wall, |(after, before)| after - before);
    let mb = std::fs::metadata(path).map_or(0.0, |metadata| metadata.len() as f64 / 1e6);
    println!(
        "{what:24} {seconds:8.4} s ({wall:.4} wall) {mb:7.1} MB {:8.0} MB/s",
        mb / seconds.max(1e-6)
    );
    Ok(made)
}

/// A thousand small files, opened.
fn many(folder: &str) -> Result<()> {
    let io = |error: std::io::Error| FrameError::Value(error.to_string());
    let folder = format!("{folder}/many.parquet");
    std::fs::create_dir_all(&folder).map_err(io)?;
    let first = format!("{folder}/part.0.parquet");
    write(&frame(3, 100)?, &first, &WriteOptions::default())?;
    for at in 1..1000 {
        std::fs::copy(&first, format!("{folder}/part.{at}.parquet")).map_err(io)?;
    }
    timed("open 1000 files", &folder, || Dataset::open(std::slice::from_ref(&folder), None))?;
    Ok(())
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| {
        FrameError::Value("name a folder for the files that are timed".to_owned())
    })?;
    for (name, n_texts) in [("numbers", 0), ("mixed", 3)] {
        let frame = frame(n_texts, N_ROWS)?;
        let path = format!("{folder}/{name}.parquet");
        timed(&format!("write {name}.parquet"), &path, || {
            write(&frame, &path, &WriteOptions::default())
        })?;
        let dataset = timed("open it", &path, || Dataset::open(std::slice::from_ref(&path), None))?;
        let part = &dataset.parts(Grouping::Files, None)[0];
        let layout = &dataset.layout;
        timed("read it", &path, || {
            read(&Request { layout, part, columns: None, with_index: true, filter: None })
        })?;
        let path = format!("{folder}/{name}.csv");
        let options = CsvText { index: false, ..CsvText::default() };
        timed(&format!("write {name}.csv"), &path, || write_csv(&frame, &path, &options, false))?;
        let plan = infer(&path, &CsvOptions::default(), 1 << 18)?;
        let blocks = timed("split it", &path, || split(&path, &plan, Some(16 << 20)))?;
        timed("read its blocks", &path, || {
            blocks.iter().try_for_each(|block| read_block(&plan, block, None).map(drop))
        })?;
    }
    many(&folder)
}
