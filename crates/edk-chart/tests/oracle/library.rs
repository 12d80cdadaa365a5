//! Charts that use the library chart which comes with this program: rendered by Helm from our
//! package, they give what we render.

use std::fs;

use edk_chart::{Capabilities, Chart, Release, Sources, render, resolve, yaml};
use serde_json::{Value, json};

use crate::{corpus::Case, helm::Helm};

const APPLICATION: &str = r#"-- Chart.yaml --
apiVersion: v1
name: c
version: 1.2.3
keywords: [kaapanaapplication]
-- requirements.yaml --
dependencies:
- name: kaapana-library-chart
  version: 0.0.0
-- templates/volumes.yaml --
{{- include "dynamicPersistentVolumes" . }}
{{- include "dynamicSharedVolumes" . }}
{{- include "devPersistentVolumes" . }}
-- templates/project.yaml --
{{- include "projectPersistentVolumes" . }}
-- templates/deployment.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ tpl .Values.global.namespace . }}
  labels:
    app.kubernetes.io/name: c
    {{- include "dynamicLabels" . | indent 4 }}
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: c
  template:
    metadata:
      labels:
        app.kubernetes.io/name: c
    spec:
      {{- include "kaapana.nodeSelector" . | indent 6 }}
      containers:
      - name: c
        image: c
        env:
        - name: FIRST
          value: "1"
        {{ include "dynamicEnvs" . | indent 8 }}
        {{- include "dynamicEnvsFromSecretRef" . | nindent 8 }}
        volumeMounts:
{{ include "dynamicVolumeMounts" . | indent 8 }}
      volumes:
        {{- include "dynamicVolumes" . | indent 8 }}
-- values.yaml --
global:
  namespace: "{{ .Values.global.services_namespace }}"
"#;

/// Renders with both; returns our objects, which Helm's are equal to.
#[track_caller]
fn rendered(text: &str, values: &Value) -> Vec<Value> {
    let case = Case::parse("library", text);
    let chart = resolve(&case.chart().unwrap(), &Sources::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let package = chart.package().unwrap().write(dir.path()).unwrap();
    fs::write(dir.path().join("values.yaml"), yaml::emit(values)).unwrap();
    let package = package.file_name().unwrap().to_str().unwrap();
    let args = ["template", "r", package, "--namespace", "admin", "--values", "values.yaml"];
    let done = Helm::Three.run(dir.path(), &args);
    assert!(done.ok, "{}", done.stderr);
    let release = Release {
        name: "r".to_owned(),
        namespace: "admin".to_owned(),
        revision: 1,
        is_install: true,
    };
    let read = Chart::open(&dir.path().join(package)).unwrap();
    let ours = render(&read, &release, values, &Capabilities::default()).unwrap();
    let ours: Vec<Value> = ours.manifests.into_iter().map(|manifest| manifest.object).collect();
    let mut theirs = yaml::parse_all(&done.stdout, "helm").unwrap();
    theirs.retain(|object| !object.is_null());
    assert_eq!(ours, theirs, "{}", done.stdout);
    ours
}

fn platform() -> Value {
    json!({ "global": {
        "services_namespace": "services",
        "storage_node": "node-1",
        "storage_class_fast": "microk8s-hostpath",
        "storage_class_slow": "slow-class",
        "storage_class_workflow": "longhorn",
    }})
}

#[track_caller]
fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let fits = |it: &&Value| it["kind"] == kind && it["metadata"]["name"] == name;
    objects.iter().find(fits).unwrap_or_else(|| panic!("{kind} {name} in {objects:#?}"))
}

#[test]
fn an_application_without_volumes_renders_to_its_deployment_alone() {
    let objects = rendered(APPLICATION, &platform());
    assert_eq!(objects.len(), 1, "{objects:#?}");
    let deployment = named(&objects, "Deployment", "r");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["nodeSelector"]["kaapana.io/node"], "node-1");
    assert_eq!(pod["volumes"], Value::Null);
}

