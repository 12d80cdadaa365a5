//! `scripts/bench check`: a tree as large as a checkout of the platform, checked cold by a process of
//! its own, in turns with `helm lint` over the same charts; and through the language server after one
//! file was changed.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::table::{Row, print};

const WORKFLOWS: usize = 20;
const IMAGES: usize = 160;
const APPLICATIONS: usize = 80;
const OPERATORS: usize = 100;
const CODE: usize = 280;
/// Few, because `helm lint` takes long.
const PAIRS: usize = 3;

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let made = make(&root);
    println!(
        "{} Dockerfiles, {} charts, {} templates, {} Python files",
        made.dockerfiles,
        made.charts.len(),
        made.templates,
        made.python
    );
    let cold = Row::paired(
        "cold, all of it",
        "< 1 s",
        PAIRS,
        |_| edk_check(&root),
        |_| helm_lint(&made.charts),
    );
    let mut editor = Editor::open(&root);
    let changed =
        Row::alone("one Python file changed", "< 100 ms", PAIRS, |n| editor.change(&root, n));
    drop(editor);
    print("helm lint", &[cold, changed]);
}

struct Made {
    dockerfiles: usize,
    charts: Vec<PathBuf>,
    templates: usize,
    python: usize,
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn make(root: &Path) -> Made {
    let mut made = Made {
        dockerfiles: WORKFLOWS + IMAGES,
        charts: Vec::new(),
        templates: 0,
        python: WORKFLOWS + OPERATORS + CODE,
    };
    for w in 0..WORKFLOWS {
        workflow(root, w, &mut made);
    }
    for i in 0..IMAGES {
        let folder = format!("extensions/w{}/processing-containers/image-{i}", i % WORKFLOWS);
        put(
            root,
            &format!("{folder}/Dockerfile"),
            &format!(
                "FROM local-only/base-python-cpu:latest\n\nLABEL IMAGE=\"image-{i}\"\nLABEL VERSION=\"0.1.0\"\n\nWORKDIR /kaapana/app\nCOPY files/requirements.txt /kaapana/app/\nRUN python3 -m pip install --no-cache-dir -r requirements.txt\nCOPY files/ /kaapana/app/\n\nCMD [\"python3\", \"-u\", \"/kaapana/app/code-{i}.py\"]\n"
            ),
        );
        put(root, &format!("{folder}/files/requirements.txt"), "numpy==2.4.6\n");
    }
    for c in 0..CODE {
        let i = c % IMAGES;
        let folder = format!("extensions/w{}/processing-containers/image-{i}/files", i % WORKFLOWS);
        put(root, &format!("{folder}/code-{c}.py"), &code(c));
    }
    for a in 0..APPLICATIONS {
        application(root, a, &mut made);
    }
    made
}

fn workflow(root: &Path, w: usize, made: &mut Made) {
    let folder = format!("extensions/w{w}/extension");
    let chart = format!("{folder}/w{w}-workflow");
    put(
        root,
        &format!("{chart}/Chart.yaml"),
        &format!(
            "apiVersion: v1\nname: w{w}-workflow\nversion: \"0.1.0\"\nappVersion: \"0.1.0\"\ndescription: Number {w}.\nkeywords:\n  - kaapanaworkflow\n  - kaapanaexperimental\n"
        ),
    );
    put(
        root,
        &format!("{chart}/values.yaml"),
        &format!("global:\n  image: \"dag-w{w}\"\n  action: \"copy\"\n"),
    );
    put(
        root,
        &format!("{chart}/requirements.yaml"),
        "dependencies:\n  - name: dag-installer-chart\n    version: 0.0.0\n",
    );
    if w.is_multiple_of(2) {
        put(
            root,
            &format!("{chart}/templates/note.yaml"),
            &format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: w{w}-note\n  namespace: {{{{ .Values.global.services_namespace }}}}\ndata:\n  note: {{{{ .Values.global.note | default \"none\" | quote }}}}\n"
            ),
        );
        made.templates += 1;
    }
    made.charts.push(root.join(&chart));
    put(
        root,
        &format!("{folder}/docker/Dockerfile"),
        &format!(
            "FROM local-only/base-installer:latest\n\nLABEL IMAGE=\"dag-w{w}\"\n\nCOPY files/ /kaapana/tmp/dags/\n"
        ),
    );
    let operators: Vec<usize> = (0..OPERATORS).filter(|it| it % WORKFLOWS == w).collect();
    put(root, &format!("{folder}/docker/files/dag_w{w}.py"), &dag(w, &operators));
    for it in operators {
        put(root, &format!("{folder}/docker/files/w{w}/W{it}Operator.py"), &operator(it));
    }
}

fn dag(w: usize, operators: &[usize]) -> String {
    let mut text = "from airflow.models import DAG\nfrom airflow.utils.dates import days_ago\nfrom kaapana.operators.GetInputOperator import GetInputOperator\nfrom kaapana.operators.LocalWorkflowCleanerOperator import LocalWorkflowCleanerOperator\n".to_owned();
    for it in operators {
        let _ = writeln!(text, "from w{w}.W{it}Operator import W{it}Operator");
    }
    text.push_str("\nui_forms = {\"workflow_form\": {\"type\": \"object\", \"properties\": {\n");
    for n in 0..12 {
        let _ = writeln!(
            text,
            "    \"threshold_{n}\": {{\"title\": \"Threshold {n}\", \"description\": \"One of many.\", \"type\": \"number\", \"default\": {n}.5, \"required\": True}},"
        );
    }
    let _ = write!(
        text,
        "}}}}}}\ndefault_args = {{\"ui_visible\": True, \"ui_forms\": ui_forms, \"start_date\": days_ago(0)}}\ndag = DAG(dag_id=\"w{w}\", default_args=default_args, schedule_interval=None)\n\nget_input = GetInputOperator(dag=dag)\nlast = get_input\n"
    );
    for it in operators {
        let _ = writeln!(
            text,
            "task_{it} = W{it}Operator(dag=dag, input_operator=get_input)\nlast >> task_{it}\nlast = task_{it}"
        );
    }
    text.push_str(
        "clean = LocalWorkflowCleanerOperator(dag=dag, clean_workflow_dir=True)\nlast >> clean\n",
    );
    text
}

fn operator(it: usize) -> String {
    format!(
        "from datetime import timedelta\n\nfrom kaapana.blueprints.kaapana_global_variables import DEFAULT_REGISTRY, KAAPANA_BUILD_VERSION\nfrom kaapana.operators.KaapanaBaseOperator import KaapanaBaseOperator\n\n\nclass W{it}Operator(KaapanaBaseOperator):\n    def __init__(self, dag, name=\"task-{it}\", env_vars=None, execution_timeout=timedelta(hours=4), **kwargs):\n        env_vars = dict(env_vars or {{}})\n        super().__init__(\n            dag=dag,\n            name=name,\n            image=f\"{{DEFAULT_REGISTRY}}/image-{it}:{{KAAPANA_BUILD_VERSION}}\",\n            env_vars=env_vars,\n            execution_timeout=execution_timeout,\n            ram_mem_mb=1000,\n            ram_mem_mb_lmt=2000,\n            **kwargs,\n        )\n"
    )
}

fn code(c: usize) -> String {
    let mut text =
        "import json\nimport os\nfrom pathlib import Path\n\nimport numpy as np\n".to_owned();
    for n in 0..20 {
        let _ = write!(
            text,
            "\n\ndef step_{n}(values, factor={n}):\n    \"\"\"Does step {n} of {c}.\"\"\"\n    if len(values) == 0:\n        raise ValueError(f\"step {n} of {{factor}} has no values\")\n    scaled = np.asarray(values) * factor\n    result = {{\"mean\": float(scaled.mean()), \"max\": float(scaled.max())}}\n    print(f\"step {n}: {{result['mean']:.2f}}\")\n    return result\n"
        );
    }
    text.push_str("\n\nif __name__ == \"__main__\":\n    batch = Path(\"/\", os.environ[\"WORKFLOW_DIR\"], os.environ[\"BATCH_NAME\"])\n    for folder in sorted(batch.iterdir()):\n        (folder / os.environ[\"OPERATOR_OUT_DIR\"]).mkdir(exist_ok=True)\n        print(json.dumps(step_1([1, 2, 3])))\n");
    text
}

fn application(root: &Path, a: usize, made: &mut Made) {
    let chart = format!("applications/app-{a}-chart");
    put(
        root,
        &format!("{chart}/Chart.yaml"),
        &format!(
            "apiVersion: v1\nname: app-{a}-chart\nversion: \"0.1.0\"\nappVersion: \"0.1.0\"\ndescription: Application {a}.\nkeywords:\n  - kaapanaapplication\n  - kaapanamultiinstallable\n  - kaapanaexperimental\n"
        ),
    );
    put(
        root,
        &format!("{chart}/values.yaml"),
        "global:\n  display_name: \"\"\nextension_params:\n  display_name:\n    type: string\n    definition: Name\n    default: app\n",
    );
    let image = a % IMAGES;
    put(
        root,
        &format!("{chart}/templates/deployment.yaml"),
        &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{{{ .Release.Name }}}}\n  namespace: {{{{ .Values.global.services_namespace }}}}\nspec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: {{{{ .Release.Name }}}}\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: {{{{ .Release.Name }}}}\n    spec:\n      imagePullSecrets:\n        - name: registry-secret\n      containers:\n        - name: app\n          image: \"{{{{ .Values.global.registry_url }}}}/image-{image}:{{{{ .Values.global.kaapana_build_version }}}}\"\n          imagePullPolicy: {{{{ .Values.global.pull_policy_images | default \"IfNotPresent\" }}}}\n          {{{{- if .Values.global.gpu_support }}}}\n          env:\n            - name: GPU\n              value: {{{{ printf \"%v\" .Values.global.gpu_support | quote }}}}\n          {{{{- end }}}}\n          resources:\n            requests:\n              memory: 128Mi\n            limits:\n              memory: 256Mi\n"
        ),
    );
    put(
        root,
        &format!("{chart}/templates/service.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Values.global.services_namespace }}\nspec:\n  selector:\n    app.kubernetes.io/name: {{ .Release.Name }}\n  ports:\n    - port: 80\n      targetPort: 8080\n",
    );
    put(
        root,
        &format!("{chart}/templates/ingress.yaml"),
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Values.global.services_namespace }}\n  annotations:\n    kaapana.ai/type: application\n    kaapana.ai/display-name: {{ default .Release.Name .Values.global.display_name | quote }}\nspec:\n  rules:\n    - http:\n        paths:\n          - path: /applications/project/{{ .Values.global.project_id }}/release/{{ .Release.Name }}\n            pathType: Prefix\n            backend:\n              service:\n                name: {{ .Release.Name }}\n                port:\n                  number: 80\n",
    );
    made.templates += 3;
    made.charts.push(root.join(chart));
}

fn program() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().join("edk")
}

