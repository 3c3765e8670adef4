//! Writes the samples' JSON, CII, UBL and PDF into a folder, for validators and for eyes.
//!
//! `cargo run -p sayoo-papers --example samples -- FOLDER [FONTS]`
#![expect(clippy::unwrap_used, reason = "a program for developers: what fails, it tells")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use sayoo_papers::{DEBIAN_FOLDER, Fonts, cii, pdf, ubl};

#[path = "../tests/it/samples.rs"]
mod samples;

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = words.next().expect("the folder to write to");
    let fonts = Fonts::load(Path::new(&words.next().unwrap_or_else(|| DEBIAN_FOLDER.to_owned()))).unwrap();
    fs::create_dir_all(&folder).unwrap();
    for (name, document) in samples::all() {
        let path = |ending: &str| Path::new(&folder).join(format!("{name}.{ending}"));
        let begun = Instant::now();
        let paper = pdf(&document, &fonts).unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{name}: {} ms, {} bytes", begun.elapsed().as_millis(), paper.len());
        fs::write(path("json"), serde_json::to_string_pretty(&document).unwrap()).unwrap();
        fs::write(path("cii.xml"), cii(&document).unwrap()).unwrap();
        fs::write(path("ubl.xml"), ubl(&document).unwrap()).unwrap();
        fs::write(path("pdf"), paper).unwrap();
    }
}
