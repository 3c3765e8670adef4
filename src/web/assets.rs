//! The files that browsers load, embedded in the binary under names that change with their content.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Its name in `static/`.
    pub name: &'static str,
    /// Where it is served.
    pub url: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
    /// Its content in gzip, when that is shorter.
    pub gzip: Option<&'static [u8]>,
}

mod files {
    //! Made by `build/assets.rs`.
    use super::Asset;
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// A year: the name changes when the content does.
const KEEP: &str = "public, max-age=31536000, immutable";

/// Returns the address of a file. One that does not exist gets an address that answers 404; a test lets no template ask for one.
#[must_use]
pub fn url(name: &str) -> &'static str {
    files::FILES.iter().find(|asset| asset.name == name).map_or("/assets/missing", |asset| asset.url)
}

/// Returns every embedded file.
#[must_use]
pub fn all() -> &'static [Asset] {
    files::FILES
}

/// `/assets/{file}`: one embedded file.
pub async fn get(request: HttpRequest, file: web::Path<String>) -> HttpResponse {
    let found = files::FILES.iter().find(|asset| asset.url.strip_prefix("/assets/") == Some(file.as_str()));
    let Some(asset) = found else { return HttpResponse::NotFound().finish() };
    let mut response = HttpResponse::Ok();
    response
        .content_type(content_type(asset.name))
        .insert_header((header::CACHE_CONTROL, KEEP))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    match asset.gzip.filter(|_| accepts_gzip(&request)) {
        Some(gzip) => response.insert_header((header::CONTENT_ENCODING, "gzip")).body(gzip),
        // Said aloud, so that no middleware compresses it again.
        None => response.insert_header((header::CONTENT_ENCODING, "identity")).body(asset.bytes),
    }
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let accepted =
        request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').map(str::trim).any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        pieces.next() == Some("gzip") && pieces.all(|piece| piece != "q=0")
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_layout_asks_for_is_embedded() {
        for name in
            ["app.css", "app.js", "icon.svg", "figtree-latin.woff2", "figtree-latin-ext.woff2", "rubik-arabic.woff2"]
        {
            assert!(url(name).starts_with("/assets/") && url(name) != "/assets/missing", "{name}");
        }
    }

    #[test]
    fn styles_name_fonts_by_their_hashed_addresses() {
        let styles =
            all().iter().find(|asset| asset.name == "app.css").map(|asset| String::from_utf8_lossy(asset.bytes));
        let styles = styles.unwrap_or_default();
        assert!(styles.contains(url("figtree-latin.woff2")), "{styles}");
        assert!(!styles.contains("url(\"figtree"));
    }

    #[test]
    fn a_first_visit_weighs_less_than_a_hundred_kilobytes() {
        let weight = |name: &str| {
            all().iter().find(|asset| asset.name == name).map_or(0, |asset| asset.gzip.unwrap_or(asset.bytes).len())
        };
        let latin = weight("app.css") + weight("app.js") + weight("figtree-latin.woff2") + weight("icon.svg");
        // The page itself has ten thousand bytes left of the hundred thousand; Arabic pages load one more font.
        assert!(latin + weight("rubik-arabic.woff2") < 90_000, "{latin} and {}", weight("rubik-arabic.woff2"));
    }

    /// Every template, with its path.
    fn templates(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                templates(&path, found);
            } else {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }

    #[test]
    fn no_page_carries_a_style_or_a_script_that_the_policy_forbids() {
        let mut found = Vec::new();
        templates(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut found);
        // Mails have no policy and no style sheet; the proxy's pages carry the hash of theirs.
        let pages = found.iter().filter(|(path, _)| !["mail", "/proxy/"].iter().any(|part| path.contains(part)));
        for (path, text) in pages {
            for forbidden in [" style=", "<style", "<script>", " onclick=", " onchange=", " onsubmit=", "javascript:"] {
                assert!(!text.contains(forbidden), "{path} contains {forbidden}");
            }
            for asked in text.split("layout.asset(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                assert_ne!(url(asked), "/assets/missing", "{path} asks for {asked}");
            }
        }
    }
}
