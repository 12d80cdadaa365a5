//! Help, the reference made of it, and the command line's own refusals.

use std::{fs, path::Path};

use edk_testkit::TestEnv;

/// Set to write the reference anew.
const BLESS: &str = "EDK_BLESS";

/// A command with its help.
struct Help {
    words: Vec<String>,
    text: String,
    is_group: bool,
}

/// The help of the program and of every command, in the order of the lists in it.
fn all(env: &TestEnv, words: &[String], found: &mut Vec<Help>) {
    let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
    args.push("--help");
    let text = env.edk(&args).exits(0).stdout;
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // Where a command's own line is wrapped, the next begins deeper.
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> =
        names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    found.push(Help { words: words.to_vec(), text: text.clone(), is_group: !names.is_empty() });
    for name in names.into_iter().filter(|name| name != "help") {
        all(env, &[words, &[name]].concat(), found);
    }
}

fn helps() -> Vec<Help> {
    let mut found = Vec::new();
    all(&TestEnv::new(), &[], &mut found);
    found
}

#[test]
fn the_help_of_every_command_has_examples_that_name_it() {
    let helps = helps();
    for name in ["new", "base", "build", "push", "package", "deploy", "status", "uninstall", "run"]
    {
        assert!(helps.iter().any(|help| help.words == [name]), "`{name}` was not walked");
    }
    assert!(helps.iter().any(|help| help.words == ["sandbox", "serve"]), "groups are walked");
    for help in helps {
        let command = ["edk".to_owned()].into_iter().chain(help.words).collect::<Vec<_>>();
        let command = command.join(" ");
        let (_, examples) = help
            .text
            .split_once("Examples:\n")
            .unwrap_or_else(|| panic!("`{command} --help` has no examples:\n{}", help.text));
        assert!(examples.contains(&format!("  {command}")), "{command}: {examples}");
        assert!(
            help.is_group || help.text.contains("--output"),
            "{command} has the global options"
        );
    }
}

fn reference() -> String {
    let mut text = "# Command line\n\nMade of `edk --help` and the help of every command; \
                    `EDK_BLESS=1 cargo test --test cli help` makes it anew.\n"
        .to_owned();
    for help in helps() {
        let command = ["edk".to_owned()].into_iter().chain(help.words).collect::<Vec<_>>();
        let help: Vec<&str> = help.text.lines().map(str::trim_end).collect();
        let help = help.join("\n");
        text.push_str(&format!(
            "\n## {}\n\n```text\n{}\n```\n",
            command.join(" "),
            help.trim_end()
        ));
    }
    text
}

#[test]
fn the_reference_says_what_the_help_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("docs/cli.md");
    let text = reference();
    if std::env::var_os(BLESS).is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let hint = "docs/cli.md is not what the help says: EDK_BLESS=1 cargo test --test cli help";
    assert_eq!(written, text, "{hint}");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("(docs/cli.md)"), "the README leads to the reference");
}

#[test]
fn help_does_not_show_what_is_set_on_this_machine() {
    let env = TestEnv::new();
    let help = env.edk(&["--help"]).exits(0);
    assert!(!help.stdout.contains(env.state().to_str().unwrap()), "{help}");
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    let env = TestEnv::new();
    let check = |args: &[&str], part: &str| {
        let done = env.edk(args).exits(2).tells(&[part]);
        assert_eq!(done.stdout, "", "{args:?}");
    };
    check(&["frobnicate"], "frobnicate");
    check(&["biuld"], "build");
    check(&[], "Usage: edk");
    check(&["new"], "<TEMPLATE>");
    check(&["new", "radiomics", "--set", "name"], "KEY=VALUE");
    check(&["run"], "--input");
    check(&["registry", "serve", "--port", "70000"], "70000");
    check(&["build", "--output", "yaml"], "possible values");
    check(&["build", "-q", "-v"], "cannot be used with");
    check(&["base", "x", "--from", "a b"], "--from");
    assert!(!env.state().exists(), "nothing is made for a command that is not understood");
}

#[test]
fn the_version_is_printed() {
    let env = TestEnv::new();
    let version = env.edk(&["--version"]).exits(0).stdout;
    assert_eq!(version, format!("edk {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let env = TestEnv::new();
    for args in [&["new", "--list"][..], &["new", "--list", "-o", "json"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = env.command(args);
        command.stdout(writer);
        let output = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}
