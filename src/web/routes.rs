//! Every route, on one screen. The same table registers them and lets tests try each one as a stranger.

use actix_web::http::Method;
use actix_web::web::ServiceConfig;
use actix_web::{Resource, guard, web};

use super::assets;
use super::pages::{account, auth, billing, dev, health, home, instances, preferences, pricing, staff, webhooks};
use crate::config::Mode;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Anyone,
    /// A customer who is logged in; what the path names must belong to the customer's account.
    Member,
    /// One of our own people.
    Staff,
    /// Anyone, on somebody's own machine only.
    Development,
}

/// How a route is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Looks.
    Get,
    /// Changes.
    Post,
}

/// A route, as tests see it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// How it is asked for.
    pub verb: Verb,
    /// Its path, with `{names}`.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
}

macro_rules! table {
    ($($verb:ident $path:literal $access:ident $handler:expr;)*) => {
        /// Every route.
        pub const TABLE: &[Entry] = &[$(Entry { verb: Verb::$verb, path: $path, access: Access::$access }),*];

        /// Registers every route that exists in this mode.
        pub fn routes(cfg: &mut ServiceConfig, mode: Mode) {
            $(if Access::$access != Access::Development || mode == Mode::Development {
                cfg.service(resource($path, Verb::$verb, Access::$access).to($handler));
            })*
        }
    };
}

