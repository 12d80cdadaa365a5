//! Who runs containers here: root, or an ordinary user with or without subordinate ids.

use std::{path::PathBuf, process::Command};

use nix::unistd::{Gid, Pid, Uid, User};
use serde::{Deserialize, Serialize};

use crate::ContainerError;

/// Who runs containers here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Root: no user namespace is made.
    Root,
    /// An ordinary user, who becomes root of a user namespace.
    User { uid: u32, gid: u32, uids: IdRange, gids: IdRange },
    /// An ordinary user without subordinate ids, whose id is the only one inside.
    Single { uid: u32, gid: u32 },
}

/// A range of subordinate ids, shown inside as ids from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdRange {
    start: u32,
    count: u32,
}

impl Identity {
    /// Finds out who runs this process.
    pub(crate) fn current() -> Self {
        let (uid, gid) = (Uid::effective(), Gid::effective());
        if uid.is_root() {
            return Self::Root;
        }
        let number = uid.to_string();
        let name = User::from_uid(uid).ok().flatten().map_or_else(|| number.clone(), |u| u.name);
        let range = |file: &'static str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            find_range(&text, &name, &number)
        };
        let (uid, gid) = (uid.as_raw(), gid.as_raw());
        match (range("/etc/subuid"), range("/etc/subgid")) {
            (Some(uids), Some(gids)) => Self::User { uid, gid, uids, gids },
            _ => Self::Single { uid, gid },
        }
    }

    /// Says who the helper has to become.
    pub(crate) fn privilege(&self) -> Privilege {
        match self {
            Self::Root => Privilege::Root,
            Self::User { .. } => Privilege::Mapped,
            Self::Single { .. } => Privilege::Single,
        }
    }

    /// Maps the ids of the user namespace which the helper `pid` has just made.
    pub(crate) fn map_ids(&self, pid: Pid) -> Result<(), ContainerError> {
        match self {
            Self::Root => Ok(()),
            Self::User { uid, gid, uids, gids } => {
                map("newgidmap", pid, *gid, *gids)?;
                map("newuidmap", pid, *uid, *uids)
            }
            Self::Single { uid, gid } => {
                // Who can't drop groups can't use what they are denied (user_namespaces(7)).
                let write = |name: &str, text: String| {
                    let path = PathBuf::from(format!("/proc/{pid}/{name}"));
                    std::fs::write(&path, text).map_err(|source| ContainerError::io(&path, source))
                };
                write("setgroups", "deny".to_owned())?;
                write("gid_map", format!("0 {gid} 1"))?;
                write("uid_map", format!("0 {uid} 1"))
            }
        }
    }
}

/// What the helper is allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Privilege {
    /// Root; no user namespace.
    Root,
    /// Root of a user namespace with many ids.
    Mapped,
    /// Root of a user namespace with one id.
    Single,
}

impl Privilege {
    /// Says whether the helper lives in a user namespace.
    pub(crate) fn is_rootless(self) -> bool {
        self != Self::Root
    }
}

fn map(program: &'static str, pid: Pid, own: u32, range: IdRange) -> Result<(), ContainerError> {
    let numbers = [0, own, 1, 1, range.start, range.count].map(|number| number.to_string());
    let error = |reason: String| ContainerError::IdMap { program, reason };
    let output = Command::new(program).arg(pid.to_string()).args(numbers).output();
    let output = output.map_err(|source| error(source.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(error(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// Returns the largest range that `text` (of /etc/subuid, see subuid(5)) gives to the user.
fn find_range(text: &str, name: &str, number: &str) -> Option<IdRange> {
    let ranges = text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let (start, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (owner == name || owner == number).then_some(IdRange { start, count })
    });
    ranges.max_by_key(|range| range.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_range_of_the_user_is_taken() {
        let text = "root:1:5\nann:100000:65536\n1000:7:9\nbob:5:70000\n";
        let found = |name, number| find_range(text, name, number).map(|r| (r.start, r.count));
        assert_eq!(found("ann", "1000"), Some((100_000, 65_536)));
        assert_eq!(found("eve", "1000"), Some((7, 9)));
        assert_eq!(found("eve", "1001"), None);
    }
}
