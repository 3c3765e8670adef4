//! How much one container works on at once, as its image sets Odoo up.
//!
//! One process with threads takes every request that comes, and answers 500 to each one that finds no connection to the
//! database: it has to be kept from coming.

/// Connections that a tenant's login may have at once: the pool, those that Odoo opens beside it (its sessions, its bus),
/// and room for a second container during an update.
pub const CONNECTIONS: u32 = 24;

/// The pool of an Odoo process (`db_maxconn`), as the image sets it.
const POOL: u32 = 16;

/// What is kept of the pool for Odoo's own threads (scheduled actions, the bus) and for requests that need a second
/// connection.
const KEPT: u32 = 4;

/// How many requests a container is given at once. Odoo's own rule for its threads (half of the pool) is stricter: it
/// thinks of requests that all need two connections.
pub const REQUESTS_AT_ONCE: i32 = (POOL - KEPT).cast_signed();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_sets_odoo_up_as_is_said_here() {
        let image = include_str!("../../docker/odoo/bin/sayoo-odoo");
        assert!(image.contains(&format!("number('SAYOO_DB_MAXCONN', {POOL})")), "the pool");
        assert!(image.contains("number('SAYOO_WORKERS', 0)"), "one process with threads");
        const { assert!(POOL < CONNECTIONS) };
    }

    #[test]
    fn what_routes_of_before_have_is_the_same() {
        let migration = include_str!("../../migrations/20261123035500_limit_requests_at_once.sql");
        assert!(migration.contains(&format!("DEFAULT {REQUESTS_AT_ONCE} ")));
    }
}