fn edk_check(root: &Path) -> Duration {
    let started = Instant::now();
    let done = Command::new(program()).arg("check").arg(root).output().unwrap();
    let took = started.elapsed();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && text.contains("0 errors"), "{text}");
    took
}

fn helm_lint(charts: &[PathBuf]) -> Duration {
    let own = Path::new("target/tools/helm");
    let helm = if own.exists() { own } else { Path::new("helm") };
    let started = Instant::now();
    // Dependencies that are not vendored are told as errors; the rest is linted all the same.
    Command::new(helm).arg("lint").args(charts).output().unwrap();
    started.elapsed()
}

/// The language server, as an editor talks to it.
struct Editor {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Editor {
    fn open(root: &Path) -> Self {
        let mut child = Command::new(program())
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { child, to, from };
        let params = json!({"rootUri": format!("file://{}", root.display()), "capabilities": {}});
        editor.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}));
        editor.receive();
        editor.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0);
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().unwrap(),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut text = vec![0; length];
        self.from.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Changes a DAG so that something else is wrong with it, and waits until that is told.
    fn change(&mut self, root: &Path, n: usize) -> Duration {
        let path = root.join("extensions/w3/extension/docker/files/dag_w3.py");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("dag_id=\"w3\"", &format!("dag_id=\"W3_{n}\""));
        let uri = format!("file://{}", path.display());
        let started = Instant::now();
        let document = json!({"uri": uri, "languageId": "python", "version": n, "text": text});
        self.send(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
        loop {
            let message = self.receive();
            if message["params"]["uri"] == *uri && message.to_string().contains(&format!("W3_{n}"))
            {
                return started.elapsed();
            }
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
