//! What templates render to, as Helm renders them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use edk_chart::{Capabilities, Chart, Error, File, Release, Rendered, render};
use serde_json::json;

const HELPERS: &str = "{{ define \"name\" }}{{ .Chart.Name }}-{{ .Release.Name }}{{ end }}";
const VALUES: &str = "s: text\nnum: 3\nbig: 1000000\nf: 1.5\nlist: [a, b]\nmap: {x: 1, z: two}\n\
                      empty: ''\ntemplate: '{{ .Release.Name }}'\nflag: true\n";

fn rendered(template: &str) -> Result<Rendered, Error> {
    rendered_with(template, "Note {{ .Release.Name }}")
}

fn rendered_with(template: &str, notes: &str) -> Result<Rendered, Error> {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
    let files = vec![
        file("Chart.yaml", "name: c\nversion: 1.0.0\nkeywords: [k]\n"),
        file("values.yaml", VALUES),
        file("templates/_helpers.tpl", HELPERS),
        file("templates/NOTES.txt", notes),
        file("templates/t.yaml", template),
        file("conf/a.conf", "one\ntwo\n"),
        file("conf/deep/b.conf", "three"),
    ];
    let chart = Chart::from_files("c", files).unwrap();
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    render(&chart, &release, &json!({}), &Capabilities::default())
}

/// Renders `expression` as the notes of a chart, which may be any text.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let notes = rendered_with("", expression).unwrap().notes.unwrap();
    assert_eq!(notes, expected, "{expression}");
}

#[track_caller]
fn check_error(template: &str, line: usize, expected: &str) {
    match rendered(template).unwrap_err() {
        Error::Template { line: found, message, .. } => {
            assert!(message.contains(expected), "{template}: {message}");
            assert_eq!(found, line, "{template}: {message}");
        }
        other => panic!("{template}: {other}"),
    }
}

#[test]
fn objects_and_values_are_seen() {
    check("{{ .Chart.Name }}/{{ .Chart.Version }}/{{ .Release.Namespace }}", "c/1.0.0/ns");
    check("{{ .Template.Name }} {{ .Template.BasePath }}", "c/templates/NOTES.txt c/templates");
    check(
        "{{ .Values.num }} {{ .Values.big }} {{ .Values.f }} {{ .Values.flag }}",
        "3 1e+06 1.5 true",
    );
    check("[{{ .Values.none }}]", "[]");
    check("{{ has \"k\" .Chart.Keywords }}", "true");
    check(
        "{{ .Capabilities.APIVersions.Has \"apps/v1\" }} {{ .Capabilities.KubeVersion.Minor }}",
        "true 32",
    );
    check(
        "{{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Service }}",
        "true false Helm",
    );
}

