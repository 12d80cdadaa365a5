//! The program inside a DAG image: it puts an extension's files where the platform reads them,
//! or takes them away again.
//!
//! A DAG image is this one static program and the files below `/kaapana/tmp`. The platform runs
//! it as a Job without arguments and talks to it through the environment:
//!
//! | variable | meaning |
//! | --- | --- |
//! | `ACTION` | `copy` or `remove`; `prefetch` is refused |
//! | `TARGET_PREFIX` | folder which stands for `/kaapana/tmp` on the platform; default `/kaapana/mounted/workflows`, where the platform mounts the volumes `dags` and `plugins` |
//! | `KAAPANA_DEFAULT_REGISTRY`, `KAAPANA_BUILD_VERSION`, `DOCKER_VERSION` | what the image names in operators stand for |
//! | `ADMIN_NAMESPACE`, `SERVICES_NAMESPACE` | where kube-helm and Airflow are |
//! | `KUBE_HELM_URL`, `AIRFLOW_URL` | the same as addresses; an empty one skips the call |
//!
//! Files count, calls do not: the program fails when a file can't be put or removed, and only
//! warns when kube-helm or Airflow does not answer.
//!
//! It uses nothing but the standard library, so that `rustc` alone builds it.

// A program of its own: it prints, exits and reads the environment by design.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod http;
mod images;
mod notify;
mod place;
mod settings;

use std::{path::Path, process::ExitCode};

use settings::{Action, Settings};

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let result = Settings::read(variable).and_then(|settings| run(&settings, Path::new("/")));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Carries `settings` out in the file system below `root` (`/` in an image).
fn run(settings: &Settings, root: &Path) -> Result<(), String> {
    let source = below(root, Path::new("/kaapana/tmp"));
    let target = below(root, &settings.target);
    let tree = place::survey(&source)?;
    match settings.action {
        Action::Copy => {
            if tree.files.is_empty() {
                return Err(format!("there is nothing to install in {}", source.display()));
            }
            place::copy(&tree, &source, &target)?;
            notify::pull_images(settings, &source, &tree);
        }
        Action::Remove => {
            place::remove(&tree, &target)?;
            notify::clean_up(settings);
        }
    }
    Ok(())
}

/// Returns the absolute `path` as seen from `root`.
fn below(root: &Path, path: &Path) -> std::path::PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    const OPERATOR: &str = r#"image=f"{DEFAULT_REGISTRY}/x:{KAAPANA_BUILD_VERSION}","#;

    fn settings(action: &str, service: &str) -> Settings {
        let read = Settings::read(|name| {
            let value = match name {
                "ACTION" => action,
                "KAAPANA_DEFAULT_REGISTRY" => "reg.org/kaapana",
                "KAAPANA_BUILD_VERSION" => "0.6.0",
                "KUBE_HELM_URL" | "AIRFLOW_URL" => service,
                _ => return None,
            };
            Some(value.to_owned())
        });
        read.unwrap()
    }

    /// Answers one request with 202 and returns it.
    fn service() -> (String, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/base/", listener.local_addr().unwrap());
        let answer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut bytes) = (String::new(), [0; 512]);
            while !request.ends_with('}') {
                let count = stream.read(&mut bytes).unwrap();
                request.push_str(str::from_utf8(&bytes[..count]).unwrap());
            }
            stream.write_all(b"HTTP/1.1 202 Accepted\r\n\r\n").unwrap();
            request
        });
        (address, answer)
    }

    fn image() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let dags = root.path().join("kaapana/tmp/dags");
        fs::create_dir_all(&dags).unwrap();
        fs::write(dags.join("Operator.py"), OPERATOR).unwrap();
        root
    }

    #[test]
    fn copying_puts_the_files_and_asks_for_the_images() {
        let (address, answer) = service();
        let root = image();
        run(&settings("copy", &address), root.path()).unwrap();
        let there = root.path().join("kaapana/mounted/workflows/dags/Operator.py");
        assert_eq!(fs::read_to_string(there).unwrap(), OPERATOR);
        let request = answer.join().unwrap();
        assert!(request.starts_with("POST /base/pull-docker-image "), "{request}");
        let body = r#"{"docker_registry_url":"reg.org/kaapana","docker_image":"x","docker_version":"0.6.0"}"#;
        assert!(request.ends_with(body), "{request}");
    }

    #[test]
    fn removing_takes_the_files_away_and_asks_for_a_clean_up() {
        let root = image();
        run(&settings("copy", ""), root.path()).unwrap();
        let (address, answer) = service();
        run(&settings("remove", &address), root.path()).unwrap();
        assert!(!root.path().join("kaapana/mounted/workflows/dags/Operator.py").exists());
        let request = answer.join().unwrap();
        assert!(request.starts_with("POST /base/trigger/service-daily-cleanup-jobs "), "{request}");
    }

    #[test]
    fn a_service_that_does_not_answer_fails_nothing() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("http://127.0.0.1:{port}");
        let root = image();
        assert_eq!(run(&settings("copy", &address), root.path()), Ok(()));
        assert_eq!(run(&settings("remove", &address), root.path()), Ok(()));
    }

    #[test]
    fn an_image_without_files_installs_nothing_and_says_so() {
        let root = tempfile::tempdir().unwrap();
        assert!(run(&settings("copy", ""), root.path()).unwrap_err().contains("nothing"));
        assert_eq!(run(&settings("remove", ""), root.path()), Ok(()));
    }
}
