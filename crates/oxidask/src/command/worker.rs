//! `oxidask worker`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use oxidask::core::config::Config;
use oxidask::native::{NativeOps, families};
use oxidask::runtime::cluster::host::{Host, NoHost, Reply};
use oxidask::runtime::cluster::remote::{JoinError, Joining, RemoteWorker};
use oxidask::runtime::cluster::worker::{NewWorker, WorkerNode};
use oxidask::runtime::system;
use oxidask::runtime::wire::address::Address;
use oxidask::runtime::wire::transport::{End, IoThread, Options};
use oxidask_sched::data::Data;
use oxidask_sched::message::WorkerInfo;
use parking_lot::Mutex;

use super::files::{pid_file, read_scheduler_file};
use super::place::{PlaceArguments, on_the_way_to, scheduler};
use super::secrets::SecretArguments;
use super::stop::{Ending, endings};
use super::{complain, needs_python, quantity};

/// Flags of workers, named as Dask names them.
#[derive(clap::Args, Debug)]
pub(crate) struct WorkerArguments {
    /// The scheduler's address, such as tcp://127.0.0.1:8786.
    #[arg(required_unless_present = "scheduler_file")]
    scheduler: Option<String>,
    /// A file with the scheduler's address, which it wrote itself.
    #[arg(long, value_name = "FILE")]
    scheduler_file: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    /// The port to listen on for other workers; 0 for any that is free.
    #[arg(long, alias = "port", default_value_t = 0)]
    worker_port: u16,
    /// The address to listen on, instead of host, port and protocol.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["host", "interface", "worker_port"])]
    listen_address: Option<Address>,
    /// The address that others are told, if it is another one than listened on.
    #[arg(long, value_name = "ADDRESS")]
    contact_address: Option<Address>,
    #[command(flatten)]
    secrets: SecretArguments,
    /// How many workers.
    #[arg(long, alias = "nprocs", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    nworkers: u32,
    /// Threads of each worker; all of the machine's, shared out, if none are given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4096))]
    nthreads: Option<u32>,
    /// The worker's name; its address if none is given. Several workers get numbers behind it.
    #[arg(long)]
    name: Option<String>,
    /// Memory of each worker: bytes, a share such as 0.5, auto, or 0 for no limit.
    #[arg(long, default_value = "auto")]
    memory_limit: String,
    /// What tasks can ask for, such as "GPU=1 MEM=2e9".
    #[arg(long, default_value = "")]
    resources: String,
    /// A file to write this process's number to.
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// How long to wait for a scheduler; for ever if not given.
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    death_timeout: Option<Duration>,
    /// Leave after so long, once others have what is needed.
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    lifetime: Option<Duration>,
    /// Where values that don't fit into memory go.
    #[arg(long, value_name = "FOLDER")]
    local_directory: Option<PathBuf>,
    /// No process that watches over the worker: there is none here.
    #[arg(long)]
    no_nanny: bool,
    /// A process that watches over the worker (needs Python).
    #[arg(long, conflicts_with = "no_nanny")]
    nanny: bool,
    /// A module that is loaded first (needs Python).
    #[arg(long, value_name = "MODULE")]
    preload: Vec<String>,
    /// A class of workers (needs Python).
    #[arg(long, value_name = "CLASS")]
    worker_class: Option<String>,
    /// Don't show a dashboard: there is none here.
    #[arg(long)]
    no_dashboard: bool,
}

/// Answers nothing, and remembers why the worker leaves.
#[derive(Default)]
struct Leaving(OnceLock<String>);

impl Host for Leaving {
    fn ask(&self, verb: Arc<str>, body: Data, reply: Reply) {
        NoHost.ask(verb, body, reply);
    }

    fn closing(&self, reason: &str) {
        // It leaves once.
        drop(self.0.set(reason.to_owned()));
    }
}

