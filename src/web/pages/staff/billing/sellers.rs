//! `/staff/billing/sellers`: our own companies, and what stands on their documents.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;
use sayoo_document as paper;

use super::{AskedLine, Tab, is_asked, tabs, told};
use crate::base::ids::{InstructionId, SellerId};
use crate::base::money::{Currency, Money};
use crate::billing::instructions::{self, AskError, Wanted};
use crate::billing::sellers::{self, Details, Seller, Terms};
use crate::billing::transfers::statement;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::Layout;
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/billing/sellers.html")]
struct SellersPage {
    layout: Layout,
    tabs: Vec<Tab>,
    lines: Vec<SellerLine>,
}

struct SellerLine {
    url: String,
    code: String,
    name: String,
    currency: String,
    payment_days: i32,
    trial_days: i32,
    four_eyes: String,
    is_complete: bool,
}

/// Lists them.
pub async fn list(portal: Data<Portal>, staff: Staff) -> Answer {
    let layout = staff.layout;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let all = sellers::list(&mut db).await?;
    let lines = all.iter().map(|seller| SellerLine {
        url: urls::staff_seller(seller.id),
        code: seller.code.clone(),
        name: seller.details.as_ref().map(|details| details.seller.name.clone()).unwrap_or_default(),
        currency: seller.currency.code().to_owned(),
        payment_days: seller.payment_days,
        trial_days: seller.trial_days,
        four_eyes: formats(&layout).money(seller.four_eyes),
        is_complete: seller.details.is_some(),
    });
    let lines = lines.collect();
    answer::page(&SellersPage { tabs: tabs(&layout, &urls::staff_sellers()), lines, layout })
}

#[derive(Template)]
#[template(path = "pages/staff/billing/seller.html")]
struct SellerPage {
    layout: Layout,
    code: String,
    is_french: bool,
    is_complete: bool,
    currency: String,
    form: SellerForm,
    problems: Problems,
    asked: Vec<AskedLine>,
    is_asked: bool,
    post_url: String,
}

/// What is typed. A field that is missing is empty.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct SellerForm {
    key: String,
    name: String,
    legal_form: String,
    capital: String,
    street: String,
    postcode: String,
    city: String,
    siren: String,
    siret: String,
    rcs_city: String,
    vat_number: String,
    ice: String,
    tax_id: String,
    rc_number: String,
    rc_city: String,
    professional_tax: String,
    cnss: String,
    email: String,
    phone: String,
    website: String,
    holder: String,
    bank_name: String,
    iban: String,
    rib: String,
    bic: String,
    penalties: String,
    penalty_rate: String,
    recovery_fee: String,
    vat_on_debits: String,
    remark: String,
    payment_days: String,
    trial_days: String,
    four_eyes: String,
    reason: String,
}

impl SellerForm {
    fn of(seller: &Seller) -> Self {
        let exact = |amount: Decimal| amount.normalize().to_string();
        let mut form = Self {
            payment_days: seller.payment_days.to_string(),
            trial_days: seller.trial_days.to_string(),
            four_eyes: exact(seller.four_eyes.exact()),
            ..Self::default()
        };
        let is_french = seller.country == "FR";
        let Some(details) = &seller.details else {
            // What the law says where nothing is said yet.
            if is_french {
                "ecb_plus_ten".clone_into(&mut form.penalties);
                "40".clone_into(&mut form.recovery_fee);
            }
            return form;
        };
        let it = details.seller.clone();
        let some = |text: Option<String>| text.unwrap_or_default();
        form.name = it.name;
        form.legal_form = it.legal_form;
        form.capital = it.capital.map(|capital| exact(capital.amount)).unwrap_or_default();
        form.street = it.address.lines.join("\n");
        form.postcode = some(it.address.postcode);
        form.city = it.address.city;
        match it.identifiers {
            paper::SellerIdentifiers::France(ids) => {
                (form.siren, form.siret) = (ids.siren, ids.siret);
                (form.rcs_city, form.vat_number) = (ids.rcs_city, ids.vat_number);
            }
            paper::SellerIdentifiers::Morocco(ids) => {
                (form.ice, form.tax_id, form.rc_number) = (ids.ice, ids.tax_id, ids.rc_number);
                (form.rc_city, form.professional_tax) = (ids.rc_city, ids.professional_tax);
                form.cnss = some(ids.cnss);
            }
        }
        (form.email, form.phone, form.website) = (it.email, some(it.phone), some(it.website));
        if let Some(bank) = it.bank {
            (form.holder, form.bank_name) = (bank.holder, bank.bank_name);
            (form.iban, form.rib, form.bic) = (some(bank.iban), some(bank.rib), some(bank.bic));
        }
        match details.late_penalties {
            Some(paper::LatePenalties::EcbPlusTen) => "ecb_plus_ten".clone_into(&mut form.penalties),
            Some(paper::LatePenalties::ThreeTimesLegal) => "three_times_legal".clone_into(&mut form.penalties),
            Some(paper::LatePenalties::Percent { rate }) => {
                "percent".clone_into(&mut form.penalties);
                form.penalty_rate = exact(rate);
            }
            None => {}
        }
        form.recovery_fee = details.recovery_fee.map(exact).unwrap_or_default();
        if details.vat_on_debits { "yes" } else { "" }.clone_into(&mut form.vat_on_debits);
        form.remark = some(details.remark.clone());
        form
    }

