//! Every route, on one screen. The same table registers them and lets tests try each one as a stranger.

use actix_web::web::ServiceConfig;
use actix_web::{Route, guard, web};

use super::assets;
use super::pages::{dev, health, home, instances, preferences, pricing};
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
                cfg.route($path, route(Verb::$verb).to($handler));
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
    Get  "/instances/{id}/rename"          Member       instances::rename::get;
    Post "/instances/{id}/rename"          Member       instances::rename::post;
    Get  "/instances/{id}/delete"          Member       instances::delete::get;
    Post "/instances/{id}/delete"          Member       instances::delete::post;
    Post "/instances/{id}/undo-delete"     Member       instances::delete::undo;
    Get  "/instances/{id}/logs"            Member       instances::logs::get;
    Get  "/instances/{id}/logs/stream"     Member       instances::logs::stream;
    Get  "/instances/{id}/usage"           Member       instances::usage::get;
    Get  "/dev/gallery"                    Development  dev::gallery::get;
}

fn route(verb: Verb) -> Route {
    match verb {
        Verb::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        Verb::Post => web::post(),
    }
}
