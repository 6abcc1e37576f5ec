//! A graph written down key by key, in any order, and what its mistakes look like.
//!
//! `cargo run --release -p oxidask --example graph_builder`

use oxidask::{Error, GraphBuilder, compute};

fn main() -> Result<(), Error> {
    let mut graph = GraphBuilder::new();
    graph.task("report", ["words", "longest"], |words: &usize, longest: &String| {
        format!("{words} words, the longest is {longest:?}")
    });
    graph.task("words", ["text"], |text: &String| text.split(' ').count());
    graph.task("longest", ["text"], |text: &String| {
        text.split(' ').max_by_key(|word| word.len()).unwrap_or_default().to_owned()
    });
    graph.value("text", "graphs are written down key by key".to_owned());
    let graph = graph.build()?;
    let (report, words) = (graph.get::<String>("report")?, graph.get::<usize>("words")?);
    let (report, words) = compute((&report, &words))?;
    assert_eq!(*report, "7 words, the longest is \"written\"");
    assert_eq!(*words, 7);

    // Keys that are not there, cycles and types that don't fit are found before anything runs.
    let mut graph = GraphBuilder::new();
    graph.task("a", ["b"], |b: &i32| b + 1);
    graph.task("b", ["a"], |a: &i32| a + 1);
    let cycle = graph.build().map(drop).map_err(|error| error.to_string());
    assert_eq!(cycle, Err("Cycle detected in the task graph: a -> b -> a".to_owned()));

    let mut graph = GraphBuilder::new();
    graph.task("a", ["bee"], |b: &i32| b + 1);
    let missing = graph.build().map(drop).map_err(|error| error.to_string());
    assert_eq!(missing, Err("a reads bee, which is not in the graph".to_owned()));
    Ok(())
}
