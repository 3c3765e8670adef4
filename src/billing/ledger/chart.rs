//! The accounts of the ledger, as accountants of each country number them. Pure.
//!
//! France: plan comptable général. Morocco: code général de la normalisation comptable. An accountant may change both
//! code and name of a row; the program finds it by its role.

use super::Role;

/// Returns code and name of an account in a seller's country.
#[must_use]
pub fn account(country: &str, role: Role) -> (&'static str, &'static str) {
    let is_moroccan = country == "MA";
    match (role, is_moroccan) {
        (Role::Receivable, false) => ("411000", "Clients"),
        (Role::Receivable, true) => ("3421", "Clients"),
        (Role::Revenue, false) => ("706000", "Prestations de services"),
        (Role::Revenue, true) => ("7124", "Ventes de services produits au Maroc"),
        (Role::Vat, false) => ("445710", "TVA collectée"),
        (Role::Vat, true) => ("4455", "État, TVA facturée"),
        (Role::Bank, false) => ("512000", "Banque"),
        (Role::Bank, true) => ("5141", "Banques"),
        (Role::CardClearing, false) => ("511500", "Cartes à encaisser"),
        (Role::CardClearing, true) => ("5115", "Virements de fonds, cartes"),
        (Role::CustomerCredit, false) => ("419100", "Clients, avances et acomptes reçus"),
        (Role::CustomerCredit, true) => ("4421", "Clients, avances et acomptes reçus"),
        (Role::Fees, false) => ("627800", "Commissions sur moyens de paiement"),
        (Role::Fees, true) => ("6147", "Services bancaires"),
        (Role::OtherIncome, false) => ("758000", "Produits divers de gestion courante"),
        (Role::OtherIncome, true) => ("7188", "Autres produits d’exploitation"),
        (Role::VatWithheld, false) => ("445800", "TVA à régulariser"),
        (Role::VatWithheld, true) => ("34552", "État, TVA retenue à la source"),
        (Role::Loss, false) => ("654000", "Pertes sur créances irrécouvrables"),
        (Role::Loss, true) => ("6182", "Pertes sur créances irrécouvrables"),
        (Role::Gifts, false) => ("623400", "Cadeaux à la clientèle"),
        (Role::Gifts, true) => ("61447", "Cadeaux à la clientèle"),
        (Role::Exchange, false) => ("666000", "Pertes de change"),
        (Role::Exchange, true) => ("6331", "Pertes de change"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_role_has_an_account_of_its_own_in_each_country() {
        for country in ["FR", "MA"] {
            let codes: BTreeSet<_> = Role::ALL.iter().map(|role| account(country, *role).0).collect();
            assert_eq!(codes.len(), Role::ALL.len(), "{country}");
        }
    }
}
