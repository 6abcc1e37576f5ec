//! Pictures of delayed values: circles for what runs, boxes for values that are known.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use oxidask_core::node::collect;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::visualize::{Direction, Picture, PictureNode, Shape};

/// A picture of all the tasks behind some delayed values. Arrows lead from a task to those that
/// read it; each carries its function's name, and its key as a tooltip.
///
/// # Errors
/// [`Error::Graph`] if the tasks wait for each other.
///
/// ```
/// let one = oxidask::Delayed::value(1);
/// let two = one.then(|x| x + 1).named("increment");
/// let picture = oxidask::picture(&two)?;
/// assert!(picture.to_dot().contains("increment"));
/// # Ok::<(), oxidask::Error>(())
/// ```
pub fn picture<I: Inputs>(inputs: I) -> Result<Picture, Error> {
    let mut nodes = Vec::new();
    inputs.take_apart(&mut nodes);
    let (graph, outputs) = collect(&nodes)?;
    let tasks = Arc::new(graph).expand(&outputs)?;
    let (mut drawn, mut edges, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for task in 0..tasks.len() as u32 {
        let op = tasks.op(task);
        let shape = if op.constant().is_some() { Shape::Box } else { Shape::Circle };
        drawn.push(PictureNode::new(op.name(), shape));
        keys.push(tasks.key(task).to_string());
        edges.extend(tasks.dag().inputs.row(task).iter().map(|&input| (input, task)));
    }
    Ok(Picture::new(drawn, edges, Direction::default())?.with_tooltips(keys))
}

/// Draws all the tasks behind some delayed values into a file, as SVG, PNG or DOT by its ending.
///
/// # Errors
/// [`Error::Graph`] if the tasks wait for each other, [`Error::PictureFormat`] for another ending,
/// and [`Error::PictureFile`] if the file can't be written.
pub fn visualize<I: Inputs>(inputs: I, path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let picture = picture(inputs)?;
    let bytes = match &*ending.to_ascii_lowercase() {
        "svg" => picture.to_svg().into_bytes(),
        "png" => picture.to_png(1.0)?,
        "dot" => picture.to_dot().into_bytes(),
        _ => return Err(Error::PictureFormat { path: path.to_owned() }),
    };
    fs::write(path, bytes)
        .map_err(|source| Error::PictureFile { path: path.to_owned(), source: Arc::new(source) })
}
