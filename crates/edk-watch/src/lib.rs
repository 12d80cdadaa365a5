//! Which files of a folder were changed, without the noise.
//!
//! One save in an editor is many events: a temporary file, a rename, a change of times. A [`Watch`]
//! waits until the folder is quiet and hands out one numbered [`ChangeSet`] for all of them: files
//! that an editor keeps for itself are left out, and so are files whose content is what it was.
//!
//! The system tells what happens (inotify on Linux). Where it can't, because too many folders are
//! watched already, the folder is looked through every two seconds instead.
//!
//! The room only looks. It knows nothing of extensions: who watches says which folders are none of
//! its business.

mod noise;
mod watch;

pub use watch::{ChangeSet, Stop, Watch, WatchError};
