//! What a scheduler does beside running tasks: places for values, questions and their answers.

mod coordination;
mod driver;
mod place;
mod questions;
