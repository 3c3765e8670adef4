//! What browsers see. Pages live in `pages/<noun>/<page>.rs`, their templates at the same path in `templates/`.

pub mod assets;
