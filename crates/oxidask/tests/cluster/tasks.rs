//! What workers without Python run.

use oxidask::runtime::cluster::ClusterError;
use oxidask::runtime::wire::transport::Security;
use oxidask_sched::message::Cause;

use crate::process::{Process, blob, bytes, client, task};

#[test]
fn tasks_run_on_several_workers_and_read_each_other() {
    let mut scheduler = Process::start(&["scheduler", "--port", "0", "--no-dashboard"]);
    let address = scheduler.address("Scheduler");
    let mut one = Process::start(&["worker", &address, "--nthreads", "1", "--name", "one"]);
    let mut two = Process::start(&["worker", &address, "--nworkers", "2", "--nthreads", "1"]);
    let places = [one.address("Worker"), two.address("Worker"), two.address("Worker")];
    assert!(places.iter().all(|place| place.starts_with("tcp://127.0.0.1:")), "{places:?}");
    let client = client(&address, Security::default());
    let mut tasks: Vec<_> =
        (0..100).map(|i| task(&format!("part-{i}"), 0, &[i as u8; 100], &[])).collect();
    let all: Vec<u32> = (0..100).collect();
    tasks.push(task("all", 1, b"end", &all));
    tasks.push(task("length", 2, b"", &[100, 0]));
    let blobs = [&b"constant"[..], b"concatenate", b"length"].map(|name| blob("bytes", name));
    client.submit(blobs.into(), tasks);
    let expected: Vec<u8> = (0..100u8).flat_map(|i| [i; 100]).chain(*b"end").collect();
    assert_eq!(&*bytes(&client.gather("all").expect("a value")), expected);
    assert_eq!(&*bytes(&client.gather("length").expect("a value")), 10_103u64.to_le_bytes());
}

#[test]
fn tasks_of_python_fail_and_say_where_they_would_run() {
    let mut scheduler = Process::start(&["scheduler", "--port", "0"]);
    let address = scheduler.address("Scheduler");
    let mut worker = Process::start(&["worker", &address, "--nthreads", "1"]);
    worker.address("Worker");
    let client = client(&address, Security::default());
    let failure = |key: &str, family: &str, name: &[u8]| {
        client.submit(vec![blob(family, name)], vec![task(key, 0, b"", &[])]);
        match client.gather(key) {
            Err(ClusterError::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    };
    let failed = failure("a", "python", b"\x80\x05N.");
    assert_eq!(failed.cause, Cause::Codec);
    assert!(failed.text.contains("python -m oxidask worker"), "{}", failed.text);
    assert!(failure("b", "bytes", b"reverse").text.contains("concatenate"));
    assert!(failure("c", "array", b"nonsense").text.contains("no kernel"));
    client.check("still here");
}

#[test]
fn a_client_that_has_only_the_document_runs_tasks() {
    let mut scheduler = Process::start_with(
        &["scheduler", "--host", "0.0.0.0", "--port", "0"],
        &[("OXIDASK_TOKEN", "s3cret")],
    );
    let port = scheduler.address("Scheduler").rsplit(':').next().map(str::to_owned);
    let address = format!("tcp://127.0.0.1:{}", port.expect("a port"));
    let mut worker = Process::start_with(&["worker", &address], &[("OXIDASK_TOKEN", "s3cret")]);
    worker.address("Worker");
    let run = |n: usize, token: &str| {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs tests");
        let script = format!("{folder}/../../examples/plain_python_client.py");
        let mut command = std::process::Command::new("python3");
        command.args([&*script, &address, "bytes", &n.to_string()]).env("OXIDASK_TOKEN", token);
        command.output().expect("python3 is there")
    };
    // The large one does not come with the news, but is fetched from the worker.
    for n in [1, 100_000] {
        let output = run(n, "s3cret");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text, format!("{}sent back\n", "what is ".repeat(n)), "{output:?}");
    }
    for token in ["", "another"] {
        let output = run(1, token);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && complaint.contains("token"), "{complaint}");
    }
}
