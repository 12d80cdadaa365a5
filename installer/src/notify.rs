//! The two calls to the platform. Neither is needed for the files to work, so a failure is a
//! warning.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{http, images, place::Tree, settings::Settings};

/// Asks kube-helm to pull the images which the Python files of `tree` name, so that the first run
/// need not wait for them.
pub(crate) fn pull_images(settings: &Settings, source: &Path, tree: &Tree) {
    let Some(kube_helm) = &settings.kube_helm else { return };
    for image in named(settings, source, tree) {
        let body = http::json_object(&[
            ("docker_registry_url", &image.registry),
            ("docker_image", &image.name),
            ("docker_version", &image.version),
        ]);
        let subject = format!("{}/{}:{}", image.registry, image.name, image.version);
        match http::post(&address(kube_helm, "pull-docker-image"), &body) {
            Ok(status @ 200..=299) => println!("asked for {subject} ({status})"),
            Ok(status) => println!("warning: kube-helm refused to pull {subject} ({status})"),
            Err(error) => {
                println!("warning: kube-helm could not be asked to pull {subject}: {error}");
                println!("warning: images are pulled when they are first run");
                return;
            }
        }
    }
}

fn named(settings: &Settings, source: &Path, tree: &Tree) -> BTreeSet<images::Image> {
    let python = tree.files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "py"));
    let texts = python.filter_map(|file| fs::read(source.join(file)).ok());
    let found = texts.map(|text| images::named_in(&String::from_utf8_lossy(&text), settings));
    found.flatten().collect()
}

/// Asks Airflow to run the platform's clean-up, which forgets DAGs whose files are gone.
pub(crate) fn clean_up(settings: &Settings) {
    let Some(airflow) = &settings.airflow else { return };
    match http::post(&address(airflow, "trigger/service-daily-cleanup-jobs"), r#"{"conf":{}}"#) {
        Ok(status @ 200..=299) => println!("asked for a clean-up of workflows ({status})"),
        Ok(status) => println!("warning: Airflow refused the clean-up of workflows ({status})"),
        Err(error) => println!("warning: Airflow could not be asked for a clean-up: {error}"),
    }
}

fn address(base: &str, path: &str) -> String {
    format!("{}/{path}", base.trim_end_matches('/'))
}
