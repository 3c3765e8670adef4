//! The papers of one document on their way from the program that makes them (`sayoo-papers`) to whoever asked.

use std::str;

/// The papers of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Papers {
    /// UN/CEFACT CII, as it stands in the PDF.
    pub cii: String,
    /// UBL 2.1.
    pub ubl: String,
    /// PDF/A-3b with its CII in it.
    pub pdf: Vec<u8>,
}

/// What came is not the whole of a document's papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the papers came incomplete")]
pub struct Incomplete;

impl Papers {
    /// Returns them as bytes: a line with three lengths in bytes, then CII, UBL and PDF.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} {}\n", self.cii.len(), self.ubl.len(), self.pdf.len()).into_bytes();
        bytes.extend_from_slice(self.cii.as_bytes());
        bytes.extend_from_slice(self.ubl.as_bytes());
        bytes.extend_from_slice(&self.pdf);
        bytes
    }

    /// Reads what [`Papers::to_bytes`] wrote. A program that was stopped in the middle has written less than it announced.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Incomplete> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Incomplete)?;
        let (head, rest) = (&bytes[..end], &bytes[end + 1..]);
        let head = str::from_utf8(head).map_err(|_| Incomplete)?;
        let lengths: Vec<usize> = head.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| Incomplete)?;
        let &[cii, ubl, pdf] = lengths.as_slice() else { return Err(Incomplete) };
        let (cii, rest) = rest.split_at_checked(cii).ok_or(Incomplete)?;
        let (ubl, rest) = rest.split_at_checked(ubl).ok_or(Incomplete)?;
        if rest.len() != pdf {
            return Err(Incomplete);
        }
        let text = |part: &[u8]| str::from_utf8(part).map(str::to_owned).map_err(|_| Incomplete);
        Ok(Self { cii: text(cii)?, ubl: text(ubl)?, pdf: rest.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Incomplete, Papers};

    #[test]
    fn what_was_written_is_read_and_half_of_it_is_refused() {
        let papers = Papers { cii: "<a>é</a>".into(), ubl: "<b/>".into(), pdf: b"%PDF\n\xff".to_vec() };
        let bytes = papers.to_bytes();
        assert_eq!(Papers::from_bytes(&bytes), Ok(papers));
        for end in 0..bytes.len() {
            assert_eq!(Papers::from_bytes(&bytes[..end]), Err(Incomplete), "after {end} bytes");
        }
        assert_eq!(Papers::from_bytes(&[bytes, b"x".to_vec()].concat()), Err(Incomplete), "one byte too many");
    }
}
