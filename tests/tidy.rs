//! The rules of the repository, as tests: what a reviewer would otherwise have to remember.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of ours below a folder with this extension.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut folders) = (Vec::new(), vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The part of a file before its own tests.
fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// Lines that are code, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    without_tests(text)
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let all = files("src", "rs").into_iter().chain(files("crates", "rs")).chain(files("tests", "rs"));
    let broken: Vec<String> = all.filter(|(_, text)| !text.starts_with("//! ")).map(|(name, _)| name).collect();
    assert_none("a file begins with `//!` and one sentence", &broken);
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let mut broken = Vec::new();
    for (name, text) in files("src", "rs").into_iter().chain(files("crates", "rs")).chain(files("tests", "rs")) {
        let lines = without_tests(&text).lines().count();
        if lines > 500 {
            broken.push(format!("{name}: {lines}"));
        }
    }
    assert_none("a file has at most 500 lines: divide it", &broken);
}

/// Lines of files (those for which `is_free` is false) that hold one of these words.
fn uses(words: &[&str], is_free: impl Fn(&str) -> bool) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, text) in files("src", "rs") {
        if is_free(&name) {
            continue;
        }
        for (number, line) in code(&text) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                broken.push(format!("{name}:{number}: {word}"));
            }
        }
    }
    broken
}

#[test]
fn sql_stands_in_stores_only() {
    let is_free = |name: &str| {
        name.ends_with("/store.rs")
            || name.contains("/store/")
            || name.starts_with("src/db/")
            || name == "src/tenant_db/postgres.rs"
            || name.starts_with("src/tenant_db/postgres/")
    };
    let words = ["sqlx::query", "sqlx::raw_sql", "query_as!(", "query!(", "query_scalar!("];
    assert_none("SQL stands in store.rs, src/db/ and src/tenant_db/postgres.rs only", &uses(&words, is_free));
}

#[test]
fn each_foreign_system_is_named_in_one_place() {
    let broken = uses(&["bollard::", "use bollard"], |name| {
        name == "src/engine/swarm.rs" || name.starts_with("src/engine/swarm/")
    });
    assert_none("only src/engine/swarm.rs names bollard", &broken);
    assert_none(
        "only src/mail/transport.rs names lettre",
        &uses(&["lettre::"], |name| name == "src/mail/transport.rs"),
    );
    assert_none("only src/dns/mod.rs names hickory", &uses(&["hickory_"], |name| name == "src/dns/mod.rs"));
    let broken = uses(&["typst", "en16931"], |_| false);
    assert_none("typst and the e-invoices stand behind crates/papers", &broken);
    assert_none(
        "only src/payments/stripe.rs names Stripe's paths",
        &uses(&["\"/v1/"], |name| name == "src/payments/stripe.rs"),
    );
    assert_none(
        "only src/books/odoo.rs names the paths of Odoo's external API",
        &uses(&["/json/2"], |name| name == "src/books/odoo.rs"),
    );
    assert_none(
        "only src/exports/columnar.rs names parquet",
        &uses(&["parquet::"], |name| name == "src/exports/columnar.rs"),
    );
    assert_none("only src/acme/mod.rs names instant-acme", &uses(&["instant_acme"], |name| name == "src/acme/mod.rs"));
}

#[test]
fn only_the_configuration_reads_the_environment_and_only_the_clock_asks_the_time() {
    let words = ["env::var", "env::vars", "std::env::args"];
    assert_none("only src/config/ reads the environment", &uses(&words, |name| name.starts_with("src/config/")));
    let words = ["Utc::now()", "SystemTime::now()", "Local::now()"];
    assert_none("only src/base/clock.rs asks the time", &uses(&words, |name| name == "src/base/clock.rs"));
}

#[test]
fn what_decides_is_pure() {
    let pure = ["plan.rs", "placement.rs", "rollup.rs", "table.rs", "spec.rs", "policy.rs", "rule.rs"];
    let broken = uses(&["async ", ".await", "Clock"], |name| {
        let file = name.rsplit('/').next().unwrap_or_default();
        if name.starts_with("src/billing/rating/") {
            return ["account.rs", "store.rs"].contains(&file);
        }
        // A page about plans is called plan.rs too.
        name.starts_with("src/web/") || !pure.contains(&file)
    });
    assert_none(
        "plan.rs, placement.rs, rollup.rs, table.rs, spec.rs, policy.rs, rule.rs and rating have no async and no clock",
        &broken,
    );
}

