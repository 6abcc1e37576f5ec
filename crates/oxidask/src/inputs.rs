//! What a task can read and a caller can ask for: delayed values, alone, in rows and in tuples.
//!
//! [`Inputs`] are the handles that a user writes down, such as `(&a, &parts)`; taken apart, they
//! are nodes and a [`Shape`], which knows how to put the nodes' values together again: as
//! references for a function, as counted values for a caller.

use std::marker::PhantomData;
use std::slice;
use std::sync::Arc;
use std::vec;

use oxidask_core::node::Node;
use oxidask_core::op::TaskError;
use oxidask_core::value::Value;

use crate::delayed::Delayed;
use crate::held::{read, share};

/// Delayed values to read or to compute: `&a`, `&parts` (a slice, array or vector of delayed
/// values of one type), and tuples of up to eight of these, which may be nested.
pub trait Inputs {
    /// How the values are arranged.
    type Shape: Shape;

    /// Appends the tasks to `nodes`, in order.
    fn take_apart(self, nodes: &mut Vec<Node>) -> Self::Shape;
}

/// The arrangement of some values: what [`Inputs`] are without their tasks.
pub trait Shape: Send + Sync + 'static {
    /// What a function gets: `&T`, `Vec<&T>`, or a tuple of these.
    type Args<'a>;
    /// What a caller gets: `Arc<T>`, `Vec<Arc<T>>`, or a tuple of these.
    type Outputs;
    /// Handles: `Delayed<T>`, `Vec<Delayed<T>>`, or a tuple of these.
    type Handles;

    /// Takes as many values as there are tasks, as references.
    ///
    /// # Errors
    /// If a value has another type.
    fn args<'a>(&self, values: &mut slice::Iter<'a, Value>) -> Result<Self::Args<'a>, TaskError>;

    /// Takes as many values as there are tasks, as counted handles.
    ///
    /// # Errors
    /// If a value has another type.
    fn outputs(&self, values: &mut slice::Iter<'_, Value>) -> Result<Self::Outputs, TaskError>;

    /// Takes as many tasks as there are, as delayed values.
    fn handles(&self, nodes: &mut vec::IntoIter<Node>) -> Self::Handles;
}

/// One value.
pub struct One<T>(PhantomData<fn() -> T>);

/// A row of values of one type.
pub struct Many<T> {
    len: usize,
    of: PhantomData<fn() -> T>,
}

/// No values: what a function without parameters reads.
impl Shape for () {
    type Args<'a> = ();
    type Outputs = ();
    type Handles = ();

    fn args<'a>(&self, _: &mut slice::Iter<'a, Value>) -> Result<(), TaskError> {
        Ok(())
    }

    fn outputs(&self, _: &mut slice::Iter<'_, Value>) -> Result<(), TaskError> {
        Ok(())
    }

    fn handles(&self, _: &mut vec::IntoIter<Node>) {}
}

/// The end of the values, where a well-made graph has one more.
fn missing() -> TaskError {
    TaskError::Panicked("a task was given fewer values than it has inputs".into())
}

impl<T: Send + Sync + 'static> Shape for One<T> {
    type Args<'a> = &'a T;
    type Outputs = Arc<T>;
    type Handles = Delayed<T>;

    fn args<'a>(&self, values: &mut slice::Iter<'a, Value>) -> Result<&'a T, TaskError> {
        read(values.next().ok_or_else(missing)?)
    }

    fn outputs(&self, values: &mut slice::Iter<'_, Value>) -> Result<Arc<T>, TaskError> {
        share(values.next().ok_or_else(missing)?)
    }

    fn handles(&self, nodes: &mut vec::IntoIter<Node>) -> Delayed<T> {
        Delayed::from_node(nodes.next().expect("as many nodes as the shape was made of"))
    }
}

impl<T: Send + Sync + 'static> Shape for Many<T> {
    type Args<'a> = Vec<&'a T>;
    type Outputs = Vec<Arc<T>>;
    type Handles = Vec<Delayed<T>>;

    fn args<'a>(&self, values: &mut slice::Iter<'a, Value>) -> Result<Vec<&'a T>, TaskError> {
        (0..self.len).map(|_| read(values.next().ok_or_else(missing)?)).collect()
    }

    fn outputs(&self, values: &mut slice::Iter<'_, Value>) -> Result<Vec<Arc<T>>, TaskError> {
        (0..self.len).map(|_| share(values.next().ok_or_else(missing)?)).collect()
    }

    fn handles(&self, nodes: &mut vec::IntoIter<Node>) -> Vec<Delayed<T>> {
        nodes.take(self.len).map(Delayed::from_node).collect()
    }
}

impl<T: Send + Sync + 'static> Inputs for &Delayed<T> {
    type Shape = One<T>;

    fn take_apart(self, nodes: &mut Vec<Node>) -> One<T> {
        nodes.push(self.node().clone());
        One(PhantomData)
    }
}

impl<T: Send + Sync + 'static> Inputs for &[Delayed<T>] {
    type Shape = Many<T>;

    fn take_apart(self, nodes: &mut Vec<Node>) -> Many<T> {
        nodes.extend(self.iter().map(|delayed| delayed.node().clone()));
        Many { len: self.len(), of: PhantomData }
    }
}

impl<T: Send + Sync + 'static> Inputs for &Vec<Delayed<T>> {
    type Shape = Many<T>;

    fn take_apart(self, nodes: &mut Vec<Node>) -> Many<T> {
        self.as_slice().take_apart(nodes)
    }
}

impl<T: Send + Sync + 'static, const N: usize> Inputs for &[Delayed<T>; N] {
    type Shape = Many<T>;

    fn take_apart(self, nodes: &mut Vec<Node>) -> Many<T> {
        self.as_slice().take_apart(nodes)
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*))*) => {$(
        impl<$($name: Inputs),*> Inputs for ($($name,)*) {
            type Shape = ($($name::Shape,)*);

            fn take_apart(self, nodes: &mut Vec<Node>) -> Self::Shape {
                ($(self.$at.take_apart(nodes),)*)
            }
        }

        impl<$($name: Shape),*> Shape for ($($name,)*) {
            type Args<'a> = ($($name::Args<'a>,)*);
            type Outputs = ($($name::Outputs,)*);
            type Handles = ($($name::Handles,)*);

            fn args<'a>(
                &self,
                values: &mut slice::Iter<'a, Value>,
            ) -> Result<Self::Args<'a>, TaskError> {
                Ok(($(self.$at.args(values)?,)*))
            }

            fn outputs(
                &self,
                values: &mut slice::Iter<'_, Value>,
            ) -> Result<Self::Outputs, TaskError> {
                Ok(($(self.$at.outputs(values)?,)*))
            }

            fn handles(&self, nodes: &mut vec::IntoIter<Node>) -> Self::Handles {
                ($(self.$at.handles(nodes),)*)
            }
        }
    )*};
}

tuples! {
    (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5) (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
