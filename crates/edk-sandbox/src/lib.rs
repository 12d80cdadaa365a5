//! The embedded platform: a Kaapana on the developer's machine, for extension work.
//!
//! A [`Sandbox`] speaks the HTTP API of the platform's kube-helm, with and without the prefix
//! `/kube-helm-api`: uploads with the platform's own acceptance check, the list of extensions,
//! installing and removing releases, their status. Charts are rendered with the values a platform
//! would give them; images come from the store, or in archives. The Jobs of a release, and its hooks, run as containers from images of the
//! [`Store`](edk_store::Store); the folders of Airflow are folders of the sandbox, so what an
//! installer copies can be looked at.
//!
//! Pods of Deployments and their kind are kept alive behind gates, each with a network of its own;
//! the paths of Ingresses lead to them.
//!
//! It is honest about what it is not. There is no Kubernetes: a Job is tried once, a pod has one
//! container beside its init containers, and one replica. There is no Airflow and no other registry.
//!
//! By default it does right what real platforms do wrong. [`Faults`] switches their faults on, one
//! by one, so that a client can be tried against them; a [`Profile`] is the release it answers as.
//!
//! It serves programs on this machine only, and refuses what a web page sends. With a [`Door`] in its
//! settings it lets in who has logged in and has the right, as the front door of a platform does.
//!
//! All state is on disk and survives a kill at any moment; a Job that was under way is run again
//! when the folder is opened the next time.

mod accept;
mod action;
mod apps;
mod backend;
mod cache;
mod disk;
mod door;
mod error;
mod faults;
mod guard;
mod http;
mod import;
mod install;
mod keep;
mod legacy;
mod list;
mod machine;
mod network;
mod package;
mod pod;
mod probe;
mod profile;
mod proxy;
mod release;
mod render;
mod route;
mod sandbox;
mod settings;
mod upload;
mod values;
mod workload;

pub use door::{Account, Door};
pub use error::SandboxError;
pub use faults::{Faults, NamedFault};
pub use http::serve;
pub use pod::{Fault, Runtime};
pub use profile::Profile;
pub use release::{Hook, Object, Pod, PodStatus, Release, Status};
pub use sandbox::{Contents, Pull, Sandbox, contents};
pub use settings::Settings;
pub use workload::{ContainerPlan, Mount, PodPlan};
