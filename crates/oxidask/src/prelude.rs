//! What most programs need: `use oxidask::prelude::*;`.

pub use crate::{
    Canceller, Delayed, GraphBuilder, Scheduler, Spillable, compute, delayed, delayed_pure, join,
    persist, try_delayed,
};
