//! The PDF: the template set by typst as PDF/A-3b, and the CII put into it.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use chrono::NaiveTime;
use en16931_formats::zugferd::{EmbedOptions, Metadata, embed};
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration as TypstDuration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::fonts::Fonts;
use crate::view::{View, view};
use crate::{Error, einvoice};
use sayoo_document::Document;

const TEMPLATE: &str = include_str!("document.typ");

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static TEMPLATE_ID: LazyLock<FileId> = LazyLock::new(|| id("document.typ"));
static DATA_ID: LazyLock<FileId> = LazyLock::new(|| id("data.json"));

fn id(path: &str) -> FileId {
    RootedPath::new(VirtualRoot::Project, VirtualPath::new(path).expect("a plain name is a path")).intern()
}

/// Writes the PDF of a document that has been checked.
pub(crate) fn write(document: &Document, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    let proof = einvoice::proof(document)?;
    let view = view(document, fonts, false);
    // A name may join characters in a way that no font has a picture of. The paper is made all the same.
    let paper = set(&view, fonts).or_else(|_| set(&self::view(document, fonts, true), fonts))?;
    let metadata = Metadata { title: view.title.clone(), subject: view.title.clone(), author: view.author.clone() };
    let midnight = document.issue_date.and_time(NaiveTime::MIN).and_utc().timestamp();
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(midnight.unsigned_abs());
    let options = EmbedOptions { metadata: Some(metadata), modified: Some(modified), ..EmbedOptions::default() };
    embed(&paper, &proof, &options).map_err(|error| Error::Pdf(error.to_string()))
}

/// The pages, as PDF/A-3b.
fn set(view: &View, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    let data = serde_json::to_vec(view).map_err(|error| Error::Pdf(error.to_string()))?;
    let desk = Desk { fonts, template: Source::new(*TEMPLATE_ID, TEMPLATE.to_owned()), data: Bytes::new(data) };
    let pages = typst::compile::<PagedDocument>(&desk).output.map_err(|errors| told(&errors))?;
    let standards = PdfStandards::new(&[PdfStandard::A_3b]).map_err(|error| Error::Pdf(error.message().to_string()))?;
    let options = PdfOptions { standards, creator: Smart::Custom(Some("sayoo".to_owned())), ..PdfOptions::default() };
    let pdf = typst_pdf::pdf(&pages, &options).map_err(|errors| told(&errors));
    // A process that sets papers for years would otherwise remember each of them.
    comemo::evict(0);
    pdf
}

fn told(errors: &[SourceDiagnostic]) -> Error {
    let all: Vec<String> = errors.iter().map(|error| format!("{} {:?}", error.message, error.hints)).collect();
    Error::Pdf(all.join("; "))
}

/// All that typst may see: the template, the texts and the fonts; no files, no clock.
struct Desk<'a> {
    fonts: &'a Fonts,
    template: Source,
    data: Bytes,
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.fonts.book
    }

    fn main(&self) -> FileId {
        *TEMPLATE_ID
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == *TEMPLATE_ID { Ok(self.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == *DATA_ID { Ok(self.data.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<TypstDuration>) -> Option<Datetime> {
        None
    }
}
