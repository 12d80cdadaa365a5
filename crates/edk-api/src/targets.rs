//! Targets, in words.

use edk_engine::{LoginOutcome, TargetDetails};

pub(crate) fn targets(all: &[TargetDetails]) -> Vec<String> {
    let line = |target: &TargetDetails| {
        let mark = if target.current { "*" } else { " " };
        let mut parts = vec![format!("{mark} {}", target.name)];
        parts.push(match target.url.as_str() {
            "" => "on this machine".to_owned(),
            url => url.to_owned(),
        });
        parts.extend(target.build_version.clone());
        parts.extend(target.user.as_ref().map(|user| format!("as {user}")));
        parts.extend(target.project.as_ref().map(|project| format!("in {project}")));
        if target.trust == "anything" {
            parts.push("CERTIFICATE NOT CHECKED".to_owned());
        }
        parts.join("  ")
    };
    all.iter().map(line).collect()
}

pub(crate) fn logged_in(outcome: &LoginOutcome) -> Vec<String> {
    let LoginOutcome { target, user, admin, project, projects, build_version } = outcome;
    let role = if *admin { ", who may do everything" } else { "" };
    let mut lines = vec![format!("logged in to {target} as {user}{role}")];
    lines.extend(build_version.as_ref().map(|version| format!("it is Kaapana {version}")));
    lines.push(match project {
        Some(project) => format!("calls are made for the project {project}"),
        None if projects.is_empty() => "there is no project for you".to_owned(),
        None => format!(
            "no project is chosen; there are {}: `edk target add {target} … --project NAME --change`",
            projects.join(", ")
        ),
    });
    lines
}
