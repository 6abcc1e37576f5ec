//! What will be done, as text: each table with its partitions and, of sources, what is read of them.

use std::fmt::Write;

use rustc_hash::FxHashSet;

use super::lower::walk;
use super::needs::{self, Needed};
use super::table::{Build, Table};
use crate::ops::{AnyKernel, Kernel};

/// The steps of a table: each with its inputs below it, further in. What is computed once and used again is named where it
/// comes again.
#[must_use]
pub fn explain(table: &Table) -> String {
    let walked = walk(std::slice::from_ref(table));
    let needs = needs::needs(&walked, std::slice::from_ref(table));
    let mut text = String::new();
    let mut seen = FxHashSet::default();
    let mut stack = vec![(table.clone(), 0)];
    while let Some((table, depth)) = stack.pop() {
        let is_new = seen.insert(table.name().clone());
        let line = said(&table, needs.get(table.name()).unwrap_or(&None));
        let again = if is_new || table.inputs().is_empty() { "" } else { ", as above" };
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "{:indent$}{line}{again}", "", indent = 2 * depth);
        if is_new {
            stack.extend(table.inputs().iter().rev().map(|input| (input.clone(), depth + 1)));
        }
    }
    text
}

fn said(table: &Table, needed: &Needed) -> String {
    let n = table.n_partitions();
    let partitions = if n == 1 { "1 partition".to_owned() } else { format!("{n} partitions") };
    let name = match &table.node().build {
        Build::Source(kernel) | Build::Partwise { kernel, .. } => kernel.name().into_owned(),
        Build::Layers(_) | Build::Graph { .. } => {
            let name = table.name().as_str();
            name.rsplit_once('-').map_or(name, |(prefix, _)| prefix).to_owned()
        }
    };
    let mut line = format!("{name}: {partitions}");
    if let (Build::Source(kernel), Some(schema)) = (&table.node().build, table.schema()) {
        let n_columns = schema.columns.len();
        let read = needed.as_ref().map_or(n_columns, |needed| {
            schema.columns.iter().filter(|field| needed.contains(&field.label)).count()
        });
        let _ = write!(line, ", {read} of {n_columns} columns");
        if let Some((n_rows, n_bytes)) = size(kernel) {
            let _ = write!(line, ", {n_rows} rows, {:.1} MB", n_bytes as f64 / 1e6);
        }
    }
    line
}

/// Rows and bytes of all columns of a source, where they are known without reading it.
fn size(kernel: &AnyKernel) -> Option<(u64, u64)> {
    match kernel {
        AnyKernel::FromFrame(source) => {
            let frame = source.frame();
            Some((frame.n_rows() as u64, crate::ops::nbytes(frame)))
        }
        #[cfg(feature = "parquet")]
        AnyKernel::ReadParquet(read) => {
            let n_rows = read.parts.iter().map(|part| part.n_rows).sum();
            let n_bytes = read.parts.iter().map(|part| part.n_bytes).sum();
            Some((n_rows, n_bytes))
        }
        _ => None,
    }
}
