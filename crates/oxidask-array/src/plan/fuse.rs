//! Fusion of elementwise expressions.
//!
//! A group grows from the expression whose value is wanted towards its inputs: an elementwise input
//! joins if nobody outside of the group reads it, the group reads it under one order of axes, and it
//! isn't smaller than the group's value (a small array is computed once, not once for every element
//! that it is stretched to). Views, which compute nothing, always join. The result is one program
//! over the arrays at the group's edge.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::kernel::program::{AxesMap, Input, Program, Register, Step};
use crate::plan::array::{Array, Build, Elementwise};

/// Most steps of one program: more would not fit the cache any more.
const MOST_STEPS: usize = 64;

/// A group of elementwise expressions as one.
pub(super) struct Fused {
    /// What the group computes.
    pub(super) program: Program,
    /// The arrays at its edge, one for each of the program's inputs.
    pub(super) inputs: Vec<Array>,
}

/// The address of an array's node: what it is known by inside of one plan.
pub(super) fn address(array: &Array) -> usize {
    std::ptr::from_ref(array.node()) as usize
}

fn elementwise(array: &Array) -> Option<&Elementwise> {
    match &array.node().build {
        Build::Elementwise(elementwise) => Some(elementwise),
        _ => None,
    }
}

/// The axes of an input, seen from the group: `outer` maps those of the expression that reads it.
fn composed(axes: &AxesMap, outer: &AxesMap) -> AxesMap {
    axes.iter().map(|axis| axis.and_then(|axis| outer[axis as usize])).collect()
}

/// The group of `root`. `n_readers` tells how often each array is read in the plan; those of
/// `wanted` must be computed on their own.
pub(super) fn fuse(
    root: &Array,
    n_readers: &FxHashMap<usize, usize>,
    wanted: &FxHashSet<usize>,
) -> Option<Fused> {
    let group = Group::grow(root, n_readers, wanted)?;
    Some(group.build(root))
}

struct Group {
    members: FxHashSet<usize>,
    ndim: usize,
}

impl Group {
    fn grow(
        root: &Array,
        n_readers: &FxHashMap<usize, usize>,
        wanted: &FxHashSet<usize>,
    ) -> Option<Self> {
        let ndim = elementwise(root)?.program.ndim;
        let identity: AxesMap = (0..ndim as u8).map(Some).collect();
        let size = root.chunks().n_elements();
        let mut members = FxHashSet::from_iter([address(root)]);
        let mut n_steps = elementwise(root)?.program.steps.len();
        // What the members read: how often, and under which axes.
        let mut read: FxHashMap<usize, (Array, usize, Vec<AxesMap>)> = FxHashMap::default();
        let mut joined = vec![(root.clone(), vec![identity])];
        while let Some((member, maps)) = joined.pop() {
            let Some(expression) = elementwise(&member) else { continue };
            for (input, array) in expression.program.inputs.iter().zip(&expression.inputs) {
                let entry =
                    read.entry(address(array)).or_insert_with(|| (array.clone(), 0, Vec::new()));
                entry.1 += 1;
                for map in &maps {
                    let map = composed(&input.axes, map);
                    if !entry.2.contains(&map) {
                        entry.2.push(map);
                    }
                }
            }
            let next = read.iter().find_map(|(at, (array, n, maps))| {
                let expression = elementwise(array)?;
                let alone = n_readers.get(at).is_none_or(|readers| readers == n);
                let fits = !members.contains(at)
                    && !wanted.contains(at)
                    && n_steps + expression.program.steps.len() <= MOST_STEPS
                    && (expression.program.steps.is_empty()
                        || alone && maps.len() == 1 && array.chunks().n_elements() == size);
                fits.then_some(*at)
            });
            if let Some(at) = next {
                let (array, _, maps) = read[&at].clone();
                n_steps += elementwise(&array)?.program.steps.len();
                members.insert(at);
                joined.push((array, maps));
            }
        }
        Some(Self { members, ndim })
    }

    fn build(&self, root: &Array) -> Fused {
        let mut merge = Merge {
            group: self,
            inputs: Vec::new(),
            steps: Vec::new(),
            known: FxHashMap::default(),
        };
        let identity: AxesMap = (0..self.ndim as u8).map(Some).collect();
        let value = merge.value(root, &identity);
        // Registers count inputs first; while merging, steps were counted apart.
        let n_inputs = merge.inputs.len() as Register;
        let place = |value: Place| match value {
            Place::Input(at) => at,
            Place::Step(at) => n_inputs + at,
        };
        let steps = merge.steps.into_iter().map(|(mut step, args)| {
            match &mut step {
                Step::Ufunc { args: registers, .. } => {
                    *registers = args.into_iter().map(place).collect();
                }
                Step::Cast { arg, .. } => *arg = place(args[0]),
                Step::Constant(_) => {}
            }
            step
        });
        let steps = steps.collect();
        let (arrays, inputs) = merge.inputs.into_iter().unzip();
        let program = Program { ndim: self.ndim, inputs, steps, result: place(value) };
        Fused { program, inputs: arrays }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Input(Register),
    Step(Register),
}

struct Merge<'a> {
    group: &'a Group,
    inputs: Vec<(Array, Input)>,
    steps: Vec<(Step, Vec<Place>)>,
    known: FxHashMap<(usize, AxesMap), Place>,
}

impl Merge<'_> {
    /// Where the value of `array` is, its axes lying in the group's as `map` says.
    fn value(&mut self, array: &Array, map: &AxesMap) -> Place {
        let key = (address(array), map.clone());
        if let Some(&place) = self.known.get(&key) {
            return place;
        }
        let place = match elementwise(array) {
            Some(expression) if self.group.members.contains(&key.0) => self.member(expression, map),
            _ => {
                let dtype = array.dtype().unwrap_or(crate::dtype::DType::Bool);
                self.inputs.push((array.clone(), Input { dtype, axes: map.clone() }));
                Place::Input(self.inputs.len() as Register - 1)
            }
        };
        self.known.insert(key, place);
        place
    }

    fn member(&mut self, expression: &Elementwise, map: &AxesMap) -> Place {
        let program = &expression.program;
        let mut places: Vec<Place> = Vec::with_capacity(program.inputs.len() + program.steps.len());
        for (input, array) in program.inputs.iter().zip(&expression.inputs) {
            places.push(self.value(array, &composed(&input.axes, map)));
        }
        for step in &program.steps {
            let args = match step {
                Step::Ufunc { args, .. } => args.iter().map(|&at| places[at as usize]).collect(),
                Step::Cast { arg, .. } => vec![places[*arg as usize]],
                Step::Constant(_) => Vec::new(),
            };
            self.steps.push((step.clone(), args));
            places.push(Place::Step(self.steps.len() as Register - 1));
        }
        places[program.result as usize]
    }
}