#[test]
fn volumes_are_claimed_and_mounted_by_their_names() {
    let mut values = platform();
    let global = &mut values["global"];
    global["project_namespace"] = json!("project-one");
    global["dynamicVolumes"] = json!([
        { "name": "data", "mount_path": "/data" },
        { "name": "cold", "mount_path": "/cold", "storage": "1Ti", "storage_class": "slow" },
        { "name": "flow", "mount_path": "/flow", "storage_class": "workflow", "sub_path": "a/b" },
        { "name": "old", "mount_path": "/old", "use_existing_pvc": "mine", "read_only": true },
    ]);
    global["sharedVolumes"] = json!([{ "name": "shared", "mount_path": "/shared", "host_path": "/data/{{ .Release.Name }}" }]);
    global["dev_files"] = json!("/data/source");
    global["workflow_configmap_name"] = json!("run-config");
    global["envVars"] = json!([{ "name": "A", "value": "b" }, { "name": "N", "value": 5 }]);
    global["envVarsFromSecretRef"] =
        json!([{ "name": "S", "secret_name": "secret", "secret_key": "key" }]);
    global["labels"] = json!([{ "name": "kaapana.ai/type", "value": "application" }]);
    let objects = rendered(APPLICATION, &values);
    let claim = named(&objects, "PersistentVolumeClaim", "data-pv-claim");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "10Gi");
    assert_eq!(claim["spec"]["storageClassName"], "microk8s-hostpath");
    assert_eq!(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    let cold = named(&objects, "PersistentVolumeClaim", "cold-pv-claim");
    assert_eq!(cold["spec"]["storageClassName"], "slow-class");
    let flow = named(&objects, "PersistentVolumeClaim", "flow-pv-claim");
    assert_eq!(flow["spec"]["accessModes"], json!(["ReadWriteMany"]));
    assert!(!objects.iter().any(|it| it["metadata"]["name"] == "mine"));
    let volume = named(&objects, "PersistentVolume", "services-shared-pv-claim");
    assert_eq!(volume["spec"]["hostPath"]["path"], "/data/r");
    let in_project = objects.iter().filter(|it| it["metadata"]["namespace"] == "project-one");
    assert_eq!(in_project.count(), 3);
    let deployment = named(&objects, "Deployment", "r");
    assert_eq!(deployment["metadata"]["labels"]["kaapana.ai/type"], "application");
    let pod = &deployment["spec"]["template"]["spec"];
    let names = |list: &Value| -> Vec<String> {
        let items = list.as_array().unwrap().iter();
        items.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["data", "cold", "flow", "old", "shared", "dev-files", "workflow-config"];
    assert_eq!(names(&pod["volumes"]), all);
    assert_eq!(names(&pod["containers"][0]["volumeMounts"]), all);
    assert_eq!(pod["volumes"][3]["persistentVolumeClaim"]["claimName"], "mine");
    assert_eq!(names(&pod["containers"][0]["env"]), ["FIRST", "A", "N", "S"]);
}

#[test]
fn each_launch_of_a_chart_that_can_be_launched_often_has_claims_of_its_own() {
    let mut values = platform();
    values["global"]["dynamicVolumes"] = json!([{ "name": "data", "mount_path": "/data" }]);
    let text = APPLICATION
        .replace("[kaapanaapplication]", "[kaapanaapplication, kaapanamultiinstallable]");
    let objects = rendered(&text, &values);
    let claim = named(&objects, "PersistentVolumeClaim", "data-r-pv-claim");
    assert_eq!(claim["metadata"]["annotations"], Value::Null);
}

/// The same for the other chart that comes with this program.
#[test]
fn a_workflow_renders_to_the_jobs_of_its_installer_in_both() {
    let text = "-- Chart.yaml --\napiVersion: v1\nname: c\nversion: 1.2.3\nkeywords: [kaapanaworkflow]\n\
                -- requirements.yaml --\ndependencies:\n- name: dag-installer-chart\n  version: 0.0.0\n\
                -- values.yaml --\nglobal:\n  image: dag-mine\n  action: copy\n";
    let mut values = platform();
    values["global"]["registry_url"] = json!("registry.example.org/kaapana");
    values["global"]["custom_registry_url"] = json!("example.org/mine");
    let objects = rendered(text, &values);
    let pod = &named(&objects, "Job", "dag-mine")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["name"], "copy-dag-mine");
    assert_eq!(pod["containers"][0]["image"], "example.org/mine/dag-mine:0.0.0");
    assert_eq!(pod["volumes"][0]["persistentVolumeClaim"]["claimName"], "dags-pv-claim");
    let removal = named(&objects, "Job", "remove-dag-mine");
    assert_eq!(removal["metadata"]["annotations"]["helm.sh/hook"], "pre-delete");
}