/// One of the workers of this process.
struct Seat {
    index: u32,
    joining: Joining,
    listen: Address,
    info: WorkerInfo,
    death_timeout: Option<Duration>,
    /// The worker that runs, for those who end it.
    running: Arc<Mutex<Option<Arc<WorkerNode>>>>,
    ended: Sender<Ending>,
}

/// Runs workers until they are told to stop.
pub(crate) fn work(arguments: &WorkerArguments, config: &Config) -> Result<ExitCode> {
    needs_python(!arguments.preload.is_empty(), "--preload", "worker")?;
    needs_python(arguments.worker_class.is_some(), "--worker-class", "worker")?;
    needs_python(arguments.nanny, "--nanny", "worker")?;
    // Before the first thread.
    let (end, ended) = endings()?;
    system::raise_open_files();
    let security = arguments.secrets.security(config, "worker")?;
    let scheduler = find_scheduler(arguments, &ended)?;
    let Some(scheduler) = scheduler else { return Ok(ExitCode::SUCCESS) };
    let listen = match &arguments.listen_address {
        Some(address) => address.clone(),
        None => {
            let here = on_the_way_to(&scheduler)?;
            let has_tls = matches!(scheduler, Address::Net { tls: true, .. });
            arguments.place.address(arguments.worker_port, has_tls, config, here)?
        }
    };
    let info = describe(arguments)?;
    let io = Arc::new(IoThread::start("oxidask-io").context("can't start a thread")?);
    let joining =
        Joining { scheduler, options: Options::default(), security, families: families() };
    let pid = arguments.pid_file.as_deref().map(pid_file).transpose()?;
    let mut running = Vec::new();
    for index in 0..arguments.nworkers {
        let mut info = info.clone();
        if let Some(name) = arguments.name.as_deref().filter(|_| arguments.nworkers > 1) {
            info.name = format!("{name}-{index}").into();
        }
        let node = Arc::new(Mutex::new(None));
        running.push(node.clone());
        let (joining, listen, ended) = (joining.clone(), listen.clone(), end.clone());
        let death_timeout = arguments.death_timeout;
        let seat = Seat { index, joining, listen, info, death_timeout, running: node, ended };
        let io = io.clone();
        let name = format!("oxidask-worker-{index}");
        // It ends with the process, at the latest.
        drop(thread::Builder::new().name(name).spawn(move || seat.fill(&io))?);
    }
    let code = wait(&ended, &running, arguments.lifetime)?;
    drop(pid);
    leave(&running);
    // Their links say goodbye as they go. A native task that is under way isn't waited for longer than this.
    let until = Instant::now() + Duration::from_secs(3);
    while running.iter().any(|node| node.lock().is_some()) && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(code)
}

