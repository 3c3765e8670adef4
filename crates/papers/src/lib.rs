//! Turns one finished invoice or credit note into its papers: a PDF that carries its own XML (Factur-X), and the same as CII and UBL.
//!
//! Nothing here asks the time, draws lots or looks anything up: the same document and the same fonts give the same bytes.

mod einvoice;
mod fonts;
mod format;
mod pdf;
mod sentences;
mod view;
mod words;

use std::path::PathBuf;

use en16931_formats::Syntax;
use sayoo_document::{Document, Papers, Problem, check};

pub use fonts::{DEBIAN_FOLDER, Fonts};

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A font is missing, or is none.
    #[error("the font {} cannot be read; Debian has it in the package fonts-noto-core", .0.display())]
    Fonts(PathBuf),
    /// The document is wrong in itself.
    #[error("the document may not be issued: {}", list(.0))]
    Document(Vec<Problem>),
    /// The document breaks rules of EN 16931.
    #[error("the document breaks rules of EN 16931: {}", .0.join("; "))]
    Rules(Vec<String>),
    /// The PDF cannot be made.
    #[error("the PDF cannot be made: {0}")]
    Pdf(String),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Returns all papers of the document.
pub fn print(document: &Document, fonts: &Fonts) -> Result<Papers, Error> {
    Ok(Papers { cii: cii(document)?, ubl: ubl(document)?, pdf: pdf(document, fonts)? })
}

/// Returns the document as UN/CEFACT CII in the profile EN 16931, as it stands in the PDF.
pub fn cii(document: &Document) -> Result<String, Error> {
    check(document).map_err(Error::Document)?;
    einvoice::write(document, Syntax::Cii)
}

/// Returns the document as UBL 2.1.
pub fn ubl(document: &Document) -> Result<String, Error> {
    check(document).map_err(Error::Document)?;
    einvoice::write(document, Syntax::Ubl)
}

/// Returns the document as PDF/A-3b with its CII in it (Factur-X). It takes about a tenth of a second of a processor.
pub fn pdf(document: &Document, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    check(document).map_err(Error::Document)?;
    pdf::write(document, fonts)
}
