//! What a scheduler does beside running tasks: places for values, questions and their answers.

mod ahead;
mod coordination;
mod driver;
mod info;
mod leave;
mod place;
mod questions;
mod random;
mod submit;
mod tasks;
