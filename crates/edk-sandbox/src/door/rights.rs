use axum::http::Method;

use super::Account;

/// Says whether `account` may make a call; `project` is the one the cookie names.
///
/// A platform grants everything to the role `admin`, the whole of kube-helm to who manages the
/// extensions of the project, and to every user a few calls which only read or concern his own.
pub(super) fn may(
    account: &Account,
    method: &Method,
    path: &str,
    project: Option<(&str, &str)>,
) -> bool {
    if account.admin {
        return true;
    }
    let manages =
        project.is_some_and(|(id, _)| account.manages.iter().any(|managed| managed == id));
    let reads = method == Method::GET;
    match path.strip_prefix("/kube-helm-api") {
        Some("/active-applications") if reads => true,
        Some("/complete-active-application") => true,
        Some(_) => manages,
        None => reads && (path.starts_with("/aii/") || path.starts_with("/jsons/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Door;

    #[test]
    fn each_role_has_its_rights() {
        let door = Door::example();
        let study = door.project(&door.projects[1].0);
        let other = door.project(&door.projects[0].0);
        let check = |name: &str, project, path: &str, expected: bool| {
            let account = door.account(name).unwrap();
            assert_eq!(may(account, &Method::GET, path, project), expected, "{name} {path}");
        };
        let list = "/kube-helm-api/extensions";
        check("kaapana", None, list, true);
        check("lead", study, list, true);
        check("lead", other, list, false);
        check("lead", None, list, false);
        check("guest", study, list, false);
        check("guest", study, "/kube-helm-api/active-applications", true);
        check("guest", None, "/aii/users/current", true);
        check("guest", None, "/flow/", false);
        let guest = door.account("guest").unwrap();
        assert!(!may(guest, &Method::POST, "/aii/projects", study));
    }
}
