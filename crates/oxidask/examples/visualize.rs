//! Pictures of task graphs: SVG, PNG and DOT, without any other program.
//!
//! `cargo run --release -p oxidask --example visualize [FOLDER]` writes them into a folder, by
//! default into the system's temporary one.

use std::path::PathBuf;

use oxidask::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let table = Delayed::value(vec![3, 1, 2]);
    let sort = |table: &Vec<i32>| {
        let mut sorted = table.clone();
        sorted.sort_unstable();
        sorted
    };
    let sorted = table.then(sort).named("sort");
    let least = sorted.then(|sorted| sorted[0]).named("least");
    let most = sorted.then(|sorted| sorted[sorted.len() - 1]).named("most");
    let range = join((&least, &most)).then(|(least, most)| most - least).named("range");

    let picture = range.picture()?;
    assert_eq!((picture.nodes().len(), picture.edges().len()), (5, 5));
    for ending in ["svg", "png", "dot"] {
        let path = folder.join(format!("oxidask-range.{ending}"));
        range.visualize(&path)?;
        assert!(std::fs::metadata(&path)?.len() > 100);
    }
    assert_eq!(*range.compute()?, 2);
    Ok(())
}