table! {
    Get  "/"                               Anyone       home::get;
    Get  "/assets/{file}"                  Anyone       assets::get;
    Get  "/health"                         Anyone       health::get;
    Post "/preferences"                    Anyone       preferences::post;
    Get  "/pricing"                        Anyone       pricing::get;

    Post "/webhooks/stripe"                Anyone       webhooks::stripe;

    Get  "/signup"                         Anyone       auth::signup::get;
    Post "/signup"                         Anyone       auth::signup::post;
    Get  "/signup/check-mail"              Anyone       auth::check_mail::get;
    Get  "/login"                          Anyone       auth::login::get;
    Post "/login"                          Anyone       auth::login::post;
    Post "/logout"                         Anyone       auth::logout::post;
    Post "/verify/resend"                  Member       auth::verify::resend;
    Get  "/verify/{token}"                 Anyone       auth::verify::get;
    Post "/verify/{token}"                 Anyone       auth::verify::post;
    Get  "/forgot"                         Anyone       auth::forgot::get;
    Post "/forgot"                         Anyone       auth::forgot::post;
    Get  "/reset/{token}"                  Anyone       auth::reset::get;
    Post "/reset/{token}"                  Anyone       auth::reset::post;
    Get  "/confirm-email/{token}"          Anyone       auth::confirm_email::get;
    Post "/confirm-email/{token}"          Anyone       auth::confirm_email::post;
    Get  "/undo-email/{token}"             Anyone       auth::undo_email::get;
    Post "/undo-email/{token}"             Anyone       auth::undo_email::post;

    Get  "/account"                        Member       account::overview::get;
    Post "/account/organisation"           Member       account::overview::organisation;
    Post "/account/person"                 Member       account::overview::person;
    Get  "/account/security"               Member       account::security::get;
    Post "/account/security/password"      Member       account::security::password;
    Post "/account/security/email"         Member       account::security::email;
    Get  "/account/sessions"               Member       account::sessions::get;
    Post "/account/sessions/revoke-others" Member       account::sessions::revoke_others;
    Post "/account/sessions/{session}/revoke" Member    account::sessions::revoke;
    Get  "/account/members"                Member       account::members::get;
    Get  "/account/billing/exports"        Member       account::exports::get;
    Get  "/account/billing/exports/file"   Member       account::exports::file;
    Get  "/account/close"                  Member       account::close::get;
    Post "/account/close"                  Member       account::close::post;
    Get  "/account/closing"                Member       account::closing::get;
    Post "/account/keep"                   Member       account::closing::keep;

    Get  "/account/billing"                Member       billing::overview::get;
    Get  "/account/billing/invoices"       Member       billing::invoices::get;
    Get  "/account/billing/invoices/{document}" Member  billing::invoice::get;
    Post "/account/billing/invoices/{document}/pay" Member billing::cards::pay;
    Get  "/account/billing/invoices/{document}/files/{kind}" Member billing::file::get;
    Get  "/account/billing/invoices/{document}/lines/{line}" Member billing::line::get;
    Get  "/account/billing/invoices/{document}/lines/{line}/hours.csv" Member billing::line::csv;
    Get  "/account/billing/methods"        Member       billing::methods::get;
    Post "/account/billing/methods"        Member       billing::methods::post;
    Post "/account/billing/methods/{method}/default" Member billing::methods::choose;
    Post "/account/billing/methods/{method}/remove" Member billing::methods::remove;
    Get  "/account/billing/cards/{wish}"   Member       billing::cards::get;
    Get  "/account/billing/cards/{wish}/events" Member  billing::cards::events;
    Get  "/account/billing/invoices/{document}/lines/{line}/readings.csv" Member billing::line::readings;
    Get  "/account/billing/invoices/{document}/recompute.json.gz" Member billing::recompute::file;
    Get  "/account/billing/recompute.py"   Anyone       billing::recompute::program;
    Get  "/account/billing/proof"          Member       billing::proof::get;
    Get  "/account/billing/statement"      Member       billing::statement::get;
    Get  "/account/billing/budget"         Member       billing::budget::get;
    Post "/account/billing/budget"         Member       billing::budget::post;
    Post "/account/billing/budget/remove"  Member       billing::budget::remove;
    Get  "/account/billing/coupons"        Member       billing::coupons::get;
    Post "/account/billing/coupons"        Member       billing::coupons::post;
    Get  "/account/billing/credit"         Member       billing::credit::get;
    Post "/account/billing/credit"         Member       billing::credit::post;
    Get  "/account/billing/details"        Member       billing::details::get;
    Post "/account/billing/details"        Member       billing::details::post;

    Get  "/dev/mails"                      Development  dev::mails::get;
    Get  "/instances"                      Member       instances::list::get;
    Get  "/instances/new"                  Member       instances::order::plan::get;
    Post "/instances/new"                  Member       instances::order::apps::post;
    Get  "/instances/new/details"          Member       instances::order::details::get;
    Get  "/instances/new/apps"             Member       instances::order::apps::get;
    Get  "/instances/check-name"           Member       instances::check_name::get;
    Get  "/instances/{id}"                 Member       instances::show::get;
    Get  "/instances/{id}/events"          Member       instances::events::get;
    Post "/instances/{id}/open"            Member       instances::open::post;
    Post "/instances/{id}/start"           Member       instances::steer::start;
    Post "/instances/{id}/stop"            Member       instances::steer::stop;
    Post "/instances/{id}/restart"         Member       instances::steer::restart;
    Post "/instances/{id}/wake"            Member       instances::steer::wake;
    Get  "/instances/{id}/plan"            Member       instances::plan::get;
    Post "/instances/{id}/plan"            Member       instances::plan::post;
    Get  "/instances/{id}/what-if"         Member       instances::what_if::get;
    Post "/instances/{id}/containers"      Member       instances::containers::post;
    Get  "/instances/{id}/scaling"         Member       instances::scaling::get;
    Post "/instances/{id}/scaling"         Member       instances::scaling::post;
    Get  "/instances/{id}/rename"          Member       instances::rename::get;
    Post "/instances/{id}/rename"          Member       instances::rename::post;
    Get  "/instances/{id}/delete"          Member       instances::delete::get;
    Post "/instances/{id}/delete"          Member       instances::delete::post;
    Post "/instances/{id}/undo-delete"     Member       instances::delete::undo;
    Get  "/instances/{id}/logs"            Member       instances::logs::get;
    Get  "/instances/{id}/logs/stream"     Member       instances::logs::stream;
    Get  "/instances/{id}/usage"           Member       instances::usage::get;
    Get  "/instances/{id}/domains"         Member       instances::domains::get;
    Post "/instances/{id}/domains"         Member       instances::domains::post;
    Post "/instances/{id}/domains/{domain}/look" Member instances::domains::look;
    Post "/instances/{id}/domains/{domain}/remove" Member instances::domains::remove;
    Get  "/dev/gallery"                    Development  dev::gallery::get;
    Get  "/staff/login"                    Anyone       staff::login::get;
    Post "/staff/login"                    Anyone       staff::login::post;
    Post "/staff/logout"                   Anyone       staff::login::out;
    Get  "/staff/join/{token}"             Anyone       staff::join::get;
    Post "/staff/join/{token}"             Anyone       staff::join::post;
    Get  "/staff/second-factor"            Anyone       staff::second_factor::get;
    Post "/staff/second-factor"            Anyone       staff::second_factor::post;
    Get  "/staff/enrol"                    Anyone       staff::second_factor::enrol;
    Post "/staff/enrol"                    Anyone       staff::second_factor::enrol_post;
    Get  "/staff"                          Staff        staff::home::get;
    Post "/staff/invitations"              Staff        staff::home::invite;
    Get  "/staff/accounts"                 Staff        staff::accounts::list;
    Get  "/staff/accounts/{account}"       Staff        staff::accounts::get;
    Post "/staff/accounts/{account}/suspend" Staff      staff::suspend::account;
    Post "/staff/accounts/{account}/resume" Staff       staff::suspend::account_resume;
    Post "/staff/accounts/{account}/vat-check" Staff    staff::billing::account::vat_check;
    Post "/staff/accounts/{account}/credit" Staff       staff::billing::credit::give;
    Post "/staff/credit/{grant}/confirm"   Staff        staff::billing::credit::confirm;
    Post "/staff/credit/{grant}/withdraw"  Staff        staff::billing::credit::withdraw;
    Get  "/staff/instances"                Staff        staff::instances::list;
    Get  "/staff/instances/{environment}"  Staff        staff::instances::get;
    Post "/staff/instances/{environment}/suspend" Staff staff::suspend::instance;
    Post "/staff/instances/{environment}/resume" Staff  staff::suspend::instance_resume;
    Post "/staff/instances/{environment}/wake" Staff    staff::wake::post;
    Post "/staff/instances/{environment}/limit" Staff   staff::limit::post;
    Post "/staff/instances/{environment}/containers" Staff staff::containers::post;
    Get  "/staff/instances/{environment}/scaling" Staff staff::scaling::get;
    Post "/staff/instances/{environment}/scaling" Staff staff::scaling::post;
    Get  "/staff/images"                   Staff        staff::images::get;
    Post "/staff/images/rollouts"          Staff        staff::images::start;
    Post "/staff/images/rollouts/{rollout}/stop" Staff  staff::images::stop;
    Post "/staff/images/rollouts/{rollout}/resume" Staff staff::images::resume;
    Get  "/staff/hosts"                    Staff        staff::hosts::get;
    Get  "/staff/hosts/new"                Staff        staff::hosts::add::get;
    Post "/staff/hosts/new"                Staff        staff::hosts::add::post;
    Get  "/staff/hosts/{host}"             Staff        staff::hosts::show::get;
    Get  "/staff/hosts/{host}/settings"    Staff        staff::hosts::edit::get;
    Post "/staff/hosts/{host}/settings"    Staff        staff::hosts::edit::post;
    Post "/staff/hosts/{host}/cordon"      Staff        staff::hosts::show::cordon;
    Post "/staff/hosts/{host}/uncordon"    Staff        staff::hosts::show::uncordon;
    Get  "/staff/hosts/{host}/drain"       Staff        staff::hosts::drain::get;
    Post "/staff/hosts/{host}/drain"       Staff        staff::hosts::drain::post;
    Post "/staff/hosts/{host}/cancel-drain" Staff       staff::hosts::drain::cancel;
    Post "/staff/hosts/{host}/remove"      Staff        staff::hosts::show::remove;
    Get  "/staff/plans"                    Staff        staff::plans::get;
    Get  "/staff/plans/new"                Staff        staff::plan_new::get;
    Post "/staff/plans/new"                Staff        staff::plan_new::post;
    Post "/staff/plans/{plan}/move"        Staff        staff::plans::shift;
    Get  "/staff/plans/{plan}/draft"       Staff        staff::plan_draft::get;
    Post "/staff/plans/{plan}/draft"       Staff        staff::plan_draft::post;
    Get  "/staff/plans/{plan}/words"       Staff        staff::plan_words::get;
    Post "/staff/plans/{plan}/words"       Staff        staff::plan_words::post;
    Get  "/staff/plans/versions/{version}/publish" Staff staff::plan_publish::get;
    Post "/staff/plans/versions/{version}/publish" Staff staff::plan_publish::post;
    Post "/staff/plans/versions/{version}/preview" Staff staff::plan_publish::preview;
    Post "/staff/plans/versions/{version}/withdraw" Staff staff::plan_publish::withdraw;
    Get  "/staff/queue"                    Staff        staff::queue::get;
    Post "/staff/queue/turns"              Staff        staff::queue::retry_turn;
    Post "/staff/queue/jobs/{job}/retry"   Staff        staff::queue::retry_job;
    Get  "/staff/usage"                    Staff        staff::usage::get;
    Get  "/staff/usage.csv"                Staff        staff::usage::csv;
    Get  "/staff/usage.json"               Staff        staff::usage::json;
    Get  "/staff/exports"                  Staff        staff::exports::get;
    Get  "/staff/exports/file"             Staff        staff::exports::file;
    Get  "/staff/billing/audit"            Staff        staff::self_audit::get;
    Get  "/staff/revenue"                  Staff        staff::revenue::get;
    Get  "/staff/revenue/movements.csv"    Staff        staff::revenue::files::movements;
    Get  "/staff/revenue/billed.csv"       Staff        staff::revenue::files::billed;
    Get  "/staff/revenue/hosts"            Staff        staff::revenue::hosts::get;
    Post "/staff/revenue/hosts/costs"      Staff        staff::revenue::hosts::cost;
    Post "/staff/revenue/hosts/rates"      Staff        staff::revenue::hosts::rate;
    Get  "/staff/transfers"                Staff        staff::transfers::get;
    Get  "/staff/transfers/new"            Staff        staff::transfers::add::get;
    Post "/staff/transfers/new"            Staff        staff::transfers::add::post;
    Get  "/staff/transfers/import"         Staff        staff::transfers::import::get;
    Post "/staff/transfers/import"         Staff        staff::transfers::import::post;
    Get  "/staff/transfers/{receipt}"      Staff        staff::transfers::show::get;
    Post "/staff/transfers/{receipt}/book" Staff        staff::transfers::show::book;
    Post "/staff/transfers/{receipt}/refuse" Staff      staff::transfers::show::refuse;
    Post "/staff/transfers/{receipt}/reopen" Staff      staff::transfers::show::reopen;
    Get  "/staff/billing"                  Staff        staff::billing::run::get;
    Get  "/staff/billing/dry-run.csv"      Staff        staff::billing::run::csv;
    Get  "/staff/billing/waiting/{waiting}" Staff       staff::billing::waiting::get;
    Post "/staff/billing/waiting/{waiting}" Staff       staff::billing::waiting::post;
    Get  "/staff/billing/sellers"          Staff        staff::billing::sellers::list;
    Get  "/staff/billing/sellers/{seller}" Staff        staff::billing::sellers::get;
    Post "/staff/billing/sellers/{seller}" Staff        staff::billing::sellers::post;
    Get  "/staff/billing/documents"        Staff        staff::billing::documents::get;
    Get  "/staff/billing/documents/{document}" Staff    staff::billing::document::get;
    Get  "/staff/billing/documents/{document}/files/{kind}" Staff staff::billing::document::file;
    Post "/staff/billing/documents/{document}/credit" Staff staff::billing::document::credit;
    Get  "/staff/payments"                 Staff        staff::payments::get;
    Get  "/staff/payments/{payment}"       Staff        staff::payments::show::get;
    Post "/staff/payments/{payment}/refund" Staff       staff::payments::show::refund;
    Post "/staff/payments/refunds/{refund}/confirm" Staff staff::payments::show::confirm;
    Post "/staff/payments/refunds/{refund}/withdraw" Staff staff::payments::show::withdraw;
    Post "/staff/payments/events/{event}/retry" Staff   staff::payments::retry;
    Get  "/staff/dunning"                  Staff        staff::dunning::get;
    Post "/staff/dunning"                  Staff        staff::dunning::post;
    Get  "/staff/coupons"                  Staff        staff::coupons::get;
    Post "/staff/coupons"                  Staff        staff::coupons::post;
    Post "/staff/coupons/{coupon}/end"     Staff        staff::coupons::end;
    Get  "/staff/sandboxes"                Staff        staff::sandboxes::get;
    Get  "/staff/sandboxes/new"            Staff        staff::sandboxes::add::get;
    Post "/staff/sandboxes/new"            Staff        staff::sandboxes::add::post;
    Get  "/staff/sandboxes/{sandbox}"      Staff        staff::sandboxes::show::get;
    Post "/staff/sandboxes/{sandbox}/advance" Staff     staff::sandboxes::show::advance;
    Post "/staff/sandboxes/{sandbox}/remove" Staff      staff::sandboxes::show::remove;
    Get  "/staff/books"                    Staff        staff::books::get;
    Post "/staff/books/{push}/ask"         Staff        staff::books::ask;
    Get  "/staff/search"                   Staff        staff::search::get;
    Get  "/staff/audit"                    Staff        staff::audit::get;
    Post "/staff/audit/verify"             Staff        staff::audit::verify;
}

/// A path for one verb. What is taken from its requests can ask who may use it.
fn resource(path: &str, verb: Verb, access: Access) -> Resource {
    let is_asked = move |context: &guard::GuardContext<'_>| match verb {
        Verb::Get => matches!(context.head().method, Method::GET | Method::HEAD),
        Verb::Post => context.head().method == Method::POST,
    };
    web::resource(path).guard(guard::fn_guard(is_asked)).app_data(access)
}
