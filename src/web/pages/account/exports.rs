//! `/account/billing/exports`: the organisation's own usage, charges, invoices and payments as files.

use actix_web::web::{Data, Query};
use askama::Template;

use crate::accounts::policy::Action;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::download::{Form, What, Whose, Wish};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::pages::billing::{Tab, tabs};
use crate::web::urls;

/// Asks which file.
pub async fn get(member: Member, wish: Query<Wish>) -> Answer {
    member.require(Action::SeeCosts)?;
    answer::page(&ExportsPage::new(member.layout, &wish, None))
}

/// Gives the file. Whatever the address says, it holds the organisation's own rows only.
pub async fn file(portal: Data<Portal>, member: Member, wish: Query<Wish>) -> Answer {
    member.require(Action::SeeCosts)?;
    let asked = match wish.read(What::of_customers(), Whose::Own(member.account)) {
        Ok(asked) => asked.answer(&portal, member.layout.now).await?,
        Err(key) => Err(key),
    };
    match asked {
        Ok(file) => Ok(file),
        Err(key) => answer::again(&ExportsPage::new(member.layout, &wish, Some(key))),
    }
}

#[derive(Template)]
#[template(path = "pages/account/exports.html")]
struct ExportsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    form: Form,
}

impl ExportsPage {
    fn new(layout: Layout, wish: &Wish, problem: Option<&str>) -> Self {
        let form = Form::new(&layout, What::of_customers(), wish, problem);
        Self { tabs: tabs(&layout, &urls::account_exports()), form, layout }
    }
}
