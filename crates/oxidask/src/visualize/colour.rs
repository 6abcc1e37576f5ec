//! Colours as a user writes them: `#rgb`, `#rrggbb`, `#rrggbbaa` or a common name.

use std::fmt;
use std::str::FromStr;

use super::PictureError;

/// A colour with eight bits for red, green, blue and opacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity: 0 is transparent, 255 is opaque.
    pub alpha: u8,
}

impl Colour {
    /// Opaque black.
    pub const BLACK: Self = Self::opaque(0, 0, 0);
    /// Opaque white.
    pub const WHITE: Self = Self::opaque(255, 255, 255);
    /// No colour at all.
    pub const TRANSPARENT: Self = Self { red: 0, green: 0, blue: 0, alpha: 0 };

    /// An opaque colour.
    #[must_use]
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: 255 }
    }

    fn from_hexadecimal(digits: &str) -> Option<Self> {
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let short = |at: usize| u8::from_str_radix(&digits[at..=at], 16).ok().map(|v| v * 17);
        let long = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        match digits.len() {
            3 => Some(Self::opaque(short(0)?, short(1)?, short(2)?)),
            6 => Some(Self::opaque(long(0)?, long(2)?, long(4)?)),
            8 => Some(Self { alpha: long(6)?, ..Self::opaque(long(0)?, long(2)?, long(4)?) }),
            _ => None,
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha == 255 { Ok(()) } else { write!(f, "{:02x}", self.alpha) }
    }
}

impl FromStr for Colour {
    type Err = PictureError;

    fn from_str(text: &str) -> Result<Self, PictureError> {
        let unknown = || PictureError::UnknownColour { colour: text.to_owned() };
        if let Some(digits) = text.strip_prefix('#') {
            return Self::from_hexadecimal(digits).ok_or_else(unknown);
        }
        let name = text.to_ascii_lowercase();
        if name == "transparent" || name == "none" {
            return Ok(Self::TRANSPARENT);
        }
        let (_, [red, green, blue]) =
            NAMES.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
        Ok(Self::opaque(*red, *green, *blue))
    }
}

/// Names that Graphviz and SVG share and give the same value (SVG's where they differ).
const NAMES: [(&str, [u8; 3]); 44] = [
    ("aqua", [0, 255, 255]),
    ("beige", [245, 245, 220]),
    ("black", [0, 0, 0]),
    ("blue", [0, 0, 255]),
    ("brown", [165, 42, 42]),
    ("chocolate", [210, 105, 30]),
    ("coral", [255, 127, 80]),
    ("crimson", [220, 20, 60]),
    ("cyan", [0, 255, 255]),
    ("darkblue", [0, 0, 139]),
    ("darkgreen", [0, 100, 0]),
    ("darkgrey", [169, 169, 169]),
    ("darkgray", [169, 169, 169]),
    ("darkorange", [255, 140, 0]),
    ("darkred", [139, 0, 0]),
    ("fuchsia", [255, 0, 255]),
    ("gold", [255, 215, 0]),
    ("gray", [128, 128, 128]),
    ("green", [0, 128, 0]),
    ("grey", [128, 128, 128]),
    ("indigo", [75, 0, 130]),
    ("ivory", [255, 255, 240]),
    ("khaki", [240, 230, 140]),
    ("lavender", [230, 230, 250]),
    ("lightblue", [173, 216, 230]),
    ("lightgray", [211, 211, 211]),
    ("lightgreen", [144, 238, 144]),
    ("lightgrey", [211, 211, 211]),
    ("lime", [0, 255, 0]),
    ("magenta", [255, 0, 255]),
    ("maroon", [128, 0, 0]),
    ("navy", [0, 0, 128]),
    ("olive", [128, 128, 0]),
    ("orange", [255, 165, 0]),
    ("orchid", [218, 112, 214]),
    ("pink", [255, 192, 203]),
    ("purple", [128, 0, 128]),
    ("red", [255, 0, 0]),
    ("salmon", [250, 128, 114]),
    ("skyblue", [135, 206, 235]),
    ("teal", [0, 128, 128]),
    ("violet", [238, 130, 238]),
    ("white", [255, 255, 255]),
    ("yellow", [255, 255, 0]),
];
