//! A request that may have to be sent once more. Pure.
//!
//! Hardly any is, and all of them pay for the copy: so it is one piece of text, and not a map with two dozen parts of its own.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

/// Room for the headers of most requests.
const USUAL: usize = 1_024;

/// All of a request without a body.
#[derive(Debug)]
pub struct Again {
    method: Method,
    uri: Uri,
    /// Names and values, which contain no colon and no end of line.
    headers: Vec<u8>,
}

impl Again {
    /// Copies a request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        let mut headers = Vec::with_capacity(USUAL);
        for (name, value) in &parts.headers {
            headers.extend_from_slice(name.as_str().as_bytes());
            headers.push(b':');
            headers.extend_from_slice(value.as_bytes());
            headers.push(b'\n');
        }
        Self { method: parts.method.clone(), uri: parts.uri.clone(), headers }
    }

    /// Makes it a request again.
    #[must_use]
    pub fn request<B>(self, body: B) -> Request<B> {
        let mut headers = HeaderMap::new();
        for line in self.headers.split(|byte| *byte == b'\n') {
            if let Some(colon) = memchr::memchr(b':', line)
                && let Ok(name) = HeaderName::from_bytes(&line[..colon])
                && let Ok(value) = HeaderValue::from_bytes(&line[colon + 1..])
            {
                headers.append(name, value);
            }
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_was() {
        let request = Request::get("/a?b=c")
            .header("x-empty", "")
            .header("cookie", "a:b; c")
            .header("accept", "text/html")
            .header("accept", HeaderValue::from_bytes(b"caf\xe9").unwrap())
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let again = Again::of(&parts).request(());
        assert_eq!((again.method(), again.uri()), (&parts.method, &parts.uri));
        assert_eq!(again.headers(), &parts.headers);
    }
}
