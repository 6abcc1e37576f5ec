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
    let width = width_px.max(MIN_WIDTH_PX);
    for piece in corners.windows(2) {
        let (from, to) = (piece[0], piece[1]);
        let is_flat = (to.0 - from.0).abs() >= (to.1 - from.1).abs();
        // `major` runs along the line and `minor` across it.
        let (from, to) = if is_flat { (from, to) } else { ((from.1, from.0), (to.1, to.0)) };
        let (from, to) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let run = to.0 - from.0;
        if run <= 0.0 {
            continue;
        }
        let slope = (to.1 - from.1) / run;
        let half = width / 2.0 * slope.hypot(1.0);
        let limit = if is_flat { pixmap.width() } else { pixmap.height() } as f32;
        let (first, last) = (from.0.max(0.0).floor(), to.0.min(limit).ceil());
        let mut major = first;
        while major < last {
            let (start, end) = (from.0.max(major), to.0.min(major + 1.0));
            let share = end - start;
            let middle = from.1 + ((start + end) / 2.0 - from.0) * slope;
            if share > 0.0 {
                let (low, high) = (middle - half, middle + half);
                let mut minor = low.floor();
                while minor < high {
                    let covered = (high.min(minor + 1.0) - low.max(minor)) * share;
                    let (x, y) = if is_flat { (major, minor) } else { (minor, major) };
                    dab(pixmap, x, y, covered, colour);
                    minor += 1.0;
                }
            }
            major += 1.0;
        }
    }
}

fn dab(pixmap: &mut Pixmap, x: f32, y: f32, covered: f32, colour: Colour) {
    let (width, height) = (pixmap.width(), pixmap.height());
    if x < 0.0 || y < 0.0 || x >= width as f32 || y >= height as f32 {
        return;
    }
    let at = y as usize * width as usize + x as usize;
    let pixel = &mut pixmap.pixels_mut()[at];
    *pixel = over(*pixel, colour, (covered * 255.0 + 0.5) as u8);
}

/// `colour`, as opaque as `covered` says, over `below`.
pub(super) fn over(
    below: PremultipliedColorU8,
    colour: Colour,
    covered: u8,
) -> PremultipliedColorU8 {
    let alpha = u32::from(covered) * u32::from(colour.alpha) / 255;
    let mix = |new: u8, old: u8| {
        ((u32::from(new) * alpha + u32::from(old) * (255 - alpha) + 127) / 255) as u8
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
