//! The example file and the program agree.

use std::path::Path;

use super::{Config, Mode, Pool, Public};

const EXAMPLE: &str = "docs/sayoo.example.toml";

#[test]
fn the_example_is_a_valid_production_configuration() {
    let config = Config::load(Some(Path::new(EXAMPLE))).unwrap();
    assert_eq!(config.public.mode, Mode::Production);
    assert!(config.mail.smtp_url.is_some());
}

#[test]
fn defaults_in_the_example_are_those_of_the_program() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    assert!(text.contains(&format!("# company = {:?}", Public::default_company())));
    assert!(text.contains(&format!("spares = {}", Pool::default().spares)));
    assert!(text.contains("# threads = 0"));
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap().replace("spares =", "sparse =");
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    let error = format!("{:#}", Config::load(Some(file.path())).unwrap_err());
    assert!(error.contains("sparse"), "{error}");
}
