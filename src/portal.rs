//! What every use case is handed: the pool, the clock and what the world sees.

use std::sync::Arc;

use sqlx::PgPool;

use crate::base::clock::Clock;
use crate::config::Public;

/// The shared state of a process. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Portal {
    /// The control database, with this process's own role.
    pub db: PgPool,
    /// The time.
    pub clock: Clock,
    /// Addresses and mode.
    pub public: Arc<Public>,
}
