//! The fonts that papers are set in, read once from the machine.

use std::path::{Path, PathBuf};

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use crate::Error;

/// Where Debian's package `fonts-noto-core` puts them.
pub const DEBIAN_FOLDER: &str = "/usr/share/fonts/truetype/noto";

/// Latin, Greek and Cyrillic; Arabic. Without these there are no papers.
const NEEDED: [&str; 4] =
    ["NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansArabic-Regular.ttf", "NotoSansArabic-Bold.ttf"];

/// What else may stand in a name.
const WELCOME: [&str; 12] = [
    "NotoSansSymbols-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    "NotoSansMath-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansTifinagh-Regular.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansEthiopic-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansThai-Regular.ttf",
];

/// Fonts in memory. They are about 4 MB; read them once.
pub struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) fonts: Vec<Font>,
}

impl Fonts {
    /// Reads the fonts from a folder, as in [`DEBIAN_FOLDER`].
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let mut all = Vec::new();
        for name in NEEDED {
            let path = folder.join(name);
            all.push(read(&path).ok_or_else(|| Error::Fonts(path.clone()))?);
        }
        all.extend(WELCOME.iter().filter_map(|name| read(&folder.join(name))));
        Ok(Self { book: LazyHash::new(FontBook::from_fonts(&all)), fonts: all })
    }

    /// Whether one of them has a picture of this character.
    pub(crate) fn can_show(&self, character: char) -> bool {
        self.fonts.iter().any(|font| font.info().coverage.contains(character as u32))
    }

    /// Whether one of those that are always there has one, in both weights.
    pub(crate) fn always_shows(&self, character: char) -> bool {
        let needed = &self.fonts[..NEEDED.len()];
        needed.chunks(2).any(|weights| weights.iter().all(|font| font.info().coverage.contains(character as u32)))
    }
}

fn read(path: &PathBuf) -> Option<Font> {
    Font::new(Bytes::new(std::fs::read(path).ok()?), 0)
}
