//! `/staff/exports`: everybody's usage, charges, invoices, payments and books as files, or one customer's.

use actix_web::web::{Data, Query};
use askama::Template;

use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::download::{Form, What, Whose, Wish};
use crate::web::extract::Staff;
use crate::web::layout::Layout;

/// Asks which file.
pub async fn get(staff: Staff, wish: Query<Wish>) -> Answer {
    let form = Form::new(&staff.layout, What::of_staff(), &wish, None);
    answer::page(&ExportsPage { form, layout: staff.layout })
}

/// Gives the file.
pub async fn file(portal: Data<Portal>, staff: Staff, wish: Query<Wish>) -> Answer {
    let asked = match wish.read(What::of_staff(), Whose::Any) {
        Ok(asked) => asked.answer(&portal, staff.layout.now).await?,
        Err(key) => Err(key),
    };
    match asked {
        Ok(file) => Ok(file),
        Err(key) => {
            let form = Form::new(&staff.layout, What::of_staff(), &wish, Some(key));
            answer::again(&ExportsPage { form, layout: staff.layout })
        }
    }
}

#[derive(Template)]
#[template(path = "pages/staff/exports.html")]
struct ExportsPage {
    layout: Layout,
    form: Form,
}
