//! Collects what browsers load: our styles and scripts joined, our pictures, the fonts from npm. Every file gets a name with a hash
//! of its content, so that it may be kept for ever.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What is taken from npm packages, and the name that our styles call it by.
const FROM_NPM: [(&str, &str); 3] = [
    ("figtree-latin.woff2", "@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2"),
    ("figtree-latin-ext.woff2", "@fontsource-variable/figtree/files/figtree-latin-ext-wght-normal.woff2"),
    ("rubik-arabic.woff2", "@fontsource-variable/rubik/files/rubik-arabic-wght-normal.woff2"),
];

/// The order of the style files: later ones may refine earlier ones.
const STYLES: [&str; 8] = ["tokens", "base", "arrange", "controls", "things", "live", "shell", "public"];

/// Writes the hashed files to `OUT_DIR/assets` and the table of them to `OUT_DIR/assets.rs`.
pub fn embed() {
    for input in ["static", "package.json", "package-lock.json"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    install_packages(&root);

    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, path) in FROM_NPM {
        files.insert(name.to_owned(), read(&root.join("node_modules").join(path)));
    }
    for path in listed(&root.join("static/img")) {
        files.insert(file_name(&path), read(&path));
    }
    let scripts: String = listed(&root.join("static/js")).iter().map(|path| script(&text(path))).collect();
    files.insert("app.js".to_owned(), scripts.into_bytes());

    let mut hashed: BTreeMap<String, String> =
        files.iter().map(|(name, bytes)| (name.clone(), with_hash(name, bytes))).collect();
    let styles: String = STYLES.iter().map(|name| style(&text(&root.join(format!("static/css/{name}.css"))))).collect();
    let styles = with_addresses(styles, &hashed);
    hashed.insert("app.css".to_owned(), with_hash("app.css", styles.as_bytes()));
    files.insert("app.css".to_owned(), styles.into_bytes());

    write_table(&out, &files, &hashed);
}

/// Runs `npm ci` when what is installed is not what the lock file names.
fn install_packages(root: &Path) {
    let wanted = root.join("package-lock.json");
    let mark = root.join("node_modules/.sayoo-lock");
    if fs::read(&mark).is_ok_and(|installed| installed == read(&wanted)) {
        return;
    }
    let outcome = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"])
        .current_dir(root)
        .output();
    match outcome {
        Ok(output) if output.status.success() => fs::write(&mark, read(&wanted)).expect("node_modules is writable"),
        Ok(output) => panic!("`npm ci` failed in {}:\n{}", root.display(), String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            panic!("the fonts come from npm, which could not be started ({error}). On Debian: apt-get install npm")
        }
    }
}

/// Leaves comments and indentation out.
fn style(source: &str) -> String {
    let mut rest = source;
    let mut bare = String::with_capacity(source.len());
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").expect("every comment in a style file ends").1;
    }
    bare.push_str(rest);
    bare.lines().map(str::trim).filter(|line| !line.is_empty()).fold(String::new(), |mut joined, line| {
        joined.push_str(line);
        joined.push('\n');
        joined
    })
}

/// One script file as a block, so that its names stay its own; comments and indentation are left out.
fn script(source: &str) -> String {
    let lines = source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let mut block = String::from("{\n");
    for line in lines {
        block.push_str(line);
        block.push('\n');
    }
    block.push_str("}\n");
    block
}

/// Puts the hashed names into `url("…")`.
fn with_addresses(mut styles: String, hashed: &BTreeMap<String, String>) -> String {
    for (name, file) in hashed {
        styles = styles.replace(&format!("url(\"{name}\")"), &format!("url(\"/assets/{file}\")"));
    }
    styles
}

fn with_hash(name: &str, bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let (stem, extension) = name.rsplit_once('.').expect("every asset has an extension");
    format!("{stem}-{:016x}.{extension}", hasher.finish())
}

fn write_table(out: &Path, files: &BTreeMap<String, Vec<u8>>, hashed: &BTreeMap<String, String>) {
    let folder = out.join("assets");
    fs::create_dir_all(&folder).expect("OUT_DIR is writable");
    let mut table = String::from("/// Every file, in the order of its name.\npub static FILES: &[Asset] = &[\n");
    for (name, bytes) in files {
        let file = &hashed[name];
        let plain = folder.join(file);
        fs::write(&plain, bytes).expect("OUT_DIR is writable");
        let mut gzip = String::from("None");
        // Fonts are compressed already.
        if plain.extension().is_none_or(|extension| extension != "woff2") {
            let path = folder.join(format!("{file}.gz"));
            fs::write(&path, compressed(bytes)).expect("OUT_DIR is writable");
            gzip = format!("Some(include_bytes!({:?}))", path.display().to_string());
        }
        writeln!(
            table,
            "    Asset {{ name: {name:?}, url: \"/assets/{file}\", bytes: include_bytes!({:?}), gzip: {gzip} }},",
            plain.display().to_string()
        )
        .expect("a String grows");
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table).expect("OUT_DIR is writable");
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("a Vec grows");
    encoder.finish().expect("a Vec grows")
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("file names are UTF-8").to_owned()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(path: &Path) -> String {
    String::from_utf8(read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
