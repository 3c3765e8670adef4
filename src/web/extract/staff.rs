//! One of the hosting company's own people, logged in with both factors.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::visitor::arrival;
use crate::accounts::Role;
use crate::audit::Actor;
use crate::config::Public;
use crate::i18n::Texts;
use crate::portal::Portal;
use crate::staff::{StaffMember, Stage, login};
use crate::web::cookies::{self, Kind};
use crate::web::error::PageError;
use crate::web::layout::{Layout, NavItem, Person};
use crate::web::urls;

/// A staff member who is logged in. Anybody else is sent to the staff login.
#[derive(Debug)]
pub struct Staff {
    /// Who it is.
    pub member: StaffMember,
    /// The page's surroundings.
    pub layout: Layout,
}

impl Staff {
    /// Returns who acts, for the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::staff(self.member.id, &self.member.name)
    }
}

/// Returns the value of the staff cookie.
#[must_use]
pub fn staff_token(request: &HttpRequest, public: &Public) -> Option<String> {
    request.cookie(&cookies::name(public, Kind::Staff)).map(|cookie| cookie.value().to_owned())
}

impl FromRequest for Staff {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal");
            let Some(token) = staff_token(&request, &portal.public) else {
                return Err(PageError::Elsewhere(urls::staff_login()));
            };
            let Some(session) = login::find_session(portal, &token).await? else {
                return Err(PageError::Elsewhere(urls::staff_login()));
            };
            match session.stage {
                Stage::Complete => {}
                Stage::MustProve => return Err(PageError::Elsewhere(urls::staff_second_factor())),
                Stage::MustEnrol => return Err(PageError::Elsewhere(urls::staff_enrol())),
            }
            let mut layout = arrival(&request).layout.clone();
            layout.nav = navigation(layout.texts, request.path());
            layout.person = Some(person(&session.member, layout.texts));
            Ok(Self { member: session.member, layout })
        })
    }
}

fn navigation(texts: Texts, path: &str) -> Vec<NavItem> {
    let items = [
        (urls::staff(), "home", "staff-nav-home", false),
        (urls::staff_accounts(), "people", "staff-nav-accounts", false),
        (urls::staff_instances(), "stack", "staff-nav-instances", false),
        (urls::staff_queue(), "queue", "staff-nav-queue", false),
        (urls::staff_hosts(), "host", "staff-nav-hosts", false),
        (urls::staff_images(), "stack", "staff-nav-images", true),
        (urls::staff_plans(), "plan", "staff-nav-plans", true),
        (urls::staff_billing(), "card", "staff-nav-billing", true),
        (urls::staff_transfers(), "usage", "staff-nav-transfers", true),
        (urls::staff_payments(), "card", "staff-nav-payments", true),
        (urls::staff_dunning(), "queue", "staff-nav-dunning", true),
        (urls::staff_coupons(), "plan", "billing-tab-coupons", true),
        (urls::staff_revenue(), "usage", "staff-nav-revenue", true),
        (urls::staff_usage(), "usage", "staff-nav-usage", true),
        (urls::staff_exports(), "card", "staff-nav-exports", true),
        (urls::staff_books(), "card", "staff-nav-books", true),
        (urls::staff_audit(), "audit", "staff-nav-audit", true),
        (urls::staff_self_audit(), "audit", "staff-nav-self-audit", true),
    ];
    items
        .into_iter()
        .map(|(href, icon, key, side_only)| NavItem {
            // The overview's path begins every other one.
            current: if href == urls::staff() { path == href } else { path.starts_with(&href) },
            label: texts.text(key),
            href,
            icon,
            side_only,
        })
        .collect()
}

fn person(member: &StaffMember, texts: Texts) -> Person {
    Person {
        name: member.name.clone(),
        email: member.email.clone(),
        account_name: String::new(),
        // Staff have no role in any account; the pages of accounts never see this person.
        role: Role::Member,
        timezone: "UTC".to_owned(),
        is_verified: true,
        place: texts.text("staff-title"),
        accounts: Vec::new(),
        links: Vec::new(),
        leave: urls::staff_log_out(),
    }
}
