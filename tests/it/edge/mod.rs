//! Domains and certificates, with a real certificate authority (pebble) and real name servers.

mod authority;
mod domains;
mod world;
