//! Whatever a chart says, rendering it ends, soon and in bounded memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use edk_chart::{Capabilities, Chart, Error, File, Release, Rendered, Setting, render, yaml};
use proptest::prelude::*;
use serde_json::json;

fn rendered(template: &str) -> Result<Rendered, Error> {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.into() };
    let files = vec![
        file("Chart.yaml", "name: c\nversion: 1.0.0\n"),
        file("values.yaml", "s: text\nl: [a, b]\nm: {x: 1}\n"),
        file("templates/NOTES.txt", template),
    ];
    let chart = Chart::from_files("c", files).unwrap();
    let release =
        Release { name: "r".to_owned(), namespace: "ns".to_owned(), revision: 1, is_install: true };
    render(&chart, &release, &json!({}), &Capabilities::default())
}

#[track_caller]
fn refuses(template: &str, reason: &str) {
    let start: String = template.chars().take(80).collect();
    let error = rendered(template).unwrap_err().to_string();
    assert!(error.contains(reason), "{start}: {error}");
}

fn times(count: usize, text: &str) -> String {
    text.repeat(count)
}

#[test]
fn templates_that_call_themselves_come_to_an_end() {
    refuses(
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "nested reference name: a",
    );
    refuses(
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ if true }}{{ with . }}\
         {{ include \"a\" . }}{{ end }}{{ end }}{{ end }}{{ include \"a\" . }}",
        "nested reference name",
    );
    refuses(
        "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}",
        "exceeded maximum template depth",
    );
    refuses(
        "{{ define \"a\" }}{{ tpl \"{{ include \\\"a\\\" . }}\" . }}{{ end }}{{ include \"a\" . }}",
        "nested reference name",
    );
}

#[test]
fn loops_without_end_come_to_one() {
    refuses("{{ range until 1000000000 }}{{ end }}", "a list of more than");
    refuses("{{ untilStep 0 1000000000 1 | len }}", "a list of more than");
    refuses("{{ seq 1 1000000000 }}", "a list of more than");
    let data = "{{ $t := repeat 30000000 \"x\" }}{{ range until 100000 }}";
    let derived = "derivePassword 1 \"long\" \"a\" \"b\" \"c\"";
    for slow in [derived, "genPrivateKey \"ed25519\"", "sha256sum $t"] {
        refuses(&format!("{data}{{{{ $x := {slow} }}}}{{{{ end }}}}"), "steps to render");
    }
    let nested = "{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}{{ end }}";
    refuses(&format!("{nested}{{{{ end }}}}{{{{ end }}}}"), "steps to render");
}

#[test]
fn texts_and_lists_do_not_grow_without_bound() {
    refuses("{{ repeat 1000000000 \"ab\" }}", "a text of more than");
    refuses("{{ indent 1000000000 \"ab\" }}", "a text of more than");
    refuses("{{ replace \"\" (repeat 10000 \"x\") (repeat 10000 \"y\") }}", "a text of more than");
    let doubled = "{{ $x := \"ab\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}";
    refuses(doubled, "a text of more than");
    let doubled = "{{ $x := list 1 2 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}";
    refuses(doubled, "a list of more than");
    refuses(
        "{{ $x := repeat 1000000 \"x\" }}{{ range until 10000 }}{{ $x }}{{ end }}",
        "the output has more than",
    );
    refuses(
        "{{ define \"a\" }}{{ repeat 1000000 \"x\" }}{{ end }}{{ range until 100000 }}\
         {{ $x := include \"a\" . }}{{ end }}",
        "renders to more than",
    );
    refuses("{{ regexMatch \"x{1000}{1000}\" \"x\" | not | ternary (fail \"size\") 1 }}", "size");
}

#[test]
fn deep_nesting_is_refused() {
    refuses(&format!("{{{{ {}1", times(100_000, "(")), "nested more than");
    refuses(&times(100_000, "{{ if true }}"), "nested more than");
    refuses(
        &format!("{}{{{{ end }}}}", times(100_000, "{{ if 1 }}{{ else }}")),
        "nested more than",
    );
    let list = "{{ $x := list }}{{ range until 1000000 }}{{ $x = list $x }}{{ end }}";
    refuses(list, "nested more than");
}

