//! Nodes and styles from Graphviz attributes, which is how users of Dask say them.

use std::str::FromStr;

use super::{Colour, PictureError, PictureNode, PictureStyle, Shape};

type Attribute = (String, String);

impl PictureNode {
    /// A node from its own attributes and those of all nodes, which it overrides.
    ///
    /// Drawn are `label`, `shape`, `style` (`filled`, `rounded`, `invis`), `color`, `fillcolor`,
    /// `fontcolor`, `penwidth` and `tooltip`. A shape that [`Shape`] lacks is drawn as a box. Other
    /// attributes only go to [`super::Picture::to_dot`], which has the node's own as they are.
    ///
    /// # Errors
    /// [`PictureError::UnknownColour`] and [`PictureError::Width`] for what cannot be drawn.
    pub fn from_attributes(
        own: Vec<Attribute>,
        shared: &[Attribute],
    ) -> Result<Self, PictureError> {
        let get = |name: &str| find(&own, name).or_else(|| find(shared, name));
        let colour = |name: &str| get(name).map(Colour::from_str).transpose();
        let style = get("style").unwrap_or_default();
        let has_style = |name: &str| style.split(',').any(|word| word.trim() == name);

        let mut node = Self::new(get("label").unwrap_or_default(), Shape::default());
        node.shape = match get("shape").unwrap_or("ellipse") {
            "circle" | "doublecircle" | "point" => Shape::Circle,
            "ellipse" | "oval" => Shape::Ellipse,
            "square" => Shape::Square,
            "diamond" => Shape::Diamond,
            "plaintext" | "plain" | "none" => Shape::Plain,
            _ if has_style("rounded") => Shape::RoundedBox,
            _ => Shape::Box,
        };
        node.outline = colour("color")?;
        node.text_colour = colour("fontcolor")?;
        let fill = colour("fillcolor")?;
        if has_style("filled") {
            // As Graphviz does: fillcolor, else color, else light grey.
            node.fill = fill.or(node.outline).or(Some(Colour::opaque(211, 211, 211)));
        }
        if let Some(width) = get("penwidth") {
            node.outline_width = parse_width("penwidth", width)?;
        }
        if has_style("invis") {
            node.fill = None;
            node.outline = Some(Colour::TRANSPARENT);
            node.text_colour = Some(Colour::TRANSPARENT);
        }
        node.tooltip = get("tooltip").map(str::to_owned);
        // Graphviz would write the node's number where there is no label.
        let label = get("label").is_none().then(|| ("label".to_owned(), String::new()));
        node.dot_attributes = Some(own.into_iter().chain(label).collect());
        Ok(node)
    }
}

impl PictureStyle {
    /// A style from the attributes of the graph, of all nodes and of all edges.
    ///
    /// Drawn are the graph's `bgcolor` and the edges' `color` and `penwidth`.
    ///
    /// # Errors
    /// [`PictureError::UnknownColour`] and [`PictureError::Width`] for what cannot be drawn.
    pub fn from_attributes(
        graph: Vec<Attribute>,
        node: Vec<Attribute>,
        edge: Vec<Attribute>,
    ) -> Result<Self, PictureError> {
        let mut style = Self::default();
        if let Some(background) = find(&graph, "bgcolor") {
            style.background = background.parse()?;
        }
        if let Some(colour) = find(&edge, "color") {
            style.edge = colour.parse()?;
        }
        if let Some(width) = find(&edge, "penwidth") {
            style.edge_width = parse_width("penwidth", width)?;
        }
        (style.dot_graph, style.dot_node, style.dot_edge) = (graph, node, edge);
        Ok(style)
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn parse_width(attribute: &'static str, value: &str) -> Result<f32, PictureError> {
    value
        .parse()
        .ok()
        .filter(|width: &f32| width.is_finite() && *width >= 0.0)
        .ok_or_else(|| PictureError::Width { attribute, value: value.to_owned() })
}
