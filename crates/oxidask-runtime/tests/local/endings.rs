//! How computations end that do not end well.

#[test]
fn a_failure_names_the_task_and_stops_the_rest() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut graph = Builder::default();
    let bad = graph.task("bad", op("bad", |_, _| Err(TaskError::raised(std::fmt::Error))), &[]);
    let count = Arc::clone(&ran);
    let after = op("after", move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Value::new(Native(0u64)))
    });
    let after = graph.task("after", after, &[bad]);
    match compute(graph.expand(&[after]), options(2)) {
        Err(Failure::Task { key, error: TaskError::Raised(_) }) => {
            assert_eq!(key.to_string(), "bad")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[test]
fn a_panic_is_a_failure_and_the_pool_lives_on() {
    let pool = Pool::default();
    for message in ["one", "two"] {
        let mut graph = Builder::default();
        let bad = graph.task("bad", op("bad", move |_, _| panic!("{message}")), &[]);
        let run = Run::new(graph.expand(&[bad]), Vec::new(), None, options(2)).unwrap();
        match run::compute(&Arc::new(run), &pool, &mut || true) {
            Err(Failure::Task { error: TaskError::Panicked(text), .. }) => {
                assert_eq!(text, message)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn giving_up_ends_the_wait_while_a_task_still_runs() {
    let mut graph = Builder::default();
    let long = op("long", |_, ctx| {
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Err(TaskError::Cancelled)
    });
    let long = graph.task("long", long, &[]);
    let run = Arc::new(Run::new(graph.expand(&[long]), Vec::new(), None, options(1)).unwrap());
    let outcome = run::compute(&run, &Pool::default(), &mut || false);
    assert!(matches!(outcome, Err(Failure::Cancelled)), "{outcome:?}");
}

