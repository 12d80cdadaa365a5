//! What charts render to, with the values of a platform and no extension parameters.

mod objects;

use edk_model::Severity::{Error, Warning};
use serde_json::Value;

use crate::check::{
    facts::text::Place,
    profile::Profile,
    rule::{Example, Rule, replace},
};

use objects::{
    containers, fixed_names, image_names, ingresses, kind_place, literal_namespaces, namespaces,
    node_ports, objects, paths, pod_spec, renders, valid,
};
pub(crate) use objects::{images, near, templates};
pub(super) use objects::{installed, owner};

const MORE: &str = "notes-chart/templates/more.yaml";
/// Kinds without a namespace.
const CLUSTER: [&str; 14] = [
    "Namespace",
    "PersistentVolume",
    "StorageClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "IngressClass",
    "RuntimeClass",
    "APIService",
];
/// Ports of services that a platform's host opens.
const PORTS: std::ops::RangeInclusive<i64> = 80..=32000;

/// A pod in an object of one container.
macro_rules! pod {
    ($name:literal, $more:literal) => {
        concat!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: ", $name,
            "\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: more\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: more\n    spec:\n", $more
        )
    };
}
macro_rules! service {
    ($namespace:literal, $more:literal) => {
        concat!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n",
            $namespace,
            "spec:\n",
            $more
        )
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "C10",
        severity: Error,
        title: "the chart renders without extension parameters",
        why: "the platform tries a chart at its upload with its own values only, and rejects it, but lists it all the same",
        fix: "give what is asked of the user a default in the template: `{{ default \"\" .Values.global.key }}`",
        bad: Example::application(&[(
            MORE,
            "# {{ required \"a name is needed\" .Values.global.nickname }}\n",
        )]),
        says: "the chart can't be rendered: a name is needed",
        good: Example::application(&[(MORE, "# {{ default \"none\" .Values.global.nickname }}\n")]),
        check: renders,
    },
    Rule {
        id: "C11",
        severity: Error,
        title: "the chart's files and what they render to are valid",
        why: "the cluster refuses the whole installation for one invalid object",
        fix: "correct the file; every object has apiVersion, kind and a name of its own",
        bad: Example::application(&[(
            MORE,
            "kind: Service\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Values.global.services_namespace }}\n",
        )]),
        says: "an object has no apiVersion",
        good: Example::application(&[]),
        check: valid,
    },
    Rule {
        id: "C12",
        severity: Error,
        title: "every object says its namespace, and it is not the platform's own",
        why: "an object without a namespace lands in the platform's admin namespace, and the upload of a chart with objects there is rejected",
        fix: "write `namespace: {{ .Values.global.services_namespace }}`",
        bad: Example::application(&[(MORE, service!("", "  ports: [{port: 80}]\n"))]),
        says: "Service has no namespace and lands in the admin namespace",
        good: Example::application(&[(
            MORE,
            service!(
                "  namespace: {{ .Values.global.services_namespace }}\n",
                "  ports: [{port: 80}]\n"
            ),
        )]),
        check: namespaces,
    },
    Rule {
        id: "C13",
        severity: Warning,
        title: "no namespace is written out",
        why: "a platform may call its namespaces otherwise",
        fix: "write `{{ .Values.global.services_namespace }}`",
        bad: Example::application(&[(
            MORE,
            service!("  namespace: services\n", "  ports: [{port: 80}]\n"),
        )]),
        says: "the namespace `services` is written out",
        good: Example::application(&[(
            MORE,
            service!(
                "  namespace: {{ .Values.global.services_namespace }}\n",
                "  ports: [{port: 80}]\n"
            ),
        )]),
        check: literal_namespaces,
    },
    Rule {
        id: "C14",
        severity: Error,
        title: "images come from the platform's registry under its build version",
        why: "an image that nobody makes ends in ErrImagePull; the platform's build script refuses one of another registry, and offline platforms can't pull it",
        fix: "write `{{ .Values.global.registry_url }}/<image>:{{ .Values.global.kaapana_build_version }}`; wrap an image of others into a Dockerfile of your own",
        bad: Example::application(&[(
            MORE,
            pod!(
                "{{ .Release.Name }}-more",
                "      imagePullSecrets: [{name: registry-secret}]\n      containers:\n        - name: more\n          image: \"{{ .Values.global.registry_url }}/nots:{{ .Values.global.kaapana_build_version }}\"\n          resources: {requests: {memory: 1Mi}, limits: {memory: 1Mi}}\n"
            ),
        )]),
        says: "nobody makes the image `nots`",
        good: Example::application(&[]),
        check: image_names,
    },
    Rule {
        id: "C15",
        severity: Warning,
        title: "images that are there are not pulled again",
        why: "with `Always`, images that were imported instead of pushed end in ErrImagePull",
        fix: "write IfNotPresent, or `{{ .Values.global.pull_policy_images }}`",
        bad: Example::application(&[(
            MORE,
            pod!(
                "{{ .Release.Name }}-more",
                "      imagePullSecrets: [{name: registry-secret}]\n      containers:\n        - name: more\n          image: \"{{ .Values.global.registry_url }}/notes:{{ .Values.global.kaapana_build_version }}\"\n          imagePullPolicy: Always\n          resources: {requests: {memory: 1Mi}, limits: {memory: 1Mi}}\n"
            ),
        )]),
        says: "imagePullPolicy is Always",
        good: Example::application(&[]),
        check: |m, f| {
            for (chart, name, text) in templates(m) {
                for (at, line) in text.lines().enumerate() {
                    let value = line
                        .trim()
                        .trim_start_matches("- ")
                        .strip_prefix("imagePullPolicy:")
                        .map(str::trim);
                    if !matches!(value.map(|it| it.trim_matches(['"', '\''])), Some("Always")) {
                        continue;
                    }
                    let file = chart.path(name);
                    let (place, start) =
                        (Place::line(text, at + 1), line.find("Always").unwrap_or(0));
                    let word = Place {
                        start: (at + 1, line[..start].chars().count() + 1),
                        end: (at + 1, line[..start].chars().count() + 7),
                    };
                    let edit = replace(&file, word, "IfNotPresent");
                    f.at(&file, place, "imagePullPolicy is Always").edits.push(edit);
                }
            }
        },
    },
    Rule {
        id: "C16",
        severity: Warning,
        title: "pods may pull from the platform's registry",
        why: "without the secret a private registry refuses the pull, and the pod ends in ErrImagePull",
        fix: "add `imagePullSecrets: [{name: registry-secret}]` to the pod",
        bad: Example::application(&[(
            MORE,
            pod!(
                "{{ .Release.Name }}-more",
                "      containers:\n        - name: more\n          image: \"{{ .Values.global.registry_url }}/notes:{{ .Values.global.kaapana_build_version }}\"\n          resources: {requests: {memory: 1Mi}, limits: {memory: 1Mi}}\n"
            ),
        )]),
        says: "the pods of Deployment have no imagePullSecrets",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m) {
                let lacks =
                    |pod: &Value| pod["imagePullSecrets"].as_array().is_none_or(Vec::is_empty);
                if pod_spec(&it.object).is_some_and(lacks) {
                    f.at(
                        &file,
                        kind_place(m, &file, it),
                        format!("the pods of {} have no imagePullSecrets", it.kind),
                    );
                }
            }
        },
    },
    Rule {
        id: "C17",
        severity: Warning,
        title: "containers say how much memory they need",
        why: "a namespace's default may be as small as 50 MiB; beyond it the container is killed",
        fix: "set requests and limits of memory",
        bad: Example::application(&[(
            MORE,
            pod!(
                "{{ .Release.Name }}-more",
                "      imagePullSecrets: [{name: registry-secret}]\n      containers:\n        - name: more\n          image: \"{{ .Values.global.registry_url }}/notes:{{ .Values.global.kaapana_build_version }}\"\n"
            ),
        )]),
        says: "container `more` has no requests and limits of memory",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m) {
                for container in containers(&it.object) {
                    let has = |key: &str| !container["resources"][key]["memory"].is_null();
                    if !has("requests") || !has("limits") {
                        let name = container["name"].as_str().unwrap_or_default();
                        let place = near(
                            m,
                            &file,
                            &[&format!("name: {name}"), &format!("kind: {}", it.kind)],
                        );
                        f.at(
                            &file,
                            place,
                            format!("container `{name}` has no requests and limits of memory"),
                        );
                    }
                }
            }
        },
    },
    Rule {
        id: "C18",
        severity: Error,
        title: "no container is privileged",
        why: "a platform outside of its development mode refuses the pod",
        fix: "remove `privileged: true`",
        bad: Example::application(&[(
            MORE,
            pod!(
                "{{ .Release.Name }}-more",
                "      imagePullSecrets: [{name: registry-secret}]\n      containers:\n        - name: more\n          image: \"{{ .Values.global.registry_url }}/notes:{{ .Values.global.kaapana_build_version }}\"\n          securityContext:\n            privileged: true\n          resources: {requests: {memory: 1Mi}, limits: {memory: 1Mi}}\n"
            ),
        )]),
        says: "container `more` is privileged",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m) {
                for container in containers(&it.object) {
                    if container["securityContext"]["privileged"] == true {
                        let name = container["name"].as_str().unwrap_or_default();
                        let place = near(m, &file, &["privileged:", &format!("name: {name}")]);
                        f.at(&file, place, format!("container `{name}` is privileged"));
                    }
                }
            }
        },
    },
    Rule {
        id: "C19",
        severity: Warning,
        title: "the platform finds the pods of a Deployment",
        why: "it looks for pods whose label `app.kubernetes.io/name` is that of matchLabels; without it the extension never counts as ready",
        fix: "put `app.kubernetes.io/name` with the same value into matchLabels and into the labels of the pods",
        bad: Example::application(&[(
            MORE,
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  selector:\n    matchLabels: {app: more}\n  template:\n    metadata:\n      labels: {app: more}\n    spec:\n      imagePullSecrets: [{name: registry-secret}]\n      containers: []\n",
        )]),
        says: "Deployment has no label `app.kubernetes.io/name` that its pods share",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m).filter(|(_, it)| it.kind == "Deployment") {
                let spec = &it.object["spec"];
                let wanted = &spec["selector"]["matchLabels"]["app.kubernetes.io/name"];
                if wanted.is_null()
                    || spec["template"]["metadata"]["labels"]["app.kubernetes.io/name"] != *wanted
                {
                    let message =
                        "Deployment has no label `app.kubernetes.io/name` that its pods share";
                    f.at(&file, near(m, &file, &["matchLabels", "kind: Deployment"]), message);
                }
            }
        },
    },
    Rule {
        id: "C20",
        severity: Warning,
        title: "a launched application is open to its project",
        why: "other paths than `/applications/project/<project>/release/<release>` are open to administrators only, and without the annotations the application is missing among the active ones",
        fix: "use the path, and the annotations kaapana.ai/type and kaapana.ai/display-name",
        bad: Example::application(&[(
            MORE,
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  rules:\n    - http:\n        paths:\n          - path: /{{ .Release.Name }}\n            pathType: Prefix\n",
        )]),
        says: "Ingress is open to administrators only, because its path is not that of a project",
        good: Example::application(&[]),
        check: ingresses,
    },
    Rule {
        id: "C22",
        severity: Warning,
        title: "paths are the extension's own",
        why: "of two Ingresses for one path one is never reached, and it may be the platform's",
        fix: "choose another path",
        bad: Example::application(&[(
            MORE,
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {{ .Release.Name }}-more\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  rules:\n    - http:\n        paths:\n          - path: /docs\n            pathType: Prefix\n",
        )]),
        says: "the path `/docs` is one of the platform's",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m).filter(|(_, it)| it.kind == "Ingress") {
                for path in paths(&it.object) {
                    let plain = if path.len() > 1 { path.trim_end_matches('/') } else { path };
                    if !m.is_platform && Profile::has(&m.profile.paths, plain) {
                        let place = near(m, &file, &[&format!("path: {path}"), "kind: Ingress"]);
                        f.at(&file, place, format!("the path `{path}` is one of the platform's"));
                    }
                }
            }
        },
    },
    Rule {
        id: "C23",
        severity: Error,
        title: "node ports are free and open",
        why: "a platform's host opens 80 to 32000; a port that a launched application fixes is taken at the second launch",
        fix: "use a Service of type ClusterIP and an Ingress",
        bad: Example::application(&[(
            MORE,
            service!(
                "  namespace: {{ .Values.global.services_namespace }}\n",
                "  type: NodePort\n  ports: [{port: 80, nodePort: 32100}]\n"
            ),
        )]),
        says: "node port 32100 is outside of 80 to 32000",
        good: Example::application(&[]),
        check: node_ports,
    },
    Rule {
        id: "C24",
        severity: Warning,
        title: "objects of a launched application are named after the release",
        why: "the second launch finds an object of that name and fails",
        fix: "begin the name with `{{ .Release.Name }}`",
        bad: Example::application(&[(
            MORE,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes-settings\n  namespace: {{ .Values.global.services_namespace }}\n",
        )]),
        says: "ConfigMap `notes-settings` has the same name in every launch",
        good: Example::application(&[(
            MORE,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-settings\n  namespace: {{ .Values.global.services_namespace }}\n",
        )]),
        check: fixed_names,
    },
    Rule {
        id: "C37",
        severity: Warning,
        title: "clean-up ends",
        why: "a pre-delete Job that is tried again and again, or is left behind, keeps the release in `uninstalling`",
        fix: "set `backoffLimit: 0` and the annotation `helm.sh/hook-delete-policy: hook-succeeded,hook-failed`",
        bad: Example::application(&[(
            MORE,
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-remove\n  namespace: {{ .Values.global.services_namespace }}\n  annotations:\n    helm.sh/hook: pre-delete\nspec:\n  template: {}\n",
        )]),
        says: "the pre-delete Job has no delete policy and no `backoffLimit: 0`",
        good: Example::application(&[]),
        check: |m, f| {
            for (file, it) in objects(m).filter(|(_, it)| it.kind == "Job") {
                let Some(hook) =
                    it.hook.as_ref().filter(|it| it.events.iter().any(|it| it == "pre-delete"))
                else {
                    continue;
                };
                let retries = it.object["spec"]["backoffLimit"] != 0;
                let message = match (hook.delete_policies.is_empty(), retries) {
                    (true, true) => {
                        "the pre-delete Job has no delete policy and no `backoffLimit: 0`"
                    }
                    (true, false) => "the pre-delete Job has no delete policy",
                    (false, true) => "the pre-delete Job has no `backoffLimit: 0`",
                    (false, false) => continue,
                };
                f.at(&file, near(m, &file, &["helm.sh/hook", "kind: Job"]), message);
            }
        },
    },
];
