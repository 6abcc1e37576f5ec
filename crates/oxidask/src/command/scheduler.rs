//! `oxidask scheduler`.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use oxidask::core::config::{Config, Value};
use oxidask::runtime::cluster::remote::serve;
use oxidask::runtime::cluster::scheduler::SchedulerNode;
use oxidask::runtime::wire::transport::{IoThread, Listener, Options};
use oxidask::runtime::{network, system};
use oxidask_sched::scheduler::Config as SchedulerConfig;

use super::files::{pid_file, scheduler_file};
use super::place::PlaceArguments;
use super::secrets::SecretArguments;
use super::stop::{Ending, endings};
use super::{complain, needs_python, quantity};

/// Where schedulers listen unless they are told otherwise.
pub(super) const PORT: u16 = 8786;

/// Flags of the scheduler, named as Dask names them.
#[derive(clap::Args, Debug)]
pub(crate) struct SchedulerArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    #[command(flatten)]
    secrets: SecretArguments,
    /// A file to write the address to (JSON), for workers and clients that can read it.
    #[arg(long, value_name = "FILE")]
    scheduler_file: Option<PathBuf>,
    /// A file to write this process's number to.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// End after so long without a task: 90, 1.5 hours, 5m.
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    idle_timeout: Option<Duration>,
    /// Show the dashboard (not in this version).
    #[arg(long)]
    dashboard: bool,
    /// Don't show the dashboard.
    #[arg(long, conflicts_with = "dashboard")]
    no_dashboard: bool,
    /// Where the dashboard listens (not in this version).
    #[arg(long, value_name = "ADDRESS")]
    dashboard_address: Option<String>,
    /// What the dashboard's paths begin with (not in this version).
    #[arg(long, value_name = "PREFIX")]
    dashboard_prefix: Option<String>,
    /// As --dashboard.
    #[arg(long, hide = true)]
    show: bool,
    /// As --no-dashboard.
    #[arg(long, hide = true)]
    no_show: bool,
    /// For dashboards behind proxies (not in this version).
    #[arg(long, hide = true)]
    use_xheaders: bool,
    /// A module that is loaded first (needs Python).
    #[arg(long, value_name = "MODULE")]
    preload: Vec<String>,
    /// A Jupyter server beside the scheduler (needs Python).
    #[arg(long, hide = true)]
    jupyter: bool,
    /// No Jupyter server.
    #[arg(long, hide = true, conflicts_with = "jupyter")]
    no_jupyter: bool,
}

/// Runs a scheduler until it is told to stop.
pub(crate) fn schedule(arguments: &SchedulerArguments, config: &Config) -> Result<ExitCode> {
    needs_python(!arguments.preload.is_empty(), "--preload", "scheduler")?;
    needs_python(arguments.jupyter, "--jupyter", "scheduler")?;
    if arguments.dashboard || arguments.dashboard_address.is_some() {
        complain("note: the dashboard comes in a later version");
    }
    // Before the first thread.
    let (_endings, ended) = endings()?;
    system::raise_open_files();
    let security = arguments.secrets.security(config, "scheduler")?;
    let has_tls = security.tls.is_some();
    let here = Ipv4Addr::LOCALHOST.into();
    let address = arguments.place.address(arguments.port, has_tls, config, here)?;
    let io = IoThread::start("oxidask-io").context("can't start a thread")?;
    let bind = Listener::bind(&address, Options::default(), security);
    let listener = io.handle().block_on(bind)?;
    let address = network::contact(listener.address()).to_string();
    let node = SchedulerNode::new(settings(config));
    let timer = node.start_timer().context("can't start a thread")?;
    io.handle().spawn(serve(node.clone(), listener, epoch()));

    let pid = arguments.pid_file.as_deref().map(pid_file).transpose()?;
    crate::print(&format!("Scheduler at: {address}"))?;
    let file = arguments.scheduler_file.as_deref();
    let file = file.map(|path| scheduler_file(path, &address)).transpose()?;
    let idle = arguments.idle_timeout.or_else(|| {
        let set = config.get("distributed.scheduler.idle-timeout").and_then(Value::as_str)?;
        quantity::duration(set).ok()
    });
    let code = match wait(&node, &ended, idle) {
        Ending::Signal(name) => {
            complain(&format!("the scheduler at {address} ends: {name}"));
            ExitCode::SUCCESS
        }
        Ending::Done(why) => {
            complain(&format!("the scheduler at {address} ends: {why}"));
            ExitCode::SUCCESS
        }
        Ending::Failed(error) => return Err(error),
    };
    drop((file, pid));
    node.close();
    // A panic there was shown already.
    drop(timer.join());
    drop(io);
    Ok(code)
}

fn settings(config: &Config) -> SchedulerConfig {
    let mut settings = SchedulerConfig::default();
    if let Some(Value::Int(n)) = config.get("distributed.scheduler.allowed-failures") {
        settings.allowed_failures = u8::try_from(*n).unwrap_or(u8::MAX);
    }
    settings
}

/// Another one for each start, so that those who knew an earlier scheduler at this address see that it is gone.
fn epoch() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}

/// Waits for an end, or for so long without any task.
fn wait(node: &Arc<SchedulerNode>, ended: &Receiver<Ending>, idle: Option<Duration>) -> Ending {
    let closed = || Ending::Done("nobody can end it".into());
    let Some(idle) = idle else { return ended.recv().unwrap_or_else(|_| closed()) };
    let pause = (idle / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let (mut last, mut since) = (node.counts(), Instant::now());
    loop {
        match ended.recv_timeout(pause) {
            Ok(ending) => return ending,
            Err(RecvTimeoutError::Disconnected) => return closed(),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = node.counts();
        if now.submitted != last.submitted || now.queued > 0 || now.out > 0 {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() >= idle {
            return Ending::Done(format!("it was idle for {idle:?}"));
        }
    }
}
