//! Prepares what is embedded in the binary: the texts of `locales/`, and the files for browsers.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "build/assets.rs"]
mod assets;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    embed_locales();
    assets::embed();
}

/// Writes `locales.rs`: the list of (language, file name, text).
fn embed_locales() {
    println!("cargo:rerun-if-changed=locales");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let mut list = String::from("/// (language, file name, text)\npub static FILES: &[(&str, &str, &str)] = &[\n");
    for code in ["ar", "en", "fr"] {
        let folder = Path::new(&root).join("locales").join(code);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "ftl"))
            .collect();
        files.sort();
        for path in files {
            let name = path.file_name().and_then(|name| name.to_str()).expect("file names are UTF-8");
            writeln!(list, "    ({code:?}, {name:?}, include_str!({:?})),", path.display().to_string())
                .expect("a String grows");
        }
    }
    list.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("locales.rs"), list).expect("OUT_DIR is writable");
}
