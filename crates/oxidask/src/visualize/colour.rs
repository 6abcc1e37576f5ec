//! Colours as a user writes them: `#rgb`, `#rrggbb`, `#rrggbbaa` or a name.

use std::fmt;
use std::str::FromStr;

use super::PictureError;
use super::colour_names::NAMES;

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
        let at = NAMES.binary_search_by_key(&name.as_str(), |entry| entry.0);
        let [_, red, green, blue] = NAMES[at.map_err(|_| unknown())?].1.to_be_bytes();
        Ok(Self::opaque(red, green, blue))
    }
}
