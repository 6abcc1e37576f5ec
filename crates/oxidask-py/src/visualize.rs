//! Pictures of task graphs for `oxidask/dot.py`: drawing is `oxidask::visualize`'s.

use oxidask::visualize::{Picture as Drawing, PictureError, PictureNode, PictureStyle};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Names and values in Graphviz's words.
type Attributes = Vec<(String, String)>;

/// A directed graph to draw.
///
/// Parameters
/// ----------
/// nodes : list of list of tuple of (str, str)
///     The attributes of each node, in Graphviz's words: label, shape, color, fillcolor, ...
/// edges : list of tuple of (int, int)
///     From which node to which, by their places in ``nodes``.
/// direction : {"BT", "TB", "LR", "RL"}
///     Where edges point.
/// graph_attributes, node_attributes, edge_attributes : list of tuple of (str, str)
///     What holds for the whole picture, for all nodes and for all edges.
///
/// Raises
/// ------
/// ValueError
///     When an edge, a colour, a width or the direction is none.
///
/// Examples
/// --------
/// >>> from oxidask._native import Picture
/// >>> nodes = [[("label", "x"), ("shape", "box")], [("label", "f"), ("shape", "circle")]]
/// >>> picture = Picture(nodes, [(0, 1)])
/// >>> picture.to_svg()[:4], picture.to_png()[1:4]
/// ('<svg', b'PNG')
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct Picture {
    drawing: Drawing,
}

#[pymethods]
impl Picture {
    #[new]
    #[pyo3(signature = (
        nodes, edges, direction = "BT", graph_attributes = None, node_attributes = None,
        edge_attributes = None,
    ))]
    fn new(
        nodes: Vec<Attributes>,
        edges: Vec<(u32, u32)>,
        direction: &str,
        graph_attributes: Option<Attributes>,
        node_attributes: Option<Attributes>,
        edge_attributes: Option<Attributes>,
    ) -> PyResult<Self> {
        let shared = node_attributes.unwrap_or_default();
        let nodes = nodes.into_iter().map(|own| PictureNode::from_attributes(own, &shared));
        let style = PictureStyle::from_attributes(
            graph_attributes.unwrap_or_default(),
            shared.clone(),
            edge_attributes.unwrap_or_default(),
        );
        let nodes = nodes.collect::<Result<Vec<_>, _>>().map_err(to_exception)?;
        let direction = direction.parse().map_err(to_exception)?;
        let drawing = Drawing::new(nodes, edges, direction).map_err(to_exception)?;
        Ok(Self { drawing: drawing.with_style(style.map_err(to_exception)?) })
    }

    /// The picture as an SVG document.
    ///
    /// Parameters
    /// ----------
    /// tooltips : list of str, optional
    ///     For each node, what a browser shows when the pointer rests on it.
    ///
    /// Returns
    /// -------
    /// str
    #[pyo3(signature = (tooltips = None))]
    fn to_svg(&self, py: Python<'_>, tooltips: Option<Vec<String>>) -> String {
        py.detach(|| match tooltips {
            Some(tooltips) => self.drawing.clone().with_tooltips(tooltips).to_svg(),
            None => self.drawing.to_svg(),
        })
    }

    /// The picture as a PNG file, scaled down where it would be larger than 16,384 pixels.
    ///
    /// Parameters
    /// ----------
    /// scale : float
    ///     Pixels for each unit of the SVG.
    ///
    /// Returns
    /// -------
    /// bytes
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     When the scale is not a positive number.
    #[pyo3(signature = (scale = 1.0))]
    fn to_png<'py>(&self, py: Python<'py>, scale: f32) -> PyResult<Bound<'py, PyBytes>> {
        let file = py.detach(|| self.drawing.to_png(scale)).map_err(to_exception)?;
        Ok(PyBytes::new(py, &file))
    }

    /// The picture in Graphviz's DOT language.
    ///
    /// Returns
    /// -------
    /// str
    fn to_dot(&self, py: Python<'_>) -> String {
        py.detach(|| self.drawing.to_dot())
    }
}

fn to_exception(error: PictureError) -> PyErr {
    match error {
        PictureError::Encode { .. } => PyRuntimeError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}
