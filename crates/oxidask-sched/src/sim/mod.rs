//! A whole cluster in one thread, from one seed: scheduler, workers and clients with a network that delays and
//! reorders, peers that can't be reached, machines that die and come back.
//!
//! [`run`] plays one history. After each event the invariants of all machines are checked; at the end, with faults off, each
//! future that a client still holds must have what running its graph one task after the other gives, and
//! without clients nothing may be left. A history is a function of its [`Plan`]: the same plan, the same events.
//! [`shrink`] finds a smaller plan that fails in its turn.
//!
//! Streams between two machines are ordered and whole, as the session layer makes them: a broken connection that is
//! resumed is a stall here, one that isn't is the loss of a peer. Between different pairs nothing is ordered.

mod network;
mod program;
mod random;
mod threads;
mod users;
mod world;

pub use self::world::Report;
use self::world::World;

/// What a history is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Everything random follows from it.
    pub seed: u64,
    /// Events until faults and users stop.
    pub events: u32,
    /// Workers at the start.
    pub workers: u32,
    /// Clients.
    pub clients: u32,
    /// What goes wrong.
    pub faults: Faults,
}

/// What may go wrong in a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Faults {
    /// Workers die, and new ones come.
    pub deaths: bool,
    /// Workers are asked to leave.
    pub retirements: bool,
    /// Connections stall for a long time, then go on.
    pub stalls: bool,
    /// Workers are out of their peers' reach for a while.
    pub partitions: bool,
    /// Stores lose values.
    pub lost_values: bool,
    /// Workers have too little memory for a while.
    pub pauses: bool,
    /// Some workers are a hundred times slower than others.
    pub slow_workers: bool,
    /// Tasks raise, ask to be run elsewhere, leave their thread.
    pub odd_tasks: bool,
    /// Clients go without a word.
    pub client_losses: bool,
}

impl Faults {
    /// All of them.
    pub const ALL: Self = Self {
        deaths: true,
        retirements: true,
        stalls: true,
        partitions: true,
        lost_values: true,
        pauses: true,
        slow_workers: true,
        odd_tasks: true,
        client_losses: true,
    };

    /// Each set that lacks one of those that are on.
    fn fewer(self) -> Vec<Self> {
        let switches: [fn(&mut Self) -> &mut bool; 9] = [
            |f| &mut f.deaths,
            |f| &mut f.retirements,
            |f| &mut f.stalls,
            |f| &mut f.partitions,
            |f| &mut f.lost_values,
            |f| &mut f.pauses,
            |f| &mut f.slow_workers,
            |f| &mut f.odd_tasks,
            |f| &mut f.client_losses,
        ];
        let mut sets = Vec::new();
        for switch in switches {
            let mut fewer = self;
            if std::mem::replace(switch(&mut fewer), false) {
                sets.push(fewer);
            }
        }
        sets
    }
}

impl Plan {
    /// The plan of a seed: everything may go wrong, on a few workers.
    #[must_use]
    pub fn of(seed: u64, events: u32) -> Self {
        let workers = 1 + (seed % 5) as u32;
        Self { seed, events, workers, clients: 1 + (seed / 5 % 3) as u32, faults: Faults::ALL }
    }
}

/// Plays a history.
///
/// # Errors
/// With what is wrong, and after which event.
pub fn run(plan: Plan) -> Result<Report, String> {
    World::new(plan).play()
}

/// The smallest plan that was found to fail in its turn, and how.
#[must_use]
pub fn shrink(plan: Plan) -> (Plan, String) {
    let Err(mut violation) = run(plan) else { return (plan, "it does not fail".into()) };
    let mut smallest = plan;
    loop {
        let mut candidates: Vec<Plan> =
            smallest.faults.fewer().into_iter().map(|faults| Plan { faults, ..smallest }).collect();
        for events in [smallest.events / 2, smallest.events - smallest.events / 8 - 1] {
            candidates.push(Plan { events, ..smallest });
        }
        if smallest.clients > 1 {
            candidates.push(Plan { clients: smallest.clients - 1, ..smallest });
        }
        if smallest.workers > 1 {
            candidates.push(Plan { workers: smallest.workers - 1, ..smallest });
        }
        let found = candidates
            .into_iter()
            .filter(|candidate| candidate.events > 0 && *candidate != smallest)
            .find_map(|candidate| run(candidate).err().map(|violation| (candidate, violation)));
        match found {
            Some((candidate, how)) => (smallest, violation) = (candidate, how),
            None => return (smallest, violation),
        }
    }
}
