//! How processes end, and what is left of them.

use std::time::Duration;

use oxidask::runtime::wire::transport::Security;

use crate::process::{Process, client};

#[test]
fn a_signal_ends_a_process_in_order() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let (pid, file) = (folder.path().join("pid"), folder.path().join("scheduler.json"));
        let (pid_text, file_text) = (pid.to_str().unwrap(), file.to_str().unwrap());
        let mut scheduler = Process::start(&[
            "scheduler",
            "--port",
            "0",
            "--pid-file",
            pid_text,
            "--scheduler-file",
            file_text,
        ]);
        let address = scheduler.address("Scheduler");
        assert!(std::fs::read_to_string(&pid).unwrap().trim().parse::<u32>().is_ok());
        // This one leaves by itself; the other one leaves because the scheduler does.
        let mut leaver = Process::start(&["worker", "--scheduler-file", file_text]);
        let mut worker = Process::start(&["worker", &address]);
        leaver.address("Worker");
        worker.address("Worker");
        leaver.signal(signal);
        let ended = leaver.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.complaints.contains(signal), "{ended:?}");
        client(&address, Security::default()).check("with one worker");
        scheduler.signal(signal);
        let ended = scheduler.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let ended = worker.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.complaints.contains("the scheduler has closed"), "{ended:?}");
        assert!(!pid.exists() && !file.exists());
    }
}

#[test]
fn workers_join_the_scheduler_that_comes_after_one_that_was_killed() {
    let mut scheduler = Process::start(&["scheduler", "--port", "0"]);
    let address = scheduler.address("Scheduler");
    let mut worker = Process::start(&["worker", &address, "--nthreads", "1"]);
    worker.address("Worker");
    client(&address, Security::default()).check("before");
    scheduler.signal("KILL");
    scheduler.end();
    let port = address.rsplit(':').next().unwrap().to_owned();
    let mut scheduler = Process::start(&["scheduler", "--port", &port]);
    assert_eq!(scheduler.address("Scheduler"), address);
    worker.address("Worker");
    client(&address, Security::default()).check("after");
    worker.signal("TERM");
    assert_eq!(worker.end().code, Some(0));
}

#[test]
fn limits_of_time() {
    let mut scheduler = Process::start(&["scheduler", "--port", "0", "--idle-timeout", "1s"]);
    let address = scheduler.address("Scheduler");
    let mut worker = Process::start(&["worker", &address, "--lifetime", "100ms"]);
    worker.address("Worker");
    let ended = worker.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.complaints.contains("lifetime"), "{ended:?}");
    let ended = scheduler.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.complaints.contains("idle for 1s"), "{ended:?}");
    // Nobody is there any more.
    let mut worker = Process::start(&["worker", &address, "--death-timeout", "100ms"]);
    let ended = worker.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.complaints.contains("--death-timeout"), "{ended:?}");
    assert!(ended.complaints.contains(&address), "{ended:?}");
    let missing = ["worker", "--scheduler-file", "/nonexistent/s.json", "--death-timeout", "1ms"];
    let ended = Process::start(&missing).end();
    assert!(ended.complaints.contains("/nonexistent/s.json"), "{ended:?}");
    assert!(Duration::from_secs(1) < crate::process::PATIENCE);
}

#[test]
fn flags_that_make_no_sense_are_errors_that_name_them() {
    for (arguments, code, text) in [
        (&["worker"][..], 2, "SCHEDULER"),
        (&["worker", "http://127.0.0.1:1"], 1, "the scheme is not known"),
        (&["worker", "tcp://127.0.0.1:1", "--nthreads", "0"], 2, "--nthreads"),
        (&["worker", "tcp://127.0.0.1:1", "--memory-limit", "much"], 1, "\"much\""),
        (&["worker", "tcp://127.0.0.1:1", "--resources", "GPU"], 1, "\"GPU\""),
        (&["worker", "tcp://127.0.0.1:1", "--preload", "m"], 1, "python -m oxidask worker"),
        (&["worker", "tcp://127.0.0.1:1", "--nanny"], 1, "python -m oxidask worker"),
        (&["scheduler", "--preload", "m"], 1, "python -m oxidask scheduler"),
        (&["scheduler", "--interface", "no-such-0"], 1, "no-such-0"),
        (&["scheduler", "--protocol", "ucx"], 1, "\"ucx\""),
        (&["scheduler", "--idle-timeout", "soon"], 2, "\"soon\""),
        (&["scheduler", "--port", "0", "--pid-file", "/nonexistent/pid"], 1, "/nonexistent/pid"),
    ] {
        let ended = Process::start(arguments).end();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.complaints.contains(text), "{arguments:?}: {ended:?}");
    }
}
