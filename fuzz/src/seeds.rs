//! Inputs to begin with: what this program ships and checks, and a few of each kind by hand.

use std::{collections::BTreeMap, io::Write as _};

use edk_extension::check::{Tree, example_project, rules};
use edk_template::Catalog;
use serde_json::{Value, json};
use tar::EntryType::{Directory, Link, Regular, Symlink};

use crate::{tars, text};

/// The largest seed in bytes; larger ones slow every run down.
const LIMIT: usize = 32 * 1024;

fn document(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Path and content of the files of each shipped template with its default answers.
fn scaffolded() -> Vec<Vec<(String, Vec<u8>)>> {
    let catalog = Catalog::shipped().unwrap();
    let plans = catalog.templates().iter().map(|template| {
        let answers = template.answer(&BTreeMap::new()).unwrap();
        template.plan(&answers).unwrap().files
    });
    plans.map(|files| files.into_iter().map(|it| (it.path, it.bytes)).collect()).collect()
}

/// The examples of the rules, the bad ones and the good ones.
fn examples() -> Vec<Tree> {
    let both = rules::all().flat_map(|rule| [&rule.bad, &rule.good]);
    both.map(example_project).collect()
}

fn input(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    text::joined(files.iter().map(|(path, data)| (path.as_str(), data.as_slice())))
}

fn files_of(tree: &Tree) -> Vec<(String, Vec<u8>)> {
    tree.files().map(|file| (file.path.clone(), file.data.to_vec())).collect()
}

fn small(seeds: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = seeds.into_iter().filter(|seed| seed.len() <= LIMIT).collect();
    seeds.sort();
    seeds.dedup();
    seeds
}

/// Everything that is called so in the examples and in what is scaffolded.
fn every(picks: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let all = examples().iter().map(files_of).chain(scaffolded()).collect::<Vec<_>>();
    small(all.into_iter().flatten().filter(|(path, _)| picks(path)).map(|(_, data)| data))
}

pub(crate) fn projects() -> Vec<Vec<u8>> {
    let examples = examples();
    small(examples.iter().map(files_of).chain(scaffolded()).map(|files| input(&files)))
}

pub(crate) fn conversations() -> Vec<Vec<u8>> {
    texts(&[
        r#"{"method":"textDocument/didOpen","params":{"textDocument":{"uri":"ROOT/dag.py","languageId":"python","version":1,"text":"dag = DAG('ä𝄞')\n"}}}
{"id":1,"method":"textDocument/hover","params":{"textDocument":{"uri":"ROOT/dag.py"},"position":{"line":0,"character":7}}}
{"method":"textDocument/didChange","params":{"textDocument":{"uri":"ROOT/dag.py","version":2},"contentChanges":[{"text":""}]}}
{"id":"a","method":"textDocument/codeAction","params":{"textDocument":{"uri":"ROOT/Dockerfile"},"range":{"start":{"line":0,"character":0},"end":{"line":4294967295,"character":4294967295}},"context":{"diagnostics":[]}}}
{"method":"textDocument/didClose","params":{"textDocument":{"uri":"ROOT/dag.py"}}}
{"id":3,"method":"shutdown"}
{"method":"exit"}"#,
        r#"{"method":"textDocument/didOpen","params":{"textDocument":{"uri":"ROOT/%C3%A4/Chart.yaml","languageId":"","version":-1,"text":"name: x\r\n"}}}
{"method":"textDocument/didSave","params":{"textDocument":{"uri":"untitled:x"}}}
{"method":"workspace/didChangeWatchedFiles","params":null}
{"id":2,"result":"\ud834\udd1e"}
Content-Length: 2

{}"#,
    ])
}

/// What the guard is tried with, alone and in archives. The zip among it is in each of them.
pub(crate) fn guarded() -> Vec<Vec<u8>> {
    let plain = every(|path| path.ends_with("files/example"));
    let named: Vec<_> = plain.iter().enumerate().map(|(at, data)| (at.to_string(), data)).collect();
    let tar = tars::of_files(named.iter().map(|(name, data)| (name.as_str(), data.as_slice())));
    let packed = |data: &[u8]| {
        let mut packed = edk_archive::gzip(Vec::new(), 1);
        packed.write_all(data).unwrap();
        packed.finish().unwrap()
    };
    let twice = tars::of_files([("in.tgz", packed(&tar).as_slice()), ("in.tar", &tar)]);
    let archives = [packed(&tar), packed(&plain[0]), packed(&twice), twice, tar];
    plain.into_iter().chain(archives).collect()
}

pub(crate) fn dags() -> Vec<Vec<u8>> {
    every(|path| path.ends_with(".py"))
}

pub(crate) fn chart_templates() -> Vec<Vec<u8>> {
    let mut seeds = every(|path| path.contains("/templates/"));
    seeds.extend(texts(&[
        "{{- define \"a\" -}}{{ . | quote }}{{- end -}}\n{{ include \"a\" .Values.s | indent 2 }}\n",
        "{{ range $i, $v := .Values.l }}{{ if eq $i 1 }}{{ continue }}{{ else }}{{ $v }}{{ break }}{{ end }}{{ else }}x{{ end }}",
        "{{ with $x := .Values.m }}{{ $x.x | int64 | add 1 }}{{ $ | typeOf }}{{ end }}{{/* c */}}",
        "{{ printf \"%5.2f %-8s|%#v %T %x %+d\" .Values.f .Values.s .Values.l .Values 255 7 }}",
        "{{ toYaml .Values | nindent 2 }}{{ toJson .Values | fromJson | dict \"a\" | toToml }}",
        "{{ tpl \"{{ .Values.s | upper | trunc 3 }}\" . }}{{ .Files.Get \"note.txt\" | b64enc }}",
        "{{ .Files.Lines \"note.txt\" | join \",\" | sha256sum }}{{ (.Files.Glob \"*.txt\").AsConfig }}",
        "{{ regexReplaceAll \"(a|b)+\" \"aabb c\" \"${1}x\" }}{{ semverCompare \">=1.2 <2\" \"1.3.0\" }}",
        "{{ date \"2006-01-02T15:04:05Z07:00\" (toDate \"2006-01-02\" .Values.t) }}{{ now | unixEpoch }}",
        "{{ duration 95000 }}{{ durationRound \"2h10m5s\" }}{{ ago now }}{{ dateModify \"-1.5h\" now }}",
        "{{ dig \"y\" \"z\" \"d\" .Values.m }}{{ merge (dict \"a\" 1) (dict \"b\" 2) | keys | sortAlpha }}",
        "{{ slice (list 1 2 3) 1 2 | toString }}{{ index .Values.l 0 }}{{ urlParse \"http://a:1/b?c#d\" }}",
        "{{ if and (or false .Values.n) (not nil) }}{{ 0x1F }} {{ 1_000 }} {{ 'a' }} {{ 1e3 }} {{ `raw` }}{{ end }}",
        "{{ $d := dict }}{{ $_ := set $d \"k\" (list 1 \"a\" nil) }}{{ $d | mustToPrettyJson }}{{ divf 1 3 }}",
        "{{ block \"b\" . }}{{ template \"h\" 1 }}{{ end }}{{ range $k, $v := .Values.m }}{{ $k }}={{ $v }}{{ end }}",
        "{{ wrap 5 \"some words here\" }}{{ snakecase \"aBc\" }}{{ initials \"a b\" }}{{ plural \"1\" \"n\" 2 }}",
        "{{ genCA \"a\" 1 | typeOf }}{{ htpasswd \"u\" \"p\" | len }}{{ derivePassword 1 \"long\" \"a\" \"b\" \"c\" }}",
        "{{ .Capabilities.APIVersions.Has \"batch/v1\" }}{{ .Release.Name }}{{ .Chart.Version }}{{ lookup \"v1\" \"\" \"\" \"\" }}",
    ]));
    seeds
}

pub(crate) fn values() -> Vec<Vec<u8>> {
    let mut seeds = every(|path| path.ends_with(".yaml") && !path.contains("/templates/"));
    seeds.extend(texts(&[
        "a: &x [1, 2.5, -0x1F, 0o17, 1e3, .inf, .nan, ~, null, yes, No]\nb: *x\nc: {<<: {d: 1}, e: '''q'}\n",
        "--- !!map\n? complex\n: |2-\n   text\n  more\n...\n---\n- >+\n folded\n\n text\n- \"\\u00e9\\x41\\n\"\n- !!str 1\n",
        "t: 2024-02-29T12:00:00Z\nd: 12:30:45\nbig: 123456789012345678901234567890\nf: 1_000.5\n\"k e\": - \n",
        "%YAML 1.1\n---\n# comment\nempty:\nlist:\n-   a\n-\n  - b\n  -   c: d\n      e: f\n",
    ]));
    seeds
}

pub(crate) fn settings() -> Vec<Vec<u8>> {
    texts(&[
        "Fa.b=1,c={x,y},d[2].e=null\nFa\\.b=\"x\",e=true\n",
        "Aa=1\nAl[0][1]=x\n",
        "Ba=[1,{\"b\":null}],c=1.5\n",
        "Ca=path/to,b=other\n",
        "Da.b=c,d=e\nDa[3]=x\n",
    ])
}

/// The charts of the examples and of what is scaffolded, each with its own paths.
fn chart_files() -> Vec<Vec<(String, Vec<u8>)>> {
    let all = examples().iter().map(files_of).chain(scaffolded()).collect::<Vec<_>>();
    let charts = all.into_iter().flat_map(|files| {
        let folders = files.iter().filter_map(|(path, _)| path.strip_suffix("Chart.yaml"));
        let folders: Vec<String> = folders.map(str::to_owned).collect();
        let below = move |folder: String| {
            let inside = files.iter().filter_map(|(path, data)| {
                Some((path.strip_prefix(&folder)?.to_owned(), data.clone()))
            });
            inside.collect::<Vec<_>>()
        };
        folders.into_iter().map(below).collect::<Vec<_>>()
    });
    charts.collect()
}

const PARENT: &str = "-- Chart.yaml --
apiVersion: v2
name: parent
version: 1.2.3-a.1+b
type: application
kubeVersion: '>=1.20.0-0'
dependencies:
- {name: sub, version: '^1', repository: 'file://../sub', alias: other, condition: other.on, tags: [t], import-values: [data, {child: a, parent: b}]}
-- Chart.lock --
dependencies:
- {name: sub, repository: 'file://../sub', version: 1.0.0}
digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
generated: '2024-01-01T00:00:00Z'
-- values.yaml --
global: {a: 1}
other: {on: true, x: null}
tags: {t: true}
extension_params:
  size: {type: string, default: '1', definition: d, value: [a, b]}
  flag: {type: bool, default: true}
  many: {type: list_multi, default: [a], value: [a, b]}
-- values.schema.json --
{\"type\": \"object\", \"properties\": {\"other\": {\"type\": \"object\"}}, \"required\": [\"global\"]}
-- templates/job.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-{{ include \"sub.name\" . }}
  annotations: {\"helm.sh/hook\": \"pre-install,post-delete\", \"helm.sh/hook-weight\": \"-5\"}
spec:
  template:
    spec: {containers: [{name: a, image: \"{{ .Values.global.registry_url }}/a:1\"}], restartPolicy: Never}
---
# nothing
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}]
-- templates/NOTES.txt --
{{ .Chart.Name }}
-- crds/c.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a.b.c}
-- charts/sub/Chart.yaml --
apiVersion: v1
name: sub
version: 1.0.0
-- charts/sub/values.yaml --
exports: {data: {y: 2}}
a: {z: 3}
-- charts/sub/templates/_n.tpl --
{{ define \"sub.name\" }}{{ .Chart.Name | trunc 3 }}{{ end }}
-- .helmignore --
*.bak
!/keep
";

pub(crate) fn charts() -> Vec<Vec<u8>> {
    let mut seeds = small(chart_files().iter().map(|files| input(files)));
    seeds.extend(texts(&[PARENT]));
    seeds
}

pub(crate) fn chart_archives() -> Vec<Vec<u8>> {
    let parent = text::files(PARENT.as_bytes());
    let all = chart_files().into_iter().chain([parent]);
    let tars = all.map(|files| {
        let named: Vec<_> =
            files.iter().map(|(path, data)| (format!("c/{path}"), data.as_slice())).collect();
        tars::of_files(named.iter().map(|(path, data)| (path.as_str(), *data)))
    });
    small(tars)
}

pub(crate) fn helmignores() -> Vec<Vec<u8>> {
    texts(&["a/b.txt\n*.txt\n!/a/\n/c[a-z]?.d\n# x\n a/ \n", "charts/x\n**/y\n\\*\nfoo/*/bar\n"])
}

pub(crate) fn dockerfiles() -> Vec<Vec<u8>> {
    let mut seeds = every(|path| path.ends_with("Dockerfile"));
    seeds.extend(texts(&[
        "# syntax=docker/dockerfile:1\n# escape=`\nARG V=1\nFROM --platform=linux/amd64 base:${V:-2} AS one\nENV A=1 B=\"x y\"\nENV C old\nRUN echo `\n  two\n-- .dockerignore --\n*.txt\n!a.txt\n**/deep\n",
        "FROM a AS b\nCOPY --from=b --chown=1:2 --chmod=u+x files/*.py files/deep /x/\nADD --checksum=sha256:0000000000000000000000000000000000000000000000000000000000000000 http://localhost/x /y\nWORKDIR a/../b\nUSER u:7\nEXPOSE 80/tcp 90-92\n",
        "FROM a\nRUN --mount=type=cache,target=/c,id=x,sharing=locked --mount=type=bind,from=a,source=/etc,target=/e,rw --network=none <<EOF cat\nhello ${A%.*}\nEOF\nCOPY <<-\"E\" <<F /z/\n\ttext $A\n\tE\nmore\nF\n",
        "FROM scratch\nHEALTHCHECK --interval=1m30s --retries=3 CMD [\"a\", \"b\\u0041\"]\nONBUILD COPY . /\nSTOPSIGNAL SIGINT\nSHELL [\"/bin/sh\", \"-c\"]\nVOLUME [\"/v\"]\nVOLUME /w /x\nLABEL a=b \"c d\"='e'\nMAINTAINER m\nENTRYPOINT [\"x\"]\nCMD y $z\n",
        "FROM a\nENV P=/a/b.tar.gz Q=${P##*/} R=${P/a/b} S=${P//a} T=${U?no} W=${P:+x${P:-y}}\nCOPY --link --parents --exclude=*.sh --exclude=!k out a.txt ./\n",
    ]));
    seeds
}

/// Two layers, each filled up to the same number of blocks.
pub(crate) fn layers() -> Vec<Vec<u8>> {
    let below = tars::of([
        ("a/", Directory, &b""[..]),
        ("a/one", Regular, b"one"),
        ("a/two", Regular, b"two"),
        ("b", Symlink, b"a"),
        ("c/d/e", Regular, b"deep"),
    ]);
    let above = tars::of([
        ("a/.wh.one", Regular, &b""[..]),
        ("c/.wh..wh..opq", Regular, b""),
        ("c/new", Regular, b"new"),
        ("b/three", Regular, b"3"),
        ("l", Link, b"a/two"),
    ]);
    let outside = tars::of([("x", Symlink, &b"/etc"[..]), ("x/passwd", Regular, b"x")]);
    let pair = |mut one: Vec<u8>, mut two: Vec<u8>| {
        let blocks = one.len().max(two.len());
        one.resize(blocks, 0);
        two.resize(blocks, 0);
        [one, two].concat()
    };
    vec![pair(below.clone(), above), pair(outside.clone(), below), outside]
}

pub(crate) fn image_archives() -> Vec<Vec<u8>> {
    let layer = tars::of_files([("a", &b"content"[..])]);
    let link = |kind: &str, name: char| json!({ "mediaType": kind, "digest": format!("DIGEST-{name}"), "size": format!("SIZE-{name}") });
    let oci = "application/vnd.oci.image";
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Env": ["A=1"] },
        "rootfs": { "type": "layers", "diff_ids": ["DIGEST-l"] }, "history": [{ "created_by": "x" }] });
    let manifest = json!({ "schemaVersion": 2, "mediaType": format!("{oci}.manifest.v1+json"),
        "config": link(&format!("{oci}.config.v1+json"), 'c'),
        "layers": [link(&format!("{oci}.layer.v1.tar"), 'l')] });
    let mut entry = link(&format!("{oci}.manifest.v1+json"), 'm');
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "app:1",
        "io.containerd.image.name": "registry.local/app:1" });
    entry["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let index = document(&json!({ "schemaVersion": 2, "manifests": [entry] }));
    let docker =
        json!([{ "Config": "c.json", "RepoTags": ["app:1", "b:2"], "Layers": ["l/layer.tar"] }]);
    let (config, manifest) = (document(&config), document(&manifest));
    let blobs = [("l", layer.as_slice()), ("c", &config), ("m", &manifest)];
    let marker = ("oci-layout", &br#"{"imageLayoutVersion":"1.0.0"}"#[..]);
    vec![
        text::joined(blobs.into_iter().chain([marker, ("index.json", &index)])),
        text::joined([
            ("l", layer.as_slice()),
            ("c.json", &config),
            ("l/layer.tar", &layer),
            ("manifest.json", &document(&docker)),
        ]),
    ]
}

pub(crate) fn requests() -> Vec<Vec<u8>> {
    let manifest = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" },
        "layers": [], "subject": null, "annotations": { "a": "b" } });
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [] });
    let blob = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let conversations = [
        format!(
            "-- PUT /v2/a/manifests/1 content-type:application/vnd.oci.image.manifest.v1+json --\n{manifest}\n-- GET /v2/a/manifests/1 accept:*/* --\n-- GET /v2/a/tags/list?n=1&last=0 --\n-- GET /v2/a/referrers/{blob}?artifactType=x --\n-- DELETE /v2/a/manifests/1 --\n"
        ),
        format!(
            "-- PUT /v2/a/b/manifests/x content-type:application/vnd.oci.image.index.v1+json --\n{index}\n-- GET /v2/_catalog?n=5 --\n"
        ),
        format!(
            "-- GET /v2/a/blobs/{blob} range:bytes=0-1,-1 if-none-match:W/\"x\" --\n-- HEAD /v2/a/blobs/{blob} if-range:\"y\" --\n-- POST /v2/b/blobs/uploads/?mount={blob}&from=a --\n-- POST /v2/b/blobs/uploads/?digest={blob} content-length:2 --\n{{}}\n-- POST /v2/b/blobs/uploads/ --\n-- PATCH /v2/b/blobs/uploads/1 content-range:0-1 --\nxy\n"
        ),
    ];
    conversations.into_iter().map(String::into_bytes).collect()
}

const TEMPLATE: &str = "-- template.toml --
name = \"t\"
title = \"T\"
description = \"D\"
kind = \"workflow\"
executable = [\"run.sh\"]
[[parameters]]
id = \"name\"
type = \"string\"
label = \"N\"
help = \"h\"
rule = \"dns-label\"
max = 40
default = \"x-{{ other }}\"
[[parameters]]
id = \"other\"
type = \"multi-choice\"
label = \"O\"
help = \"h\"
choices = [\"a\", \"b\"]
default = [\"a\"]
[derived]
package = \"{{ name | replace('-', '_') }}\"
-- content/{{ package }}/a.txt.jinja --
{% for i in other %}{{ i | upper }}{% endfor %}{{ name[1:] }}
-- content/run.sh --
echo
-- answers --
name=y
other=a,b
";

pub(crate) fn scaffolds() -> Vec<Vec<u8>> {
    let application = include_str!("../../templates/application/template.toml");
    vec![TEMPLATE.as_bytes().to_vec(), text::joined([("template.toml", application.as_bytes())])]
}

pub(crate) fn names() -> Vec<Vec<u8>> {
    texts(&[
        "a/b/c\nlocalhost:5000/a/b:1.0@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\nlocal-only/base:latest\n",
        "1.2.3-rc.1\n**/[a-c]*?\\*\n1.2.4+x\n0.5.1\nname-1.2.3.tgz\n127.0.0.1:80\n[::1]\n",
    ])
}
