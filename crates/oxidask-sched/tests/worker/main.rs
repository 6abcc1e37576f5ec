//! The worker machine, transition by transition and under random events.

mod driver;
mod paths;
