//! Rules for names which Kubernetes, Helm, registries and the platform share.
//!
//! Each function returns what is wrong with the name, as the end of a sentence that starts with
//! the name, or `Ok`.

use crate::reference;

/// The longest name of a Helm release, and so of a chart that installs under its own name
/// (Helm: `MaxReleaseNameLen`).
pub const MAX_CHART_NAME: usize = 53;

/// The longest name of a DAG image: the platform makes a Job `remove-<image>` of it, and a Job's
/// name must be a DNS label of at most 63 characters.
pub const MAX_DAG_IMAGE_NAME: usize = 56;

/// The longest id of a DAG: the platform's run id `<dag id>-<18 digits>` becomes a Kubernetes
/// label value of at most 63 characters.
pub const MAX_DAG_ID: usize = 44;

/// Checks that `name` is a DNS label (RFC 1123) of at most `max` characters.
///
/// # Errors
/// The end of a sentence that says which rule is broken.
pub fn dns_label(name: &str, max: usize) -> Result<(), String> {
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    if name.len() > max {
        return Err(format!("has {} characters; at most {max} are allowed", name.len()));
    }
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if let Some(bad) = name.chars().find(|&c| !(c.is_ascii() && word(c as u8)) && c != '-') {
        return Err(format!("contains `{bad}`; only lower-case letters, digits and - are allowed"));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err("starts or ends with -; it must start and end with a letter or a digit".into());
    }
    Ok(())
}

/// Checks that `name` can be the name of an image: one component of a repository path.
///
/// # Errors
/// The end of a sentence that says which rule is broken.
pub fn image_name(name: &str) -> Result<(), String> {
    if reference::is_path_component(name) {
        return Ok(());
    }
    Err("is not an image name; use lower-case letters and digits with single . _ - between them"
        .to_owned())
}

/// Checks that `name` can be a repository path such as `group/image`.
///
/// # Errors
/// The end of a sentence that says which rule is broken.
pub fn repository(name: &str) -> Result<(), String> {
    if reference::is_repository(name) { Ok(()) } else { Err("is not a repository name".to_owned()) }
}

/// Checks that `tag` can be the tag of an image.
///
/// # Errors
/// The end of a sentence that says which rule is broken.
pub fn tag(tag: &str) -> Result<(), String> {
    if reference::is_tag(tag) {
        return Ok(());
    }
    Err("is not a tag; use at most 128 letters, digits, _ . - and start with none of . -".into())
}

/// Checks that `version` is `MAJOR.MINOR.PATCH` of plain numbers: the only form which every
/// released platform sorts right and can compare with any other.
///
/// # Errors
/// The end of a sentence that says which rule is broken.
pub fn plain_version(version: &str) -> Result<(), String> {
    let number = |part: &str| {
        !part.is_empty()
            && part.len() <= 9
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    if version.split('.').count() == 3 && version.split('.').all(number) {
        return Ok(());
    }
    Err("is not MAJOR.MINOR.PATCH of plain numbers, such as 0.1.0".to_owned())
}

/// Says whether a host with optional scheme and port, as in the headers `Host` and `Origin`, is this
/// machine by a name that can't have been pointed here.
pub fn is_this_machine(host: &str) -> bool {
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_label_is_told_from_what_only_looks_like_one() {
        for good in ["a", "a-b", "0", "radiomics-2"] {
            assert_eq!(dns_label(good, 53), Ok(()), "{good}");
        }
        for bad in ["", "A", "a_b", "-a", "a-", "ä", "a.b", &"a".repeat(54)] {
            assert!(dns_label(bad, 53).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_the_platform_cannot_compare_are_refused() {
        for good in ["0.0.0", "1.20.3"] {
            assert_eq!(plain_version(good), Ok(()), "{good}");
        }
        for bad in ["", "1", "1.2", "1.2.3-rc1", "v1.2.3", "01.2.3", "1.2.3.4", "1..3"] {
            assert!(plain_version(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_told_from_names_that_look_like_it() {
        for host in ["127.0.0.1:80", "localhost", "[::1]:5000", "http://localhost:1", "127.0.0.2"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "null", ""] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