    /// Reads it as terms of a company. A number that cannot be read becomes one that is refused.
    fn terms(&self, seller: &Seller) -> Terms {
        let some = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let amount = |text: &str| Decimal::new(statement::minor(text).unwrap_or(0), 2);
        let identifiers = if seller.country == "FR" {
            paper::SellerIdentifiers::France(paper::FrenchSeller {
                siren: self.siren.clone(),
                siret: self.siret.clone(),
                rcs_city: self.rcs_city.clone(),
                vat_number: self.vat_number.clone(),
            })
        } else {
            paper::SellerIdentifiers::Morocco(paper::MoroccanSeller {
                ice: self.ice.clone(),
                tax_id: self.tax_id.clone(),
                rc_number: self.rc_number.clone(),
                rc_city: self.rc_city.clone(),
                professional_tax: self.professional_tax.clone(),
                cnss: some(&self.cnss),
            })
        };
        let bank = [&self.holder, &self.bank_name, &self.iban, &self.rib, &self.bic];
        let bank = bank.iter().any(|text| !text.trim().is_empty()).then(|| paper::Bank {
            holder: self.holder.clone(),
            iban: some(&self.iban),
            rib: some(&self.rib),
            bic: some(&self.bic),
            bank_name: self.bank_name.clone(),
        });
        let details = Details {
            seller: paper::Seller {
                name: self.name.clone(),
                legal_form: self.legal_form.clone(),
                capital: Some(paper::Capital {
                    amount: amount(&self.capital),
                    currency: match seller.currency {
                        Currency::Eur => paper::Currency::Eur,
                        Currency::Mad => paper::Currency::Mad,
                    },
                }),
                address: paper::Address {
                    lines: self.street.lines().map(str::to_owned).collect(),
                    postcode: some(&self.postcode),
                    city: self.city.clone(),
                    country: seller.country.clone(),
                },
                identifiers,
                email: self.email.clone(),
                phone: some(&self.phone),
                website: some(&self.website),
                bank,
            },
            late_penalties: match self.penalties.as_str() {
                "ecb_plus_ten" => Some(paper::LatePenalties::EcbPlusTen),
                "three_times_legal" => Some(paper::LatePenalties::ThreeTimesLegal),
                "percent" => {
                    let rate = self.penalty_rate.trim().replace(',', ".").parse().unwrap_or_default();
                    Some(paper::LatePenalties::Percent { rate })
                }
                _ => None,
            },
            recovery_fee: some(&self.recovery_fee).map(|fee| amount(&fee)),
            vat_on_debits: !self.vat_on_debits.is_empty(),
            remark: some(&self.remark),
        };
        Terms {
            details,
            payment_days: self.payment_days.trim().parse().unwrap_or(-1),
            trial_days: self.trial_days.trim().parse().unwrap_or(-1),
            four_eyes: Money::new(statement::minor(&self.four_eyes).unwrap_or(0), seller.currency),
        }
    }
}

/// Shows one of them.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<SellerId>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let seller = sellers::find(&mut db, *id).await?.ok_or(PageError::NotFound)?;
    drop(db);
    let form = SellerForm { key: InstructionId::new(staff.layout.now).to_string(), ..SellerForm::of(&seller) };
    answer::page(&page(&portal, staff.layout, &seller, form, Problems::default()).await?)
}

async fn page(
    portal: &Portal,
    layout: Layout,
    seller: &Seller,
    form: SellerForm,
    problems: Problems,
) -> Result<SellerPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let subject = seller.id.uuid();
    let asked = instructions::about(&mut db, &[subject]).await?.remove(&subject).unwrap_or_default();
    Ok(SellerPage {
        code: seller.code.clone(),
        is_french: seller.country == "FR",
        is_complete: seller.details.is_some(),
        currency: seller.currency.code().to_owned(),
        is_asked: is_asked(&asked),
        asked: asked.iter().map(|it| AskedLine::new(&layout, it)).collect(),
        post_url: urls::staff_seller(seller.id),
        form,
        problems,
        layout,
    })
}

/// Asks the worker to change it, or says field by field why not.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<SellerId>, posted: Posted<SellerForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout);
    let key: InstructionId = form.key.parse().map_err(|_| PageError::BadForm)?;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let seller = sellers::find(&mut db, *id).await?.ok_or(PageError::NotFound)?;
    drop(db);
    let wanted = Wanted::Seller(seller.id, Box::new(form.terms(&seller)));
    let mut problems = Problems::default();
    match instructions::ask(&portal, &staff.member, key, &wanted, &form.reason).await {
        Err(AskError::ReasonNeeded) => problems.add("reason", layout.t("transfers-reason-needed")),
        Err(AskError::Wrong(found)) => {
            for (field, problem) in found {
                problems.add(field, problem.text(layout.texts));
            }
        }
        other => return told(&layout, &urls::staff_seller(seller.id), other),
    }
    answer::again(&page(&portal, layout, &seller, form, problems).await?)
}
