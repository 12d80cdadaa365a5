use axum::http::Method;

use super::Account;
use crate::Profile;

/// Says whether `account` may make a call; `project` is the one the cookie names.
///
/// A platform grants everything to the role `admin`, the whole of kube-helm to who manages the
/// extensions of the project, and to every user a few calls which only read or concern his own.
pub(super) fn may(
    account: &Account,
    method: &Method,
    path: &str,
    project: Option<(&str, &str)>,
    profile: Profile,
) -> bool {
    if account.admin {
        return true;
    }
    // Before 0.6.0 kube-helm is for administrators alone.
    let manages = profile >= Profile::V06
        && project.is_some_and(|(id, _)| account.manages.iter().any(|managed| managed == id));
    let reads = method == Method::GET;
    match path.strip_prefix("/kube-helm-api") {
        Some("/active-applications") if reads => true,
        Some("/complete-active-application") => true,
        Some(_) => manages,
        None if path.starts_with("/kaapana-backend/") => {
            project.is_some_and(|(id, _)| account.projects.iter().any(|own| own == id))
        }
        None => match path.strip_prefix("/applications/project/") {
            Some(rest) => account.projects.iter().any(|own| {
                rest.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('/'))
            }),
            None => {
                let own = ["/aii/", "/jsons/"].iter().any(|start| path.starts_with(start));
                reads && (own || path == "/")
            }
        },
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
            let may = may(account, &Method::GET, path, project, Profile::V06);
            assert_eq!(may, expected, "{name} {path}");
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
        check("guest", None, "/", true);
        let guest = door.account("guest").unwrap();
        assert!(!may(guest, &Method::POST, "/aii/projects", study, Profile::V06));
        let lead = door.account("lead").unwrap();
        assert!(!may(lead, &Method::GET, list, study, Profile::V05));
        let app = format!("/applications/project/{}/release/x", door.projects[1].0);
        check("guest", None, &app, true);
        check("guest", None, "/hello-world/", false);
        check("guest", study, "/kaapana-backend/client/dags", true);
        check("guest", other, "/kaapana-backend/client/dags", false);
    }
}
