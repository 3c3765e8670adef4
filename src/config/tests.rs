//! The example file and the program agree.

use std::path::Path;

use super::books::Books;
use super::payments::Payments;
use super::{Config, Mode, Pool, Public, Tenants};

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
    assert!(text.contains(&format!("\ncurrency = \"{}\"\n", Payments::default_currency().code())));
    assert!(text.contains(&format!("# idle_transaction_minutes = {}", Tenants::default_idle_transaction_minutes())));
    assert!(text.contains(&format!("# transaction_minutes = {}", Tenants::default_transaction_minutes())));
    assert!(text.contains(&format!("# temporary_gb = {}", Tenants::default_temporary_gb())));
    let books = Books::of_text("address = ''\ndatabase = ''\napi_key_file = ''");
    assert!(text.contains(&format!("# journal = {:?}", books.journal)));
    assert!(text.contains(&format!("# bank_journal = {:?}", books.bank_journal)));
    assert!(text.contains(&format!("# post = {}", books.post)));
    assert!(text.contains(&format!("# one_line_per_rate = {}", books.one_line_per_rate)));
}

/// Loads the example with something changed.
fn changed(change: impl Fn(String) -> String) -> anyhow::Result<Config> {
    let text = change(std::fs::read_to_string(EXAMPLE).unwrap());
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    std::fs::write(file.path(), text).unwrap();
    Config::load(Some(file.path()))
}

#[test]
fn an_unknown_key_is_an_error_that_names_it_in_every_section() {
    let example = std::fs::read_to_string(EXAMPLE).unwrap();
    let sections: Vec<&str> = example.lines().filter(|line| line.starts_with('[')).collect();
    assert!(sections.len() >= 9 && sections.contains(&"[pool]"), "{sections:?}");
    for section in sections {
        let with_typo = changed(|text| text.replace(&format!("\n{section}\n"), &format!("\n{section}\nsparse = 1\n")));
        let error = format!("{:#}", with_typo.expect_err(section));
        assert!(error.contains("sparse"), "{section}: {error}");
    }
    let error = format!("{:#}", changed(|text| format!("{text}\n[pol]\nspares = 1\n")).unwrap_err());
    assert!(error.contains("pol"), "a section that does not exist: {error}");
}

#[test]
fn a_key_that_is_missing_or_of_the_wrong_kind_is_an_error_that_names_it() {
    let missing = changed(|text| text.replace("\nportal_url =", "\n# portal_url ="));
    assert!(format!("{:#}", missing.unwrap_err()).contains("portal_url"));
    let wrong = changed(|text| text.replace("\nspares =", "\nspares = \"many\" #"));
    assert!(format!("{:#}", wrong.unwrap_err()).contains("spares"));
}
