//! Pictures of task graphs, drawn without any program installed on the machine.
//!
//! A [`Picture`] is nodes with a label and a shape, and edges between them. [`Picture::to_svg`],
//! [`Picture::to_png`] and [`Picture::to_dot`] write it. What the nodes stand for (tasks as
//! circles, data as boxes) is the caller's affair.
//!
//! # How it is laid out
//! A layered layout in the manner of Sugiyama, Tagawa and Toda (1981), in the module `layout`:
//! ranks, then orders within ranks, then coordinates; every phase is linear, or bounded by a
//! budget of passes. It is ours because `layout-rs` and `rust-sugiyama` with its defaults do not
//! hold a second for 5,000 nodes, and `rust-sugiyama` with its fastest settings not for 20,000.
//! Seconds on one core of a busy two-core machine, for the layout alone with `rust-sugiyama` 0.4
//! (its defaults; its fastest settings), for layout and SVG with `layout-rs` 0.1 (not optimising),
//! and for layout and SVG, or layout and PNG, with this module:
//!
//! | graph (nodes, edges) | rust-sugiyama | layout-rs | SVG | PNG |
//! |---|---|---|---|---|
//! | tree reduction (5,001, 5,000) | 0.01; 0.01 | 5.6 | 0.01 | 0.05 |
//! | 50 chains of 100 (5,000, 4,950) | 0.08; 0.03 | 3.4 | 0.01 | 0.23 |
//! | 2-D stencil (4,840, 20,988) | > 20; 0.05 | > 20 | 0.02 | 0.49 |
//! | `x + x.T` (4,800, 4,800) | 0.34; 0.31 | 12.7 | 0.01 | 0.26 |
//! | tree reduction (20,002, 20,001) | 0.06; 0.04 | | 0.04 | 0.12 |
//! | 200 chains of 100 (20,000, 19,800) | 0.45; 0.42 | | 0.04 | 0.35 |
//! | 2-D stencil (19,360, 85,536) | > 40; 0.54 | | 0.09 | 0.64 |
//! | `x + x.T` (19,683, 19,683) | 23.4; 8.9 | | 0.08 | 0.37 |
//! | 1,000 chains of 100 (100,000, 99,000) | 31.8; 24.1 | | 0.23 | 0.76 |
//! | 2-D stencil (100,000, 446,400) | overflows the stack; 16.3 | | 0.35 | 1.45 |
//!
//! A picture of 100,000 nodes has text only in SVG: a PNG of 16,384 pixels has no room for it.

mod attributes;
mod colour;
mod colour_names;
mod curve;
mod dot;
mod layout;
mod png;
mod stroke;
mod svg;
mod text;

use thiserror::Error;

pub use colour::Colour;

/// A directed graph to draw.
///
/// # Examples
/// ```
/// use oxidask::visualize::{Direction, Picture, PictureNode, Shape};
/// let nodes = vec![
///     PictureNode::new("(0, 0)", Shape::Box),
///     PictureNode::new("sum", Shape::Circle),
/// ];
/// let picture = Picture::new(nodes, vec![(0, 1)], Direction::BottomToTop)?;
/// assert!(picture.to_svg().starts_with("<svg"));
/// # Ok::<(), oxidask::visualize::PictureError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Picture {
    nodes: Vec<PictureNode>,
    edges: Vec<(u32, u32)>,
    direction: Direction,
    style: PictureStyle,
}

impl Picture {
    /// A picture of `nodes` with an arrow for each of `edges`, from the first to the second.
    ///
    /// Repeated edges are drawn once, an edge from a node to itself not at all; cycles are drawn
    /// with an arrow against the direction.
    ///
    /// # Errors
    /// [`PictureError::EdgeOutOfRange`] if an edge names a node that there is not.
    pub fn new(
        nodes: Vec<PictureNode>,
        edges: Vec<(u32, u32)>,
        direction: Direction,
    ) -> Result<Self, PictureError> {
        let n_nodes = nodes.len();
        for &(from, to) in &edges {
            if from as usize >= n_nodes || to as usize >= n_nodes {
                return Err(PictureError::EdgeOutOfRange { from, to, n_nodes });
            }
        }
        Ok(Self { nodes, edges, direction, style: PictureStyle::default() })
    }

    /// The same picture in another style.
    #[must_use]
    pub fn with_style(self, style: PictureStyle) -> Self {
        Self { style, ..self }
    }

    /// The same picture with a tooltip for each node, in the order of the nodes.
    #[must_use]
    pub fn with_tooltips(mut self, tooltips: impl IntoIterator<Item = String>) -> Self {
        for (node, tooltip) in self.nodes.iter_mut().zip(tooltips) {
            node.tooltip = Some(tooltip);
        }
        self
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[PictureNode] {
        &self.nodes
    }

    /// The edges, as indices into [`Picture::nodes`].
    #[must_use]
    pub fn edges(&self) -> &[(u32, u32)] {
        &self.edges
    }

    /// Where edges point.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The rectangle that each node takes in the picture, in the order of the nodes.
    #[must_use]
    pub fn place(&self) -> Vec<Placed> {
        let sizes = text::measure(&self.nodes).into_iter().map(|label| label.size).collect();
        layout::lay_out(sizes, &self.edges, self.direction).nodes
    }

    fn is_sideways(&self) -> bool {
        matches!(self.direction, Direction::LeftToRight | Direction::RightToLeft)
    }

    /// The picture as a stand-alone SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        svg::write(self)
    }

