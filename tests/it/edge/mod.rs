//! Domains and certificates, with a real certificate authority (pebble) and real name servers.

mod authority;
mod domains;
mod own_names;
mod proofs;
mod world;
