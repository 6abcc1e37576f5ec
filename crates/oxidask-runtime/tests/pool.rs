//! The pool under stress: no job is lost, none is done twice, and no thread stays for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oxidask_runtime::local::Pool;
use oxidask_runtime::local::pool::Job;

/// A pool whose threads are counted and, one time in `refuses_every`, not given.
fn counted_pool(refuses_every: usize, idle_limit: Duration) -> (Pool, Arc<AtomicUsize>) {
    let n_alive = Arc::new(AtomicUsize::new(0));
    let (counter, n_asked) = (Arc::clone(&n_alive), AtomicUsize::new(0));
    let spawn = Box::new(move |body: Job| {
        if n_asked.fetch_add(1, Ordering::Relaxed) % refuses_every == refuses_every - 1 {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        let counter = Arc::clone(&counter);
        counter.fetch_add(1, Ordering::Relaxed);
        std::thread::Builder::new().spawn(move || {
            body();
            counter.fetch_sub(1, Ordering::Relaxed);
        })?;
        Ok(())
    });
    (Pool::new(spawn, idle_limit), n_alive)
}

#[test]
fn every_job_that_is_accepted_is_done_once() {
    for idle_limit in [Duration::ZERO, Duration::from_micros(50)] {
        let (pool, n_alive) = counted_pool(7, idle_limit);
        let n_done = Arc::new(AtomicUsize::new(0));
        let n_accepted: usize = std::thread::scope(|scope| {
            let servers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let serve = |_: &i32| {
                            let n_done = Arc::clone(&n_done);
                            pool.serve(Box::new(move || {
                                n_done.fetch_add(1, Ordering::Relaxed);
                            }))
                            .is_ok()
                        };
                        (0..2000).filter(serve).count()
                    })
                })
                .collect();
            servers.into_iter().map(|server| server.join().expect("no panic")).sum()
        });
        while n_alive.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(n_done.load(Ordering::Relaxed), n_accepted);
        assert_eq!(pool.n_idle(), 0);
    }
}
