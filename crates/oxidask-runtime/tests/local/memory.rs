//! Values that do not fit in memory.

#[test]
fn values_that_sum_to_four_budgets_are_spilled_and_come_back_right() {
    let directory = tempfile::tempdir().unwrap();
    let mib = 1usize << 20;
    let mut graph = Builder::default();
    let chunks: Vec<_> = (0..128u64)
        .map(|i| {
            let fill = op("fill", move |_, _| Ok(Value::new(Bytes(vec![i as u8; 2 * mib].into()))));
            graph.task(&format!("fill-{i}"), fill, &[])
        })
        .collect();
    // Every chunk is read twice, by tasks that lie far apart in the order.
    let sum_of = move |values: &mut [Value]| {
        values.iter().map(|v| u64::from(v.downcast_ref::<Bytes>().unwrap().0[mib])).sum::<u64>()
    };
    let all = graph.task("all", op("barrier", |_, _| Ok(Value::new(Native(0u64)))), &chunks[..1]);
    let mut sums = Vec::new();
    for pair in chunks.chunks(2).chain(chunks[1..127].chunks(2)) {
        let sum = op("sum", move |inputs, _| {
            let (head, tail) = inputs.split_at_mut(1);
            assert_eq!(number(&head[0]), 0);
            Ok(Value::new(Native(sum_of(tail))))
        });
        sums.push(graph.task("sum", sum, &[&[all], pair].concat()));
    }
    let total = graph.task(
        "total",
        op("total", |inputs, _| Ok(Value::new(Native(inputs.iter().map(number).sum::<u64>())))),
        &sums,
    );
    let budget = Budget { memory_bytes: 64 << 20, spill_directory: directory.path().into() };
    let options = RunOptions { n_workers: 2, budget, slice: Duration::from_millis(1) };
    let run = Arc::new(Run::new(graph.expand(&[total]), Vec::new(), None, options).unwrap());
    run::compute(&run, &Pool::default(), &mut || true).unwrap();
    let want: u64 = (0..128).sum::<u64>() + (1..127).sum::<u64>();
    assert_eq!(number(&run.values().unwrap()[0]), want);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

