//! What one look knows of one Odoo: its journals, accounts and taxes, asked for once.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::odoo::{self, CallError, Odoo};
use crate::config::books::Books;

/// The name of the key in our file and of the record there, or what a person has to do.
type Found = Result<i64, String>;

/// One Odoo, during one look.
pub struct Desk<'a> {
    /// What is configured.
    pub config: &'a Books,
    /// The Odoo.
    pub odoo: &'a Odoo,
    journals: HashMap<String, Found>,
    accounts: HashMap<String, Found>,
    taxes: HashMap<(String, Decimal), Found>,
}

impl<'a> Desk<'a> {
    /// Knows nothing yet.
    pub fn new(config: &'a Books, odoo: &'a Odoo) -> Self {
        Self { config, odoo, journals: HashMap::new(), accounts: HashMap::new(), taxes: HashMap::new() }
    }

    /// The journal with a code.
    pub async fn journal(&mut self, code: &str) -> Result<Found, CallError> {
        if let Some(known) = self.journals.get(code) {
            return Ok(known.clone());
        }
        let found = self.by_code("account.journal", code).await?;
        self.journals.insert(code.to_owned(), found.clone());
        Ok(found)
    }

    /// The account with a code.
    pub async fn account(&mut self, code: &str) -> Result<Found, CallError> {
        if let Some(known) = self.accounts.get(code) {
            return Ok(known.clone());
        }
        let found = self.by_code("account.account", code).await?;
        self.accounts.insert(code.to_owned(), found.clone());
        Ok(found)
    }

    async fn by_code(&self, model: &str, code: &str) -> Result<Found, CallError> {
        let found = self.odoo.search(model, &self.of_company(model, json!(["code", "=", code])), &["id"]).await?;
        Ok(match found.as_slice() {
            [one] => odoo::id(&one["id"]).ok_or_else(|| format!("{model} {code} has no id")),
            [] => Err(format!("there is no {model} with the code {code} in Odoo")),
            _ => Err(format!("there are several {model} with the code {code} in Odoo: configure `company`")),
        })
    }

    /// The tax of a category and rate: what is configured, or the only one on sales at that rate. 0: none.
    pub async fn tax(&mut self, category: &str, rate: Decimal) -> Result<Found, CallError> {
        let key = (category.to_owned(), rate.normalize());
        if let Some(tax) = self.config.tax(category, rate) {
            return Ok(Ok(tax));
        }
        if let Some(known) = self.taxes.get(&key) {
            return Ok(known.clone());
        }
        let is_like = json!([["type_tax_use", "=", "sale"], ["amount_type", "=", "percent"]]);
        let domain = self.of_company("account.tax", is_like);
        let all = self.odoo.search("account.tax", &domain, &["name", "amount", "tax_scope", "price_include"]).await?;
        let is_at_rate = |tax: &&Value| {
            let amount = tax["amount"].as_number().and_then(|amount| amount.to_string().parse::<Decimal>().ok());
            amount == Some(key.1) && tax["price_include"] != true
        };
        let at_rate: Vec<&Value> = all.iter().filter(is_at_rate).collect();
        let services: Vec<&Value> = at_rate.iter().copied().filter(|tax| tax["tax_scope"] == "service").collect();
        let found = match (at_rate.as_slice(), services.as_slice()) {
            ([one], _) | (_, [one]) => odoo::id(&one["id"]).ok_or_else(|| "a tax has no id".to_owned()),
            (several, _) => {
                let named: Vec<String> = several
                    .iter()
                    .map(|tax| format!("{} {}", tax["id"], tax["name"].as_str().unwrap_or_default()))
                    .collect();
                let which = if named.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("there are {}", named.join(", "))
                };
                Err(format!("which tax is {category}{}? Name it among the configured `taxes` ({which})", key.1))
            }
        };
        self.taxes.insert(key, found.clone());
        Ok(found)
    }

    /// A condition, or several of them, and that of the company.
    fn of_company(&self, model: &str, conditions: Value) -> Value {
        let mut all = match conditions {
            Value::Array(several) if several.first().is_some_and(Value::is_array) => several,
            one => vec![one],
        };
        if let Some(company) = self.config.company {
            // Accounts may be of several companies.
            let (field, operator, value) = if model == "account.account" {
                ("company_ids", "in", json!([company]))
            } else {
                ("company_id", "=", json!(company))
            };
            all.push(json!([field, operator, value]));
        }
        Value::Array(all)
    }
}

/// The external id of a thing of ours, as `load` wants it: `document_0197…`.
pub fn external(kind: &str, id: uuid::Uuid) -> String {
    format!("{kind}_{id}")
}

/// The external id of a currency.
pub fn currency(code: &str) -> String {
    format!("base.{}", code.to_ascii_uppercase())
}
