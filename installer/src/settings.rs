use std::path::PathBuf;

/// What to do with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Put them.
    Copy,
    /// Take them away.
    Remove,
}

/// What the environment asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// What to do.
    pub(crate) action: Action,
    /// The folder which stands for `/kaapana/tmp` on the platform.
    pub(crate) target: PathBuf,
    /// Registry and path that `{DEFAULT_REGISTRY}` stands for.
    pub(crate) registry: Option<String>,
    /// What `{KAAPANA_BUILD_VERSION}` stands for.
    pub(crate) build_version: Option<String>,
    /// What `{DOCKER_VERSION}` stands for.
    pub(crate) docker_version: Option<String>,
    /// Address of kube-helm; none: it is not called.
    pub(crate) kube_helm: Option<String>,
    /// Address of the platform's programming interface in Airflow; none: it is not called.
    pub(crate) airflow: Option<String>,
}

/// The folder below which the platform mounts its volumes `dags` and `plugins` into the Job. A
/// Job that carries `extensions` or `mounted_scripts` has its volumes elsewhere and says so with
/// `TARGET_PREFIX`.
const TARGET: &str = "/kaapana/mounted/workflows";

impl Settings {
    /// Returns the settings that the environment `variable` asks for.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let filled = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let address = |name: &str, namespace: &str, service: &dyn Fn(&str) -> String| {
            variable(name).or_else(|| filled(namespace).map(|namespace| service(&namespace)))
        };
        let kube_helm = |admin: &str| format!("http://kube-helm-service.{admin}.svc:5000");
        let airflow = |services: &str| {
            format!("http://airflow-webserver-service.{services}.svc:8080/flow/kaapana/api")
        };
        let text = |address: String| Some(address).filter(|address| !address.trim().is_empty());
        Ok(Self {
            action: action(filled("ACTION").as_deref())?,
            target: filled("TARGET_PREFIX").unwrap_or_else(|| TARGET.to_owned()).into(),
            registry: filled("KAAPANA_DEFAULT_REGISTRY").or_else(|| filled("DEFAULT_REGISTRY")),
            build_version: filled("KAAPANA_BUILD_VERSION"),
            docker_version: filled("DOCKER_VERSION"),
            kube_helm: address("KUBE_HELM_URL", "ADMIN_NAMESPACE", &kube_helm).and_then(text),
            airflow: address("AIRFLOW_URL", "SERVICES_NAMESPACE", &airflow).and_then(text),
        })
    }
}

fn action(text: Option<&str>) -> Result<Action, String> {
    match text {
        Some("copy") => Ok(Action::Copy),
        Some("remove") => Ok(Action::Remove),
        Some("prefetch") => {
            Err("ACTION=prefetch is not supported: the platform's chart can't run \
                                 it either; images are pulled after ACTION=copy"
                .to_owned())
        }
        Some(other) => Err(format!("ACTION is `{other}`; it must be copy or remove")),
        None => Err("ACTION is not set; it must be copy or remove".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn actions_other_than_copy_and_remove_are_refused_with_a_reason() {
        for (action, reason) in
            [("prefetch", "not supported"), ("Copy", "must be"), ("", "not set")]
        {
            let message = read(&[("ACTION", action)]).unwrap_err();
            assert!(message.contains(reason), "{action}: {message}");
        }
        assert_eq!(read(&[("ACTION", "remove")]).unwrap().action, Action::Remove);
    }

    #[test]
    fn addresses_come_from_the_namespaces_unless_they_are_given() {
        let action = ("ACTION", "copy");
        let spaces = [action, ("ADMIN_NAMESPACE", "adm"), ("SERVICES_NAMESPACE", "serv")];
        let settings = read(&spaces).unwrap();
        assert_eq!(settings.kube_helm.as_deref(), Some("http://kube-helm-service.adm.svc:5000"));
        assert!(settings.airflow.unwrap().contains(".serv.svc:8080/flow/kaapana/api"));

        let given = [action, ("ADMIN_NAMESPACE", "adm"), ("KUBE_HELM_URL", "http://x:1")];
        assert_eq!(read(&given).unwrap().kube_helm.as_deref(), Some("http://x:1"));
        let empty = [action, ("ADMIN_NAMESPACE", "adm"), ("KUBE_HELM_URL", "")];
        assert_eq!(read(&empty).unwrap().kube_helm, None);
        assert_eq!(read(&[action]).unwrap().kube_helm, None);
    }

    #[test]
    fn the_target_is_the_platforms_unless_it_is_given() {
        assert_eq!(read(&[("ACTION", "copy")]).unwrap().target, PathBuf::from(TARGET));
        let given = read(&[("ACTION", "copy"), ("TARGET_PREFIX", "/x")]).unwrap();
        assert_eq!(given.target, PathBuf::from("/x"));
    }
}
