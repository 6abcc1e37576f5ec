//! The client machine, transition by transition and under random events.

mod driver;
mod epochs;
mod futures;
mod random;
