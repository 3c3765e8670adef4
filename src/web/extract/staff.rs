//! One of the hosting company's own people, logged in with both factors.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

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
#[derive(Clone, Debug)]
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
            // `Posted` asks who it is before it reads a form, and the handler asks again.
            let known = request.extensions().get::<Self>().cloned();
            if let Some(staff) = known {
                return Ok(staff);
            }
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
            let beside = layout.nav.iter().filter(|item| item.side_only).cloned().collect();
            layout.person = Some(person(&session.member, layout.texts, beside));
            let staff = Self { member: session.member, layout };
            request.extensions_mut().insert(staff.clone());
            Ok(staff)
        })
    }
}

/// The staff's navigation: where, with which icon, under which name. What is below a heading is for wide screens; narrow ones have
/// it in the person's menu.
fn navigation(texts: Texts, path: &str) -> Vec<NavItem> {
    let platform = [
        (urls::staff(), "home", "staff-nav-home"),
        (urls::staff_accounts(), "people", "staff-nav-accounts"),
        (urls::staff_instances(), "stack", "staff-nav-instances"),
        (urls::staff_queue(), "queue", "staff-nav-queue"),
        (urls::staff_hosts(), "host", "staff-nav-hosts"),
    ];
    let more = [
        (urls::staff_images(), "stack", "staff-nav-images"),
        (urls::staff_plans(), "plan", "staff-nav-plans"),
        (urls::staff_usage(), "usage", "staff-nav-usage"),
        (urls::staff_audit(), "audit", "staff-nav-audit"),
    ];
    let money = [
        (urls::staff_billing(), "plan", "staff-nav-billing"),
        (urls::staff_transfers(), "usage", "staff-nav-transfers"),
        (urls::staff_payments(), "card", "staff-nav-payments"),
        (urls::staff_dunning(), "queue", "staff-nav-dunning"),
        (urls::staff_coupons(), "plan", "billing-tab-coupons"),
        (urls::staff_revenue(), "usage", "staff-nav-revenue"),
        (urls::staff_exports(), "stack", "staff-nav-exports"),
        (urls::staff_books(), "plan", "staff-nav-books"),
        (urls::staff_self_audit(), "audit", "staff-nav-self-audit"),
        (urls::staff_sandboxes(), "queue", "staff-nav-sandboxes"),
    ];
    let items: Vec<_> = platform
        .into_iter()
        .map(|item| (item, false, None))
        .chain(more.into_iter().map(|item| (item, true, None)))
        .chain(money.into_iter().enumerate().map(|(at, item)| (item, true, (at == 0).then_some("staff-nav-money"))))
        .collect();
    // The overview's path begins every other one, and billing's that of its audit: the longest that fits is where we are.
    let fits = |href: &str| path == href || (href != urls::staff() && path.starts_with(&format!("{href}/")));
    let current =
        items.iter().map(|((href, ..), ..)| href).filter(|href| fits(href)).max_by_key(|href| href.len()).cloned();
    items
        .into_iter()
        .map(|((href, icon, key), side_only, heading)| NavItem {
            current: current.as_ref() == Some(&href),
            label: texts.text(key),
            heading: heading.map(|key| texts.text(key)),
            href,
            icon,
            side_only,
        })
        .collect()
}

fn person(member: &StaffMember, texts: Texts, links: Vec<NavItem>) -> Person {
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
        links,
        leave: urls::staff_log_out(),
    }
}
