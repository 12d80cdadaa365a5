//! What Kubernetes asks of objects, as far as it can be told without a cluster.

pub(crate) mod names;
