//! `sayoo-papers [FONTS]`: reads a document's JSON from standard input, writes its papers to standard output.
//!
//! A program of its own, started by the worker for each document: typst, which takes longer to build than everything else together, is
//! not in `sayoo`; what customers have typed is set in a process without secrets, and the memory for it is given back.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use sayoo_document::Document;
use sayoo_papers::{DEBIAN_FOLDER, Fonts, print};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let fonts = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(DEBIAN_FOLDER), PathBuf::from);
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let document: Document = serde_json::from_str(&text)?;
    let papers = print(&document, &Fonts::load(&fonts)?)?;
    let mut out = io::stdout().lock();
    out.write_all(&papers.to_bytes())?;
    out.flush()?;
    Ok(())
}