#[test]
fn values_that_hold_themselves_are_printed() {
    let own = "{{ $d := dict }}{{ $_ := set $d \"a\" $d }}";
    for what in ["{{ $d }}", "{{ toJson $d }}", "{{ toYaml $d }}", "{{ printf \"%#v\" $d }}"] {
        let notes = rendered(&format!("{own}{what}")).unwrap().notes.unwrap();
        assert!(notes.len() < 1_000_000, "{what}: {} bytes", notes.len());
    }
}

#[test]
fn large_templates_are_rendered() {
    let text = format!("{}{}", times(30_000, "{{ .Values.s }}\n"), times(600_000, "x"));
    assert_eq!(rendered(&text).unwrap().notes.unwrap().len(), 30_000 * 5 + 600_000);
    refuses(&times(1_000_000, "{{"), "unexpected");
}

#[test]
fn yaml_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    assert!(yaml::parse(&text, "v").is_err());
    assert!(yaml::parse(&times(100_000, "["), "v").is_err());
    assert!(yaml::parse(&times(10_000, "- "), "v").is_err());
    assert!(yaml::parse(&times(5_000, "{a: "), "v").is_err());
    let chained = |level: usize| format!("a{level}: &a{level} [*a{}]\n", level - 1);
    let chain: String = (1..1000).map(chained).collect();
    assert!(yaml::parse(&format!("a0: &a0 [x]\n{chain}"), "v").is_err());
    let quoted = format!("{{{{ fromYaml {text:?} | toJson }}}}");
    assert!(rendered(&quoted).unwrap().notes.unwrap().contains("too many values"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_template_makes_the_engine_panic(
        parts in proptest::collection::vec(
            prop_oneof![
                Just("{{"), Just("}}"), Just("{{-"), Just("-}}"), Just("{{ if "), Just("{{ end }}"),
                Just("{{ range $i, $v := "), Just("{{ else }}"), Just("{{ with "), Just("$x := "),
                Just(".Values.l"), Just(".Values.m.x"), Just("| upper"), Just("printf \"%5.2v\" "),
                Just("("), Just(")"), Just("\"a\" "), Just("1 "), Just("-1.5e3 "), Just("'c' "),
                Just("nil "), Just("true "), Just("/* c */"), Just("include \"a\" . "), Just("`r`"),
                Just("{{ define \"a\" }}"), Just("{{ template \"a\" . }}"), Just("ä€😀"), Just("\n"),
                Just("index .Values.l 1 "), Just("dict \"a\" 1 "), Just("slice "), Just("$ "), Just(". "),
            ],
            0..20,
        )
    ) {
        let _ = rendered(&parts.concat());
    }

    #[test]
    fn no_format_makes_the_printer_panic(format in "[%a-zA-Z0-9#+ .*\\[\\]-]{0,20}", number in any::<i64>()) {
        let template = format!("{{{{ printf {format:?} {number} 1.5 \"ä\" nil .Values.l .Values.m }}}}");
        let _ = rendered(&template);
    }

    #[test]
    fn no_setting_makes_the_reader_panic(text in "[a-c=,.\\[\\]{}0-9\\\\\" -]{0,24}") {
        for setting in [
            Setting::Typed(text.clone()),
            Setting::Text(text.clone()),
            Setting::Json(text.clone()),
            Setting::Literal(text.clone()),
            Setting::File(text),
        ] {
            let _ = edk_chart::user_values(&[], &[setting], &|_| Ok(Vec::new()));
        }
    }

    #[test]
    fn no_date_makes_the_reader_panic(layout in "[0-9A-Za-z:. _+-]{0,16}", text in "[0-9A-Za-z:. +-]{0,16}") {
        let _ = rendered(&format!("{{{{ toDate {layout:?} {text:?} | date {layout:?} }}}}"));
        let _ = rendered(&format!("{{{{ durationRound {text:?} }}}}{{{{ duration {text:?} }}}}"));
    }
}
