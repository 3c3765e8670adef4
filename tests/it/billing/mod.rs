//! Money: what is owed, paid, and done about it.

mod dunning;
mod transfers;
