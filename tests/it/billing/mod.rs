//! What customers are charged, and the papers and books about it.

mod rating;
mod recompute;
