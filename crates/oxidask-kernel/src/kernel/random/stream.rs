//! A stream of words for each element, for methods that reject and draw again.
//!
//! Element `e` draws from the counters of index `e` and draws 0, 1, ... Its first four words are made
//! together with its neighbours'; few elements need more.

use super::ars::{Ars, Domain};
use super::distribution::Param;
use super::math::{ln, open_unit, unit};
use super::normals;

/// Elements whose first words are made together.
const BATCH: usize = 32;

/// The words of one element, in order.
pub(super) struct Stream<'a> {
    generator: &'a Ars,
    element: u64,
    words: [u64; 4],
    /// The next word of `words`.
    next: usize,
    /// The draw of the words to come.
    draw: u64,
}

impl<'a> Stream<'a> {
    #[inline(always)]
    fn new(generator: &'a Ars, element: u64, words: [u64; 4]) -> Self {
        Self { generator, element, words, next: 0, draw: 2 }
    }

    /// The stream of one element alone.
    pub(super) fn of(generator: &'a Ars, element: u64) -> Self {
        Self::new(generator, element, two_draws(generator, element, 0))
    }

    #[inline(always)]
    pub(super) fn word(&mut self) -> u64 {
        if self.next == 4 {
            self.refill();
        }
        self.next += 1;
        self.words[self.next - 1]
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        self.words = two_draws(self.generator, self.element, self.draw);
        self.draw += 2;
        self.next = 0;
    }

    /// Uniform in [0, 1).
    #[inline(always)]
    pub(super) fn unit(&mut self) -> f64 {
        unit(self.word())
    }

    /// Uniform in (0, 1).
    #[inline(always)]
    pub(super) fn open_unit(&mut self) -> f64 {
        open_unit(self.word())
    }

    #[inline(always)]
    pub(super) fn normal(&mut self) -> f64 {
        let (a, b) = (self.word(), self.word());
        normals::pair(a, b).0
    }

    #[inline(always)]
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(self.open_unit())
    }
}

fn two_draws(generator: &Ars, element: u64, draw: u64) -> [u64; 4] {
    let [a, b] = generator.block([element, Domain::Streams.draw(draw)]);
    let [c, d] = generator.block([element, Domain::Streams.draw(draw + 1)]);
    [a, b, c, d]
}

/// A distribution with its parameters made ready, so that a run of equal ones does that once.
pub(super) trait Sampler {
    /// Floats, or counts.
    type Out;

    fn new(params: [f64; 3]) -> Self;

    fn sample(&self, stream: &mut Stream<'_>) -> Self::Out;
}

/// Fills `out` with the elements from `start` on.
#[inline(always)]
pub(super) fn fill<S: Sampler>(
    params: &[Param<'_>],
    generator: &Ars,
    start: u64,
    out: &mut [S::Out],
) {
    let at = |i: usize| std::array::from_fn(|k| params.get(k).map_or(0.0, |p| p.at(i)));
    let same = params.iter().all(|param| matches!(param, Param::Scalar(_)));
    let mut sampler = if out.is_empty() { return } else { S::new(at(0)) };
    let mut first = [[[0; 2]; BATCH]; 2];
    for (batch, out) in out.chunks_mut(BATCH).enumerate() {
        let from = batch * BATCH;
        for (draw, words) in first.iter_mut().enumerate() {
            let counter = [start.wrapping_add(from as u64), Domain::Streams.draw(draw as u64)];
            generator.blocks(counter, words[..out.len()].as_flattened_mut());
        }
        for (i, out) in out.iter_mut().enumerate() {
            if !same {
                sampler = S::new(at(from + i));
            }
            let element = start.wrapping_add((from + i) as u64);
            let words = [first[0][i][0], first[0][i][1], first[1][i][0], first[1][i][1]];
            *out = sampler.sample(&mut Stream::new(generator, element, words));
        }
    }
}
