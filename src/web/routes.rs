//! Every route, on one screen. The same table registers them and lets tests try each one as a stranger.

use actix_web::web::ServiceConfig;
use actix_web::{Route, guard, web};

use super::assets;
use super::pages::{dev, health, home, preferences, pricing};
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
    Get  "/dev/gallery"                    Development  dev::gallery::get;
}

fn route(verb: Verb) -> Route {
    match verb {
        Verb::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        Verb::Post => web::post(),
    }
}