    /// The picture as a PNG file, `scale` pixels for each unit of the SVG.
    ///
    /// A picture that would be wider or higher than [`MAX_PNG_SIDE`] or have more pixels than
    /// [`MAX_PNG_PIXELS`] is scaled down to fit, and so is one whose lines together would be more
    /// than 60 million pixels long: they would lie too thick to be told apart.
    ///
    /// # Errors
    /// [`PictureError::Scale`] unless `scale` is finite and positive, and
    /// [`PictureError::Encode`] if the encoder fails.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>, PictureError> {
        png::write(self, scale)
    }

    /// The picture in Graphviz's DOT language, not laid out.
    #[must_use]
    pub fn to_dot(&self) -> String {
        dot::write(self)
    }
}

/// The widest and the highest PNG, in pixels.
pub const MAX_PNG_SIDE: u32 = 16_384;

/// The largest PNG, in pixels.
pub const MAX_PNG_PIXELS: u32 = 1 << 24;

/// One node of a [`Picture`].
#[derive(Debug, Clone, PartialEq)]
pub struct PictureNode {
    /// What is written in it; a newline starts a new line.
    pub label: String,
    /// Its shape.
    pub shape: Shape,
    /// What it is filled with.
    pub fill: Option<Colour>,
    /// The colour of its outline; `None` is black.
    pub outline: Option<Colour>,
    /// The width of its outline.
    pub outline_width: f32,
    /// The colour of its label; `None` is black.
    pub text_colour: Option<Colour>,
    /// What a browser shows when the pointer rests on it.
    pub tooltip: Option<String>,
    /// What [`Picture::to_dot`] writes as they are, instead of what the other fields say.
    pub dot_attributes: Option<Vec<(String, String)>>,
}

impl PictureNode {
    /// A node with a thin black outline, not filled.
    #[must_use]
    pub fn new(label: impl Into<String>, shape: Shape) -> Self {
        Self {
            label: label.into(),
            shape,
            fill: None,
            outline: None,
            outline_width: 1.0,
            text_colour: None,
            tooltip: None,
            dot_attributes: None,
        }
    }
}

/// The shape of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// A rectangle.
    #[default]
    Box,
    /// A rectangle with round corners.
    RoundedBox,
    /// A rectangle with equal sides.
    Square,
    /// A circle.
    Circle,
    /// An ellipse.
    Ellipse,
    /// A square on its corner.
    Diamond,
    /// The label alone.
    Plain,
}

/// Where edges point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Down.
    TopToBottom,
    /// Up, as Dask draws its graphs.
    #[default]
    BottomToTop,
    /// To the right.
    LeftToRight,
    /// To the left.
    RightToLeft,
}

impl std::str::FromStr for Direction {
    type Err = PictureError;

    /// Reads Graphviz's `rankdir`: `TB`, `BT`, `LR` or `RL`.
    fn from_str(text: &str) -> Result<Self, PictureError> {
        match text {
            "TB" => Ok(Self::TopToBottom),
            "BT" => Ok(Self::BottomToTop),
            "LR" => Ok(Self::LeftToRight),
            "RL" => Ok(Self::RightToLeft),
            _ => Err(PictureError::UnknownDirection { direction: text.to_owned() }),
        }
    }
}

impl Direction {
    /// What Graphviz calls it.
    #[must_use]
    pub fn as_rankdir(self) -> &'static str {
        match self {
            Self::TopToBottom => "TB",
            Self::BottomToTop => "BT",
            Self::LeftToRight => "LR",
            Self::RightToLeft => "RL",
        }
    }
}

/// What holds for the picture as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureStyle {
    /// What is behind everything.
    pub background: Colour,
    /// The colour of the edges.
    pub edge: Colour,
    /// The width of the edges.
    pub edge_width: f32,
    /// Attributes of the whole graph, for [`Picture::to_dot`].
    pub dot_graph: Vec<(String, String)>,
    /// Attributes of all nodes, for [`Picture::to_dot`].
    pub dot_node: Vec<(String, String)>,
    /// Attributes of all edges, for [`Picture::to_dot`].
    pub dot_edge: Vec<(String, String)>,
}

impl Default for PictureStyle {
    fn default() -> Self {
        Self {
            background: Colour::WHITE,
            edge: Colour::BLACK,
            edge_width: 1.0,
            dot_graph: Vec::new(),
            dot_node: Vec::new(),
            dot_edge: Vec::new(),
        }
    }
}

/// The rectangle of a node: its centre, width and height; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Placed {
    /// Centre, from the left edge of the picture.
    pub x: f32,
    /// Centre, from the top edge of the picture.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// Why a picture could not be drawn.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// An edge names a node that there is not.
    #[error("the edge {from} -> {to} leaves the picture, which has {n_nodes} nodes, from 0 on")]
    EdgeOutOfRange {
        /// Where the edge starts.
        from: u32,
        /// Where the edge ends.
        to: u32,
        /// How many nodes there are.
        n_nodes: usize,
    },
    /// A colour that is neither a known name nor hexadecimal.
    #[error("unknown colour {colour:?}: write it as #rrggbb, or use a name of CSS such as \"red\"")]
    UnknownColour {
        /// The colour as it was given.
        colour: String,
    },
    /// A direction other than Graphviz's four.
    #[error("unknown direction {direction:?}: use one of \"TB\", \"BT\", \"LR\" and \"RL\"")]
    UnknownDirection {
        /// The direction as it was given.
        direction: String,
    },
    /// A width that is not a finite number of at least 0.
    #[error("{attribute}={value:?} is not a width: give a number that is not negative")]
    Width {
        /// The attribute that was to hold the width.
        attribute: &'static str,
        /// The width as it was given.
        value: String,
    },
    /// A scale that is not finite and positive.
    #[error("cannot draw at a scale of {scale}: give a positive number, such as 1 or 2")]
    Scale {
        /// The scale as it was given.
        scale: f32,
    },
    /// The PNG encoder failed.
    #[error("cannot encode the picture of {width} x {height} pixels as PNG")]
    Encode {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// What the encoder says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