/// Arrows that go the other way, each with its reason.
const BENT: &[(&str, &str)] = &[
    // A sample is what the engine and the tenants' server say at one moment.
    ("metering", "engine"),
    ("metering", "tenant_db"),
    // A host is known by the engine's own name of its node.
    ("hosts", "engine"),
    // Jobs write links into mails: urls.rs is pure.
    ("jobs", "web"),
];

/// Stores that another folder may read: the pool's turn places spares in its own transaction; caught mails are nobody's
/// business; certificates are written by the worker and read by the proxy, and no use case stands between.
const OPEN_STORES: &[(&str, &str)] =
    &[("reconcile", "hosts"), ("web", "mail"), ("reconcile", "certificates"), ("proxy", "certificates")];

/// Which way arrows go: a folder may use those that stand in an earlier or the same row.
const ROWS: &[&[&str]] = &[
    &["base"],
    &["certificates", "config", "db", "handover", "i18n", "portal", "queue", "telemetry"],
    &[
        "accounts",
        "audit",
        "billing",
        "domains",
        "environments",
        "exports",
        "hosts",
        "metering",
        "odoo",
        "plans",
        "sandboxes",
        "staff",
    ],
    &["acme", "books", "dns", "engine", "mail", "payments", "tenant_db"],
    &["doctor", "governor", "jobs", "proxy", "reconcile", "web"],
    &["cli"],
];

#[test]
fn arrows_go_one_way() {
    let row_of = |folder: &str| ROWS.iter().position(|row| row.contains(&folder));
    let mut broken = Vec::new();
    for (name, text) in files("src", "rs") {
        let folder = name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
        if ["lib", "main"].contains(&folder) {
            continue;
        }
        let Some(own) = row_of(folder) else {
            broken.push(format!("{name}: src/{folder} is in no row of tests/tidy.rs"));
            continue;
        };
        for (number, line) in code(&text) {
            for used in line.split("crate::").skip(1) {
                let used =
                    used.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
                if row_of(used).is_some_and(|row| row > own) && !BENT.contains(&(folder, used)) {
                    broken.push(format!("{name}:{number}: {folder} uses {used}"));
                }
                let is_foreign_store = line.contains(&format!("crate::{used}::store")) && used != folder;
                if is_foreign_store && !OPEN_STORES.contains(&(folder, used)) {
                    broken.push(format!("{name}:{number}: {folder} uses the store of {used}"));
                }
            }
        }
    }
    assert_none("base ← machinery ← domain ← outside world ← what runs ← cli", &broken);
}

