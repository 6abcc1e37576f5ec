//! The worker machine, transition by transition and under random events.

mod driver;
mod fetches;
mod paths;
mod random;
mod runs;
