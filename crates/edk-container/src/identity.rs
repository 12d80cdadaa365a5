//! Who runs containers here: root, or an ordinary user with a range of subordinate ids.

use std::process::Command;

use nix::unistd::{Gid, Pid, Uid, User};

use crate::ContainerError;

/// Who runs containers here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Root: no user namespace is made.
    Root,
    /// An ordinary user, who becomes root of a user namespace.
    User { uid: u32, gid: u32, uids: IdRange, gids: IdRange },
}

/// A range of subordinate ids, shown inside as ids from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdRange {
    start: u32,
    count: u32,
}

impl Identity {
    /// Finds out who runs this process.
    pub(crate) fn current() -> Result<Self, ContainerError> {
        let (uid, gid) = (Uid::effective(), Gid::effective());
        if uid.is_root() {
            return Ok(Self::Root);
        }
        let number = uid.to_string();
        let name = User::from_uid(uid).ok().flatten().map_or_else(|| number.clone(), |u| u.name);
        let range = |file: &'static str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            find_range(&text, &name, &number)
                .ok_or_else(|| ContainerError::NoSubordinateIds { user: name.clone(), file })
        };
        let (uids, gids) = (range("/etc/subuid")?, range("/etc/subgid")?);
        Ok(Self::User { uid: uid.as_raw(), gid: gid.as_raw(), uids, gids })
    }

    /// Says whether the helper has to enter a user namespace.
    pub(crate) fn is_rootless(&self) -> bool {
        matches!(self, Self::User { .. })
    }

    /// Maps the ids of the user namespace which the helper `pid` has just made.
    pub(crate) fn map_ids(&self, pid: Pid) -> Result<(), ContainerError> {
        let Self::User { uid, gid, uids, gids } = self else { return Ok(()) };
        map("newgidmap", pid, *gid, *gids)?;
        map("newuidmap", pid, *uid, *uids)
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
