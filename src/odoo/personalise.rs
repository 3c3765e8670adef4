//! The SQL that makes a fresh clone the customer's own: company, user, address, identity.
//!
//! It is run by the tenant's own role, on a cold clone or under a spare's running Odoo, which then drops its caches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What a clone becomes.
#[derive(Clone, Copy, Debug)]
pub struct Personal<'a> {
    /// Whose it is: the environment's id. A database that belongs to another one is left alone, with an error.
    pub owner: &'a str,
    /// The administrator's login and e-mail address.
    pub admin_email: &'a str,
    /// The administrator's name.
    pub admin_name: &'a str,
    /// Odoo's code: `fr_FR`. The template must have it installed.
    pub language: &'a str,
    /// IANA name.
    pub timezone: &'a str,
    /// The company's name.
    pub company: &'a str,
    /// ISO 3166 code.
    pub country: &'a str,
    /// ISO 4217 code.
    pub currency: &'a str,
    /// The instance's public address: `https://acme.example.net`.
    pub address: &'a str,
}

/// Returns the statements that make a clone the customer's own. Running them again changes nothing but the address, which may be
/// another one by then.
///
/// `entropy` becomes the salt and hash of a password that nobody knows: people come in through the portal, and may set
/// a password in Odoo later.
#[must_use]
pub fn statements(personal: &Personal<'_>, entropy: &[u8; 80]) -> Vec<String> {
    let hash = password_hash(entropy);
    let values = [
        ("{owner}", personal.owner),
        ("{admin_email}", personal.admin_email),
        ("{admin_name}", personal.admin_name),
        ("{password_hash}", hash.as_str()),
        ("{language}", personal.language),
        ("{timezone}", personal.timezone),
        ("{company}", personal.company),
        ("{country}", personal.country),
        ("{currency}", personal.currency),
    ];
    [vec![filled(include_str!("personalise.sql"), &values)], readdress(personal.address)].concat()
}

/// Returns the statement that refuses what was ordered before something newer was done. It comes first.
#[must_use]
pub fn guard(generation: i64) -> String {
    include_str!("guard.sql").replace("{generation}", &generation.max(0).to_string())
}

/// Returns the statements that tell Odoo its new public address.
#[must_use]
pub fn readdress(address: &str) -> Vec<String> {
    vec![filled(include_str!("readdress.sql"), &[("{address}", address)])]
}

/// Puts the values in. A value is written as hexadecimal digits, so none can be read as a place for another.
fn filled(sql: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(sql.to_owned(), |sql, (place, value)| sql.replace(place, &literal(value)))
}

/// Writes a text as SQL. No value, and no setting of the tenant's, can make it mean anything else.
fn literal(text: &str) -> String {
    // PostgreSQL's texts cannot hold NUL.
    let text = text.replace('\0', "");
    format!("pg_catalog.convert_from(pg_catalog.decode('{}', 'hex'), 'UTF8')", hex::encode(text))
}

/// Writes a hash as passlib's `pbkdf2_sha512` does, of no password that anybody knows.
fn password_hash(entropy: &[u8; 80]) -> String {
    let (salt, hash) = entropy.split_at(16);
    let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes).replace('+', ".");
    format!("$pbkdf2-sha512$600000${}${}", encode(salt), encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn personal() -> Personal<'static> {
        Personal {
            owner: "0193",
            admin_email: "zoe@example.com",
            admin_name: "Zoé",
            language: "fr_FR",
            timezone: "Africa/Casablanca",
            company: "L'Épicerie $personalise$; DROP TABLE res_users; --{owner}",
            country: "MA",
            currency: "MAD",
            address: "https://acme.example.net",
        }
    }

    #[test]
    fn no_value_is_read_as_sql() {
        let sql = statements(&personal(), &[7; 80]).join(";");
        assert!(!sql.contains("DROP TABLE"));
        assert!(sql.contains(&hex::encode(personal().company)));
        assert_eq!(sql.matches("$personalise$").count(), 2, "the block ends where it should");
        let places = ["{owner}", "{admin", "{password", "{lang", "{time", "{comp", "{country", "{curr", "{address"];
        assert!(places.iter().all(|place| !sql.contains(place)), "every place is filled");
        assert!(sql.contains(&hex::encode(personal().address)));
        assert!(!readdress("https://x").join("").contains("{address}"));
    }

    #[test]
    fn the_password_hash_has_the_form_that_odoo_reads() {
        let hash = password_hash(&[0xfb; 80]);
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!(parts[..3], ["", "pbkdf2-sha512", "600000"]);
        assert_eq!((parts[3].len(), parts[4].len()), (22, 86));
        assert!(!hash.contains('+') && !hash.contains('='));
    }
}