/// Waits for the end of all workers, or for a signal.
fn wait(
    ended: &Receiver<Ending>,
    running: &[Arc<Mutex<Option<Arc<WorkerNode>>>>],
    lifetime: Option<Duration>,
) -> Result<ExitCode> {
    let mut left = running.len();
    let mut due = lifetime.map(|lifetime| Instant::now() + lifetime);
    loop {
        let ending = match due {
            None => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => ended.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match ending {
            Err(RecvTimeoutError::Timeout) => {
                due = None;
                complain("the worker's lifetime is over: it retires");
                running
                    .iter()
                    .filter_map(|node| node.lock().clone())
                    .for_each(|node| node.retire());
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            Ok(Ending::Signal(name)) => {
                complain(&format!("the worker ends: {name}"));
                return Ok(ExitCode::SUCCESS);
            }
            Ok(Ending::Done(why)) => {
                complain(&format!("a worker ends: {why}"));
                left -= 1;
                if left == 0 {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            Ok(Ending::Failed(error)) => return Err(error),
        }
    }
}

fn leave(running: &[Arc<Mutex<Option<Arc<WorkerNode>>>>]) {
    running
        .iter()
        .filter_map(|node| node.lock().clone())
        .for_each(|node| node.close("its process ends"));
}

fn describe(arguments: &WorkerArguments) -> Result<WorkerInfo> {
    let n_workers = arguments.nworkers;
    let shared = (system::n_cpus() as u32 / n_workers).max(1);
    let n_threads = arguments.nthreads.unwrap_or(shared);
    let memory = quantity::memory_limit(&arguments.memory_limit, n_threads, n_workers);
    let contact = arguments.contact_address.as_ref();
    if contact.is_some() && n_workers > 1 {
        bail!(
            "--contact-address is the address of one worker, and --nworkers asks for {n_workers}"
        );
    }
    Ok(WorkerInfo {
        name: arguments.name.as_deref().unwrap_or_default().into(),
        address: contact.map(ToString::to_string).unwrap_or_default().into(),
        n_threads,
        memory_limit_bytes: memory.map_err(anyhow::Error::msg)?,
        resources: quantity::resources(&arguments.resources).map_err(anyhow::Error::msg)?,
        ..WorkerInfo::default()
    })
}

/// The scheduler's address, waiting for its file; none if a signal comes before.
fn find_scheduler(
    arguments: &WorkerArguments,
    ended: &Receiver<Ending>,
) -> Result<Option<Address>> {
    if let Some(text) = &arguments.scheduler {
        return scheduler(text).map(Some);
    }
    let Some(path) = &arguments.scheduler_file else { bail!("no scheduler is named") };
    let start = Instant::now();
    loop {
        if let Some(address) = read_scheduler_file(path)? {
            return scheduler(&address).map(Some);
        }
        if arguments.death_timeout.is_some_and(|limit| start.elapsed() > limit) {
            bail!(
                "there is no scheduler file {} after {:?}; start `oxidask scheduler --scheduler-file` \
                 with the same path",
                path.display(),
                start.elapsed()
            );
        }
        if ended.recv_timeout(Duration::from_millis(100)).is_ok() {
            return Ok(None);
        }
    }
}

impl Seat {
    /// Joins the scheduler, and again whenever it was lost, as another worker.
    fn fill(self, io: &IoThread) {
        let ending = match self.serve(io) {
            Ok(why) => Ending::Done(why),
            Err(error) => Ending::Failed(error),
        };
        // Nobody listens if the process is on its way out.
        drop(self.ended.send(ending));
    }

    fn serve(&self, io: &IoThread) -> Result<String> {
        loop {
            let (worker, leaving) = self.join(io)?;
            *self.running.lock() = Some(worker.node().clone());
            crate::print(&format!("Worker at: {}", worker.address()))?;
            let end = worker.wait();
            drop(worker);
            *self.running.lock() = None;
            let reason = leaving.0.get().map_or("it was closed", String::as_str);
            match end {
                Some(End::Lost(reason)) => complain(&format!(
                    "worker {}: the scheduler at {} is lost ({reason}); waiting for it",
                    self.index, self.joining.scheduler
                )),
                _ => return Ok(reason.to_owned()),
            }
        }
    }

    /// A worker that has joined. As long as there is nobody at the address, it is tried again.
    fn join(&self, io: &IoThread) -> Result<(RemoteWorker, Arc<Leaving>)> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(20);
        loop {
            let leaving = Arc::new(Leaving::default());
            let new = NewWorker {
                host: Some(leaving.clone()),
                ..NewWorker::new(self.info.clone(), Arc::new(NativeOps))
            };
            let error = match RemoteWorker::join_idle(io, &self.joining, &self.listen, new) {
                Ok(worker) => {
                    for _ in 0..self.info.n_threads {
                        worker.node().start_thread().context("can't start the worker's threads")?;
                    }
                    return Ok((worker, leaving));
                }
                Err(JoinError::Connect(error)) if error.may_pass() => error,
                Err(error) => return Err(error.into()),
            };
            if self.death_timeout.is_some_and(|limit| start.elapsed() + pause > limit) {
                return Err(error).context("no scheduler was found within --death-timeout");
            }
            if pause > Duration::from_millis(500) {
                complain(&format!("{error}; trying again"));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}
