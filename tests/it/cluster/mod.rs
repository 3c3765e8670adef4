//! Three real Docker hosts in network namespaces: run by `tests/cluster/run`, not with the other tests.

mod failing;
mod joining;
mod losing;
mod moving;
mod replicas;
mod stealing;
mod walling;
mod world;
