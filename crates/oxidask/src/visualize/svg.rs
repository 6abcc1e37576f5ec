//! SVG: one stand-alone document, small enough to be put into a notebook.

use std::fmt::Write;

use super::curve::Curve;
use super::layout::{self, Line};
use super::text::{self, BASELINE, FONT_SIZE, LINE_HEIGHT, Label};
use super::{Colour, Picture, PictureNode, Placed, Shape};

pub(super) fn write(picture: &Picture) -> String {
    let labels = text::measure(&picture.nodes);
    let sizes = labels.iter().map(|label| label.size).collect();
    let laid_out = layout::lay_out(sizes, &picture.edges, picture.direction);
    let mut svg =
        Svg(String::with_capacity(512 + 220 * picture.nodes.len() + 70 * laid_out.lines.len()));
    let (width, height) = (laid_out.width, laid_out.height);
    svg.add(format_args!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\""));
    svg.number(width).raw("\" height=\"").number(height).raw("\" viewBox=\"0 0 ");
    svg.number(width).raw(" ").number(height).raw("\">\n");
    if picture.style.background.alpha > 0 {
        svg.raw("<rect width=\"100%\" height=\"100%\"");
        svg.paint("fill", picture.style.background).raw("/>\n");
    }
    svg.edges(picture, &laid_out.lines);
    svg.raw("<g font-family=\"Helvetica,Arial,'DejaVu Sans',sans-serif\" font-size=\"");
    svg.number(FONT_SIZE).raw("\" text-anchor=\"middle\" stroke=\"black\" fill=\"none\">\n");
    for ((node, placed), label) in picture.nodes.iter().zip(&laid_out.nodes).zip(&labels) {
        svg.node(node, *placed, label);
    }
    svg.raw("</g>\n</svg>\n");
    svg.0
}

struct Svg(String);

impl Svg {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn add(&mut self, arguments: std::fmt::Arguments<'_>) -> &mut Self {
        self.0.write_fmt(arguments).expect("writing to a string does not fail");
        self
    }

    /// One digit behind the point, and none where it would be 0.
    fn number(&mut self, value: f32) -> &mut Self {
        let tenths = (f64::from(value) * 10.0).round() as i64;
        if tenths < 0 {
            self.raw("-");
        }
        let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
        if tenth == 0 {
            self.add(format_args!("{whole}"))
        } else {
            self.add(format_args!("{whole}.{tenth}"))
        }
    }

    fn pair(&mut self, (x, y): (f32, f32)) -> &mut Self {
        self.number(x).raw(" ").number(y)
    }

    fn attribute(&mut self, name: &str, value: f32) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").number(value).raw("\"")
    }

    fn paint(&mut self, name: &str, colour: Colour) -> &mut Self {
        let Colour { red, green, blue, alpha } = colour;
        if alpha == 0 {
            return self.raw(" ").raw(name).raw("=\"none\"");
        }
        self.add(format_args!(" {name}=\"#{red:02x}{green:02x}{blue:02x}\""));
        if alpha < 255 {
            self.add(format_args!(" {name}-opacity=\"{:.3}\"", f32::from(alpha) / 255.0));
        }
        self
    }

    /// Text for an element or an attribute; what XML 1.0 cannot hold becomes U+FFFD.
    fn escaped(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\t' | '\n' => self.0.push(c),
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                _ => self.0.push(c),
            }
        }
        self
    }

    fn edges(&mut self, picture: &Picture, lines: &[Line]) {
        let style = &picture.style;
        let curves: Vec<Curve> =
            lines.iter().map(|line| Curve::new(line, picture.is_sideways())).collect();
        self.raw("<g fill=\"none\"").paint("stroke", style.edge);
        self.attribute("stroke-width", style.edge_width).raw(">\n");
        for curve in &curves {
            let [leave, early, late, arrive] = curve.control;
            self.raw("<path d=\"M").pair(curve.start);
            if !curve.is_straight() {
                if leave != curve.start {
                    self.raw("L").pair(leave);
                }
                self.raw("C").pair(early).raw(" ").pair(late).raw(" ").pair(arrive);
            }
            if curve.is_straight() || arrive != curve.end {
                self.raw("L").pair(curve.end);
            }
            self.raw("\"/>\n");
        }
        self.raw("</g>\n<g stroke=\"none\"").paint("fill", style.edge).raw(">\n");
        for [left, tip, right] in curves.iter().filter_map(|curve| curve.head) {
            self.raw("<path d=\"M").pair(left).raw("L").pair(tip).raw("L").pair(right);
            self.raw("z\"/>\n");
        }
        self.raw("</g>\n");
    }

    fn node(&mut self, node: &PictureNode, placed: Placed, label: &Label) {
        self.raw("<g>");
        if let Some(tooltip) = &node.tooltip {
            self.raw("<title>").escaped(tooltip).raw("</title>");
        }
        self.outline(node, placed);
        let first = placed.y - (label.lines.len() as f32 - 1.0) * LINE_HEIGHT / 2.0;
        for (at, line) in label.lines.iter().enumerate() {
            self.raw("<text").attribute("x", placed.x);
            self.attribute("y", first + at as f32 * LINE_HEIGHT + BASELINE);
            self.raw(" stroke=\"none\"").paint("fill", node.text_colour.unwrap_or(Colour::BLACK));
            self.raw(" xml:space=\"preserve\">").escaped(line).raw("</text>");
        }
        self.raw("</g>\n");
    }

    fn outline(&mut self, node: &PictureNode, placed: Placed) {
        let Placed { x, y, width, height } = placed;
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        match node.shape {
            Shape::Plain => return,
            Shape::Box | Shape::RoundedBox | Shape::Square => {
                self.raw("<rect").attribute("x", left).attribute("y", top);
                self.attribute("width", width).attribute("height", height);
                if node.shape == Shape::RoundedBox {
                    self.attribute("rx", 6.0);
                }
            }
            Shape::Circle => {
                self.raw("<circle").attribute("cx", x).attribute("cy", y);
                self.attribute("r", width / 2.0);
            }
            Shape::Ellipse => {
                self.raw("<ellipse").attribute("cx", x).attribute("cy", y);
                self.attribute("rx", width / 2.0).attribute("ry", height / 2.0);
            }
            Shape::Diamond => {
                self.raw("<path d=\"M").pair((x, top)).raw("L").pair((left + width, y));
                self.raw("L").pair((x, top + height)).raw("L").pair((left, y)).raw("z\"");
            }
        }
        if let Some(fill) = node.fill {
            self.paint("fill", fill);
        }
        if let Some(outline) = node.outline {
            self.paint("stroke", outline);
        }
        if node.outline_width != 1.0 {
            self.attribute("stroke-width", node.outline_width);
        }
        self.raw("/>");
    }
}