#[test]
fn templates_call_each_other() {
    check("{{ include \"name\" . }}", "c-r");
    check("{{ template \"name\" . }}", "c-r");
    check("{{ include \"name\" . | upper | quote }}", "\"C-R\"");
    check("{{ tpl .Values.template . }}", "r");
    check("{{ tpl \"{{ define \\\"d\\\" }}x{{ end }}{{ include \\\"d\\\" . }}\" . }}", "x");
    check("{{ with .Values.map }}{{ .z }}{{ else }}no{{ end }}", "two");
    check("{{ range $i, $v := .Values.list }}{{ $i }}{{ $v }}{{ end }}", "0a1b");
    check("{{ range $k, $v := .Values.map }}{{ $k }}{{ $v }}{{ end }}", "x1ztwo");
    check("{{ range .Values.none }}x{{ else }}none{{ end }}", "none");
    check("{{ range .Values.list }}{{ if eq . \"b\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "a");
    check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
    check("{{ $d := dict }}{{ $_ := set $d \"k\" 1 }}{{ $d.k }}", "1");
    check("{{ or .Values.none .Values.s }} {{ and .Values.s .Values.num }}", "text 3");
}

#[test]
fn texts_are_worked_on() {
    check("{{ .Values.none | default \"d\" }} {{ default \"d\" .Values.empty }}", "d d");
    check("{{ quote .Values.s 1 nil }} {{ squote \"a\" }}", "\"text\" \"1\" 'a'");
    check("{{ trunc 2 \"abc\" }} {{ trunc -2 \"abc\" }} {{ substr 1 2 \"abc\" }}", "ab bc b");
    check(
        "{{ trimSuffix \"-\" \"a-\" }} {{ trimPrefix \"-\" \"-a\" }} {{ trimAll \"-\" \"-a-\" }}",
        "a a a",
    );
    check("{{ replace \"a\" \"b\" \"aa\" }} {{ nospace \"a b\" }} {{ cat \"a\" 1 }}", "bb ab a 1");
    check("{{ splitList \",\" \"a,b\" | join \"-\" }} {{ (split \",\" \"a,b\")._1 }}", "a-b b");
    check(
        "{{ snakecase \"FirstName\" }} {{ kebabcase \"FirstName\" }} {{ camelcase \"first_name\" }}",
        "first_name first-name FirstName",
    );
    check("{{ printf \"%s-%d-%v-%q-%05.1f\" \"a\" 1 true \"x\" 1.25 }}", "a-1-true-\"x\"-001.2");
    check(
        "{{ regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\" }} {{ regexFind \"[0-9]+\" \"a12\" }}",
        "-W-xxW- 12",
    );
    check(
        "{{ title \"ab cd\" }} {{ lower \"AB\" }} {{ repeat 2 \"ab\" }} {{ abbrev 5 \"hello world\" }}",
        "Ab Cd ab abab he...",
    );
    check("{{ base \"a/b.c\" }} {{ dir \"a/b.c\" }} {{ ext \"a/b.c\" }}", "b.c a .c");
}

#[test]
fn data_is_worked_on() {
    check(
        "{{ list 1 2 | toJson }} {{ dict \"a\" 1 | toJson }} {{ toJson \"<\" }}",
        "[1,2] {\"a\":1} \"\\u003c\"",
    );
    check("{{ toYaml .Values.map | nindent 2 }}", "\n  x: 1\n  z: two");
    check("{{ (fromYaml \"a: {b: 1}\").a.b }} {{ (fromJson \"{\\\"a\\\": 2}\").a }}", "1 2");
    check(
        "{{ hasKey .Values.map \"x\" }} {{ get .Values.map \"z\" }} {{ keys .Values.map | join \",\" }}",
        "true two x,z",
    );
    check(
        "{{ concat (list 1) (list 2) | len }} {{ first .Values.list }} {{ last .Values.list }}",
        "2 a b",
    );
    check("{{ merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3) | toJson }}", "{\"a\":1,\"b\":3}");
    check("{{ mergeOverwrite (dict \"a\" 1) (dict \"a\" 2) | toJson }}", "{\"a\":2}");
    check("{{ dig \"q\" \"r\" \"d\" .Values.map }} {{ dig \"z\" \"d\" .Values.map }}", "d two");
    check(
        "{{ b64enc \"hi\" }} {{ b64dec \"aGk=\" }} {{ sha256sum \"\" | trunc 8 }}",
        "aGk= hi e3b0c442",
    );
    check("{{ ternary \"a\" \"b\" true }} {{ coalesce nil \"\" \"c\" }} {{ empty 0 }}", "a c true");
    check(
        "{{ kindOf .Values.num }} {{ typeOf .Values.list }} {{ kindIs \"map\" .Values.map }}",
        "float64 []interface {} true",
    );
    check(
        "{{ add 1 2 }} {{ sub 5 1 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ int .Values.num }}",
        "3 4 6 3 1 3",
    );
    check(
        "{{ until 3 | join \",\" }} {{ untilStep 0 6 2 | toJson }} {{ seq 1 3 }}",
        "0,1,2 [0,2,4] 1 2 3",
    );
    check("{{ semverCompare \">=1.2\" \"1.3.0\" }} {{ (semver \"1.2.3\").Minor }}", "true 2");
    check("{{ date \"2006-01-02T15:04:05Z07:00\" now }}", "1980-01-01T00:00:00Z");
    check("{{ lookup \"v1\" \"Secret\" \"ns\" \"x\" | toJson }}", "{}");
    check(
        "{{ if and (eq .Values.s \"text\") (gt (int .Values.num) 2) (not .Values.empty) }}y1{{ end }}",
        "y1",
    );
}

#[test]
fn files_are_read() {
    check("{{ .Files.Get \"conf/deep/b.conf\" }}", "three");
    check("{{ (.Files.Glob \"conf/*\").AsConfig | nindent 2 }}", "\n  a.conf: |\n    one\n    two");
    check(
        "{{ (.Files.Glob \"conf/**\").AsSecrets | nindent 2 }}",
        "\n  a.conf: b25lCnR3bwo=\n  b.conf: dGhyZWU=",
    );
    check(
        "{{ range $path, $_ := .Files.Glob \"**/b.conf\" }}{{ $path }}{{ end }}",
        "conf/deep/b.conf",
    );
    check("{{ .Files.Lines \"conf/a.conf\" | toJson }}", "[\"one\",\"two\"]");
}

#[test]
fn random_texts_are_the_same_each_time() {
    let text = || {
        rendered("v: {{ randAlphaNum 12 }}{{ uuidv4 }}{{ shuffle \"abc\" }}").unwrap().manifests[0]
            .text
            .clone()
    };
    assert_eq!(text(), text());
    assert_eq!(text().len(), "v: ".len() + 12 + 36 + 3);
}

#[test]
fn the_notes_are_no_manifest() {
    let rendered = rendered("").unwrap();
    assert_eq!((rendered.manifests.len(), rendered.notes.as_deref()), (0, Some("Note r")));
}

#[test]
fn faults_name_their_place() {
    check_error("a: 1\nb: {{ .Values.none.x }}", 2, "nil pointer evaluating interface {}.x");
    check_error("a: {{ .Values.s.x }}", 1, "can't evaluate field x in type interface {}");
    check_error("\n\n{{ fail \"no\" }}", 3, "no");
    check_error("{{ required \"need it\" .Values.none }}", 1, "need it");
    check_error("a: 1\n{{ nofunction }}", 2, "function \"nofunction\" not defined");
    check_error("a: 1\n{{ if }}", 2, "missing value for if");
    check_error("{{ include \"none\" . }}", 1, "no template \"none\"");
    check_error("{{ upper .Values.num }}", 1, "expected string; got float64");
    check_error("{{ if eq .Values.num 3 }}x{{ end }}", 1, "incompatible types for comparison");
    check_error(
        "{{ define \"loop\" }}{{ include \"loop\" . }}{{ end }}{{ include \"loop\" . }}",
        1,
        "nested reference name",
    );
    check_error("{{ \"x\" | .Values.s }}", 1, "is not a method but has arguments");
}

#[test]
fn output_that_is_not_yaml_is_told_with_its_line() {
    let error = rendered("a: 1\n---\nb:\n - c\n d: [").unwrap_err();
    let Error::Output { template, finding } = error else { panic!("{error}") };
    assert_eq!(template, "c/templates/t.yaml");
    assert!(finding.span.unwrap().line >= 4, "{finding:?}");
}
