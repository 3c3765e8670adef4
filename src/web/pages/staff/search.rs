//! `/staff/search`: one text, everything.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;

use super::accounts::ListQuery;
use super::rows::{AccountLine, HostLine, InstanceLine};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/search.html")]
struct SearchPage {
    layout: Layout,
    text: String,
    accounts: Vec<AccountLine>,
    instances: Vec<InstanceLine>,
    people: Vec<PersonLine>,
    hosts: Vec<HostLine>,
}

struct PersonLine {
    url: String,
    name: String,
    email: String,
    account_name: String,
}

/// Shows what was found. A search for one instance's, customer's or host's whole number goes there at once.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<ListQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let text: String = query.q.trim().chars().take(200).collect();
    let found = directory::search(&mut db, &text).await?;
    let is_number = text.parse::<uuid::Uuid>().is_ok();
    match (found.accounts.as_slice(), found.instances.as_slice(), found.hosts.as_slice()) {
        ([], [instance], []) if is_number => return answer::see_other(urls::staff_instance(instance.id)),
        ([account], [], []) if is_number => return answer::see_other(urls::staff_account(account.id)),
        ([], [], [host]) if is_number => return answer::see_other(urls::staff_host(host.id)),
        _ => {}
    }
    let layout = staff.layout;
    let people = found.people.into_iter().map(|person| PersonLine {
        url: urls::staff_account(person.account),
        name: person.name,
        email: person.email,
        account_name: person.account_name,
    });
    answer::page(&SearchPage {
        accounts: found.accounts.iter().map(|row| AccountLine::new(&layout, row)).collect(),
        instances: found.instances.iter().map(|row| InstanceLine::new(&layout, row)).collect(),
        people: people.collect(),
        hosts: found.hosts.iter().map(|row| HostLine::new(&layout, row)).collect(),
        text,
        layout,
    })
}
