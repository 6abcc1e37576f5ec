//! A stream of words for each element, for methods that reject and draw again.
//!
//! Element `e` draws from the counters `(e, 0)`, `(e, 1)`, ... Its first four words are made in vector
//! registers together with its neighbours'; few elements need more.

use super::distribution::Param;
use super::math::{box_muller, ln, open_unit, unit};
use super::threefry::{Domain, Threefry};

/// Elements whose first words are made together.
const BATCH: usize = 32;

/// The words of one element, in order.
pub(super) struct Stream<'a> {
    generator: &'a Threefry,
    element: u64,
    words: [u64; 4],
    /// The next word of `words`.
    next: usize,
    /// The counter of the words to come.
    draw: u64,
}

impl<'a> Stream<'a> {
    #[inline(always)]
    fn new(generator: &'a Threefry, element: u64, words: [u64; 4]) -> Self {
        Self { generator, element, words, next: 0, draw: 1 }
    }

    /// The stream of one element alone.
    pub(super) fn of(generator: &'a Threefry, element: u64) -> Self {
        Self::new(generator, element, generator.block(counter(element, 0)))
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
        self.words = self.generator.block(counter(self.element, self.draw));
        self.draw += 1;
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
        box_muller(a, b).0
    }

    #[inline(always)]
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(self.open_unit())
    }
}

fn counter(element: u64, draw: u64) -> [u64; 4] {
    [element, draw, Domain::Streams as u64, 0]
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
    generator: &Threefry,
    start: u64,
    out: &mut [S::Out],
) {
    let at = |i: usize| std::array::from_fn(|k| params.get(k).map_or(0.0, |p| p.at(i)));
    let same = params.iter().all(|param| matches!(param, Param::Scalar(_)));
    let mut sampler = if out.is_empty() { return } else { S::new(at(0)) };
    let mut first = [[0; BATCH]; 4];
    for (batch, out) in out.chunks_mut(BATCH).enumerate() {
        let from = batch * BATCH;
        first_words(generator, start.wrapping_add(from as u64), &mut first);
        for (i, out) in out.iter_mut().enumerate() {
            if !same {
                sampler = S::new(at(from + i));
            }
            let element = start.wrapping_add((from + i) as u64);
            let words = [first[0][i], first[1][i], first[2][i], first[3][i]];
            *out = sampler.sample(&mut Stream::new(generator, element, words));
        }
    }
}

#[inline(always)]
fn first_words(generator: &Threefry, start: u64, words: &mut [[u64; BATCH]; 4]) {
    let [a, b, c, d] = words;
    for (i, (((a, b), c), d)) in a.iter_mut().zip(b).zip(c).zip(d).enumerate() {
        let made = generator.block(counter(start.wrapping_add(i as u64), 0));
        (*a, *b, *c, *d) = (made[0], made[1], made[2], made[3]);
    }
}