/// Messages of a language: key (with `.attribute`) and the names of the values in its text.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files(&format!("locales/{language}"), "ftl") {
        let (mut key, mut message) = (String::new(), String::new());
        for line in text.lines() {
            if line.starts_with('#') {
                continue;
            }
            if let Some((left, _)) =
                line.split_once('=').filter(|_| line.starts_with(|letter: char| letter.is_ascii_lowercase()))
            {
                left.trim().clone_into(&mut message);
                key.clone_from(&message);
                assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "{name}: {key} stands twice");
            } else if let Some((left, _)) = line.trim_start().strip_prefix('.').and_then(|line| line.split_once('=')) {
                key = format!("{message}.{}", left.trim());
                found.insert(key.clone(), BTreeSet::new());
            }
            for part in line.split('$').skip(1) {
                let value = part
                    .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-')
                    .next()
                    .unwrap();
                found.get_mut(&key).unwrap().insert(value.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_text_exists_in_every_language_with_the_same_values() {
    let english = messages("en");
    let mut broken = Vec::new();
    for language in ["fr", "ar"] {
        let other = messages(language);
        for (key, values) in &english {
            match other.get(key) {
                None => broken.push(format!("{language} lacks {key}")),
                // A plural form may say a number in words.
                Some(there) if there != values => {
                    broken.push(format!("{language}: {key} has {there:?}, English {values:?}"));
                }
                Some(_) => {}
            }
        }
        broken.extend(
            other.keys().filter(|key| !english.contains_key(*key)).map(|key| format!("only {language} has {key}")),
        );
    }
    assert_none("texts agree in French, English and Arabic", &broken);
}

/// Every quoted word in the program and the templates.
fn quoted() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (_, text) in files("src", "rs").into_iter().chain(files("templates", "html")) {
        words.extend(text.split('"').map(str::to_owned));
    }
    words
}

#[test]
fn every_text_is_used() {
    let quoted = quoted();
    // A key that is put together: `format!("role-{}-detail", …)` uses every key that fits around the hole.
    let patterns: Vec<Vec<&str>> = quoted
        .iter()
        .filter(|word| word.contains('{') && word.contains('-') && !word.contains(' '))
        .map(|word| holes(word))
        .collect();
    let prefixes: Vec<&str> =
        quoted.iter().filter(|word| word.ends_with('-') && word.len() > 3).map(String::as_str).collect();
    let mut broken = Vec::new();
    for key in messages("en").keys() {
        let is_used = quoted.contains(key)
            || patterns.iter().any(|parts| fits(key, parts))
            || prefixes.iter().any(|prefix| key.starts_with(prefix));
        if !is_used {
            broken.push(key.clone());
        }
    }
    assert_none("every text is used", &broken);
}

fn holes(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    parts.push(rest);
    parts
}

fn fits(key: &str, parts: &[&str]) -> bool {
    let Some(mut rest) = key.strip_prefix(parts[0]).filter(|_| !parts[0].is_empty()) else { return false };
    for part in &parts[1..] {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    parts.last().is_some_and(|last| last.is_empty()) || rest.is_empty()
}

#[test]
fn every_text_that_a_page_asks_for_exists() {
    let known = messages("en");
    let mut broken = Vec::new();
    for (name, text) in files("src", "rs").into_iter().chain(files("templates", "html")) {
        let text = without_tests(&text);
        for call in [".t(\"", ".t1(\"", ".t2(\"", ".text(\"", ".with(\"", "Problem::key(\""] {
            for part in text.split(call).skip(1) {
                let key = part.split('"').next().unwrap();
                if !known.contains_key(key) {
                    broken.push(format!("{name}: {key}"));
                }
            }
        }
    }
    assert_none("every key exists", &broken);
}

#[test]
fn templates_hold_no_text_no_style_and_no_script() {
    let mut broken = Vec::new();
    for (name, text) in files("templates", "html") {
        // Mail programs know neither our style sheet nor a policy.
        // The proxy's pages stand alone, under a policy of their own.
        let is_mail = name.contains("mail") && !name.contains("pages/");
        if is_mail || name.starts_with("templates/proxy/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for bad in [" style=", "<style", " onclick=", " onchange=", " onsubmit=", "<script>", "javascript:"] {
                if line.contains(bad) {
                    broken.push(format!("{name}:{}: {bad}", number + 1));
                }
            }
            if line.contains("<form") && line.contains("method=\"post\"") {
                let near: String = text.lines().skip(number).take(3).collect();
                // The form of Open Odoo goes to the instance and carries its own single-use ticket.
                if !near.contains("csrf") && name != "templates/pages/instances/open.html" {
                    broken.push(format!("{name}:{}: a form without a token", number + 1));
                }
            }
        }
    }
    assert_none("the content security policy allows our own files only, and every form has its token", &broken);
}

#[test]
fn links_in_documents_resolve() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = files("docs", "md");
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        if let Ok(text) = fs::read_to_string(root.join(name)) {
            all.push((name.to_owned(), text));
        }
    }
    let mut broken = Vec::new();
    for (name, text) in all {
        let folder = root.join(&name).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).map(|part| part.split(')').next().unwrap()) {
            let path = link.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:") && !folder.join(path).exists()
            {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert_none("links in documents resolve", &broken);
}

#[test]
fn every_job_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/jobs.md")).unwrap();
    let rows: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(rows, sayoo::jobs::KINDS.iter().copied().collect(), "docs/jobs.md lists every job");
}

#[test]
fn each_migration_has_its_own_time() {
    let mut seen = BTreeMap::new();
    let mut broken = String::new();
    for (name, _) in files("migrations", "sql") {
        let time = name.trim_start_matches("migrations/").split('_').next().unwrap().to_owned();
        if time.len() != 14 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            write!(broken, "{name} has no time of 14 digits; ").unwrap();
        }
        if let Some(other) = seen.insert(time, name.clone()) {
            write!(broken, "{name} and {other} have the same time; ").unwrap();
        }
    }
    assert!(broken.is_empty(), "{broken}");
}
