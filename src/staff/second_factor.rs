//! Time-based one-time codes (RFC 6238): pure, the time is an argument.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp};

use crate::base::secret::new_code;

/// How many recovery codes a staff member gets.
const RECOVERY_CODES: usize = 8;

/// A freshly made secret of 160 bits (RFC 4226, 4, R6).
#[must_use]
pub fn new_secret() -> Vec<u8> {
    rand::random::<[u8; 20]>().to_vec()
}

fn totp(secret: &[u8], email: &str, company: &str) -> Totp {
    // Issuer and account must not hold a colon: it separates them in the address.
    let clean = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_issuer(Some(clean(company)))
        .with_account_name(clean(email))
        .build_noncompliant()
}

/// Returns the time step that a code belongs to, when it is right now, 30 seconds ago or 30 seconds ahead.
///
/// The caller refuses a step that is not newer than the last one used: a code works once (ASVS 6.5.1).
#[must_use]
pub fn matching_step(secret: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 6 {
        return None;
    }
    let seconds = u64::try_from(now.timestamp()).ok()?;
    let step = totp(secret, "", "").check(&digits, seconds)?;
    i64::try_from(step).ok()
}

/// Returns the code of this moment. For tests and for the command line only: nobody should need it elsewhere.
#[must_use]
pub fn code_at(secret: &[u8], now: DateTime<Utc>) -> String {
    totp(secret, "", "").generate(u64::try_from(now.timestamp()).unwrap_or(0)).to_string()
}

/// What an authenticator application needs.
pub struct Enrolment {
    /// The picture to scan, as an SVG document.
    pub qr_svg: String,
    /// The same for typing, in groups of four.
    pub typed: String,
}

/// Returns what to show to somebody who sets up the second factor.
pub fn enrolment(secret: &[u8], email: &str, company: &str) -> anyhow::Result<Enrolment> {
    let address = totp(secret, email, company).to_url()?;
    let qr = qrcode::QrCode::new(address.as_bytes())?;
    let qr_svg = qr.render::<qrcode::render::svg::Color<'_>>().min_dimensions(220, 220).quiet_zone(true).build();
    let base32 = Secret::from(secret.to_vec()).to_base32();
    let typed = base32
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    // Only the <svg> element: an XML declaration has no place inside a page.
    let start = qr_svg.find("<svg").unwrap_or(0);
    Ok(Enrolment { qr_svg: qr_svg[start..].to_owned(), typed })
}

/// Returns new recovery codes: each logs in once when the authenticator is lost.
#[must_use]
pub fn new_recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| format!("{}-{}", new_code(5), new_code(5))).collect()
}

/// Folds what a person typed into the form a recovery code has; `None` when it cannot be one.
#[must_use]
pub fn parse_recovery_code(typed: &str) -> Option<String> {
    let plain: String = typed.trim().to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    (plain.len() == 10).then(|| format!("{}-{}", &plain[..5], &plain[5..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // RFC 6238, appendix B, SHA-1, the last six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            assert_eq!(code_at(secret, at), code);
            assert_eq!(matching_step(secret, code, at), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_before_and_after_only() {
        let secret = new_secret();
        let now = DateTime::from_timestamp(1_800_000_015, 0).unwrap();
        let code = code_at(&secret, now);
        for (seconds, is_good) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let then = now + chrono::TimeDelta::seconds(seconds);
            assert_eq!(matching_step(&secret, &code, then).is_some(), is_good, "{seconds}");
        }
        assert_eq!(matching_step(&secret, "12345", now), None);
        assert_eq!(matching_step(&secret, "", now), None);
    }

    #[test]
    fn a_recovery_code_may_be_typed_in_any_dress() {
        let code = &new_recovery_codes()[0];
        assert_eq!(parse_recovery_code(&format!(" {} ", code.to_uppercase().replace('-', " "))).as_ref(), Some(code));
        assert_eq!(parse_recovery_code("short"), None);
    }

    #[test]
    fn an_enrolment_names_the_company_and_the_person() {
        let shown = enrolment(&[1; 20], "zoe@example.com", "Sayoo: Casa").unwrap();
        assert!(shown.qr_svg.starts_with("<svg"));
        assert_eq!(shown.typed.replace(' ', "").len(), 32);
    }
}
