//! Hosts: placement on a real Postgres, and the pages of staff.

mod pages;
mod placing;
