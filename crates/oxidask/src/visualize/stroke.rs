//! Thin lines on a pixel canvas, with soft edges.
//!
//! `tiny-skia` strokes thin lines well but spends most of a large picture's time on them; an edge
//! is a plain polyline in one colour, for which the covered part of each pixel is simple to
//! reckon: column by column where the line is flat, row by row where it is steep.

use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::Colour;
use super::curve::Point;

/// A line is not drawn thinner than this many pixels, or it would fade away.
const MIN_WIDTH_PX: f32 = 0.4;

/// Draws a polyline.
pub(super) fn polyline(pixmap: &mut Pixmap, corners: &[Point], width_px: f32, colour: Colour) {
    if colour.alpha == 0 || width_px <= 0.0 {
        return;
    }
    let (columns, rows) = (pixmap.width() as i32, pixmap.height() as i32);
    let mut canvas = Canvas { pixels: pixmap.pixels_mut(), columns, rows, colour };
    for piece in corners.windows(2) {
        canvas.stroke(piece[0], piece[1], width_px.max(MIN_WIDTH_PX));
    }
}

struct Canvas<'a> {
    pixels: &'a mut [PremultipliedColorU8],
    columns: i32,
    rows: i32,
    colour: Colour,
}

impl Canvas<'_> {
    fn stroke(&mut self, from: Point, to: Point, width: f32) {
        let is_flat = (to.0 - from.0).abs() >= (to.1 - from.1).abs();
        // `major` runs along the line, and `minor` across it.
        let turn = |(x, y): Point| if is_flat { (x, y) } else { (y, x) };
        let (mut from, mut to) = (turn(from), turn(to));
        if from.0 > to.0 {
            (from, to) = (to, from);
        }
        let run = to.0 - from.0;
        if run <= 0.0 {
            return;
        }
        let slope = (to.1 - from.1) / run;
        let half = width / 2.0 * slope.hypot(1.0);
        let (major_end, minor_end, major_step, minor_step) = if is_flat {
            (self.columns, self.rows, 1, self.columns)
        } else {
            (self.rows, self.columns, self.columns, 1)
        };
        let last = (to.0.ceil() as i32).min(major_end);
        for major in (from.0.floor() as i32).max(0)..last {
            let start = from.0.max(major as f32);
            let end = to.0.min((major + 1) as f32);
            let middle = from.1 + ((start + end) / 2.0 - from.0) * slope;
            let (low, high) = (middle - half, middle + half);
            let (first, beyond) =
                ((low.floor() as i32).max(0), (high.ceil() as i32).min(minor_end));
            for minor in first..beyond {
                let across = high.min((minor + 1) as f32) - low.max(minor as f32);
                let at = (major * major_step + minor * minor_step) as usize;
                self.dab(at, across * (end - start));
            }
        }
    }

    fn dab(&mut self, at: usize, covered: f32) {
        self.pixels[at] = over(self.pixels[at], self.colour, (covered * 255.0 + 0.5) as u8);
    }
}

/// `colour`, as opaque as `covered` says, over `below`.
pub(super) fn over(
    below: PremultipliedColorU8,
    colour: Colour,
    covered: u8,
) -> PremultipliedColorU8 {
    let alpha = divide_by_255(u32::from(covered) * u32::from(colour.alpha));
    let mix = |new: u8, old: u8| {
        divide_by_255(u32::from(new) * alpha + u32::from(old) * (255 - alpha)) as u8
    };
    let opacity = mix(255, below.alpha());
    PremultipliedColorU8::from_rgba(
        mix(colour.red, below.red()).min(opacity),
        mix(colour.green, below.green()).min(opacity),
        mix(colour.blue, below.blue()).min(opacity),
        opacity,
    )
    .unwrap_or(below)
}

/// Rounded, for products of two bytes.
fn divide_by_255(product: u32) -> u32 {
    let biased = product + 128;
    (biased + (biased >> 8)) >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dividing_by_255_rounds_to_the_nearest() {
        for product in 0..=255 * 255 {
            assert_eq!(divide_by_255(product), (product + 127) / 255);
        }
    }

    #[test]
    fn a_line_covers_its_length_times_its_width_wherever_it_lies() {
        for (to, width) in [((90.3, 10.7), 1.0), ((12.2, 91.6), 2.5), ((70.0, 80.0), 0.6)] {
            let mut pixmap = Pixmap::new(100, 100).expect("a small canvas");
            let from = (10.1, 10.2);
            polyline(&mut pixmap, &[from, to], width, Colour::BLACK);
            let drawn: f32 = pixmap.pixels().iter().map(|p| f32::from(p.alpha()) / 255.0).sum();
            let expected = (to.0 - from.0).hypot(to.1 - from.1) * width;
            assert!((drawn - expected).abs() < 0.03 * expected, "{drawn} for {expected}");
        }
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut pixmap = Pixmap::new(10, 10).expect("a small canvas");
        let corners = [(-50.0, -50.0), (60.0, 55.0), (5.0, -30.0), (5.0, 1e9), (-1e9, 5.0)];
        polyline(&mut pixmap, &corners, 3.0, Colour::BLACK);
        assert!(pixmap.pixels().iter().any(|pixel| pixel.alpha() > 0));
    }
}
