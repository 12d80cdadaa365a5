use edk_model::{Finding, Span};

use super::{
    flags::{mount, take_flags},
    heredoc::Heredoc,
    instruction::{
        Command, Copy, Dockerfile, Healthcheck, Inline, Instruction, Located, Run, Stage,
    },
    lines::{Line, logical_lines},
};

/// Every instruction of the Dockerfile reference, for suggestions.
const KNOWN: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Parses the text of a Dockerfile called `file`.
///
/// Returns what could be understood and the findings; a Dockerfile with a finding of severity
/// error must not be built.
pub fn parse(text: &str, file: &str) -> (Dockerfile, Vec<Finding>) {
    let (lines, escape) = logical_lines(text);
    let mut parser = Parser { escape, dockerfile: Dockerfile::default(), findings: Vec::new() };
    for line in &lines {
        if let Err(problem) = parser.line(line) {
            let finding = problem.0.in_file(file).at(line.number, line.column);
            parser.findings.push(finding);
        }
    }
    if parser.dockerfile.stages.is_empty() && parser.findings.is_empty() {
        let finding = Finding::error("dockerfile/no-from", "there is no FROM instruction");
        parser.findings.push(finding.in_file(file).fix("start with FROM and the base image"));
    }
    (parser.dockerfile, parser.findings)
}

/// Why an instruction could not be understood; the place is added by the caller.
pub(super) struct Problem(Finding);

impl Problem {
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self(Finding::error("dockerfile/malformed", message))
    }

    pub(super) fn unsupported(what: &str, instead: &str) -> Self {
        let message = format!("{what} is not supported by the embedded builder yet (issue #8)");
        Self(Finding::error("dockerfile/unsupported", message).fix(instead))
    }
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::malformed(message)
}

struct Parser {
    escape: char,
    dockerfile: Dockerfile,
    findings: Vec<Finding>,
}

impl Parser {
    fn line(&mut self, line: &Line) -> Result<(), Problem> {
        let (name, rest) = split_word(&line.text);
        let keyword = name.to_ascii_uppercase();
        if !KNOWN.contains(&keyword.as_str()) {
            return Err(unknown(name, &keyword));
        }
        if rest.is_empty() {
            return Err(malformed(format!("{keyword} needs at least one argument")));
        }
        let span = Span { line: line.number, column: line.column };
        match keyword.as_str() {
            "FROM" => return self.from(rest, span),
            "ARG" if self.dockerfile.stages.is_empty() => {
                self.dockerfile.global_args.extend(args(rest, self.escape)?);
                return Ok(());
            }
            _ => {}
        }
        if let Some(open) = line.heredocs.iter().find(|heredoc| !heredoc.closed) {
            return Err(malformed(format!("the here-document {} is not closed", open.marker)));
        }
        let value = self.instruction(&keyword, rest, &line.heredocs)?;
        let Some(stage) = self.dockerfile.stages.last_mut() else {
            let finding = Finding::error(
                "dockerfile/no-from",
                format!("{keyword} stands before the first FROM"),
            );
            return Err(Problem(finding.fix("start with FROM and the base image")));
        };
        let text = line.text.clone();
        stage.instructions.push(Located { span, text, value });
        Ok(())
    }

    fn from(&mut self, rest: &str, span: Span) -> Result<(), Problem> {
        let mut words = rest.split_whitespace().peekable();
        if let Some(flag) = words.next_if(|word| word.starts_with("--"))
            && flag != "--platform=linux/amd64"
        {
            return Err(Problem::unsupported(
                &format!("FROM {flag}"),
                "leave the flag away: images are built for linux/amd64",
            ));
        }
        let words: Vec<&str> = words.collect();
        let (base, name) = match words.as_slice() {
            [base] => (*base, None),
            [base, keyword, name] if keyword.eq_ignore_ascii_case("as") => {
                (*base, Some((*name).to_owned()))
            }
            _ => return Err(malformed("FROM takes an image, and `AS` with a name")),
        };
        let (base, instructions) = (base.to_owned(), Vec::new());
        self.dockerfile.stages.push(Stage { base, name, span, instructions });
        Ok(())
    }

    fn instruction(
        &self,
        keyword: &str,
        rest: &str,
        heredocs: &[Heredoc],
    ) -> Result<Instruction, Problem> {
        let all = || rest.to_owned();
        Ok(match keyword {
            "COPY" => Instruction::Copy(copy(keyword, rest, heredocs)?),
            "ADD" => Instruction::Add(copy(keyword, rest, heredocs)?),
            "RUN" => Instruction::Run(run(rest, heredocs)?),
            "ENV" => Instruction::Env(pairs(keyword, rest, self.escape)?),
            "LABEL" => Instruction::Label(pairs(keyword, rest, self.escape)?),
            "ARG" => Instruction::Arg(args(rest, self.escape)?),
            "WORKDIR" => Instruction::Workdir(all()),
            "USER" => Instruction::User(all()),
            "CMD" => Instruction::Cmd(command(rest)),
            "ENTRYPOINT" => Instruction::Entrypoint(command(rest)),
            "EXPOSE" => Instruction::Expose(words(rest)),
            "VOLUME" => Instruction::Volume(match command(rest) {
                Command::Exec(volumes) => volumes,
                Command::Shell(text) => words(&text),
            }),
            "STOPSIGNAL" => Instruction::StopSignal(all()),
            "SHELL" => match command(rest) {
                Command::Exec(shell) if !shell.is_empty() => Instruction::Shell(shell),
                _ => {
                    return Err(malformed("SHELL takes a JSON list such as [\"/bin/sh\", \"-c\"]"));
                }
            },
            "HEALTHCHECK" => Instruction::Healthcheck(healthcheck(rest)?),
            "ONBUILD" => Instruction::Onbuild(all()),
            _ => Instruction::Maintainer(all()),
        })
    }
}

fn unknown(name: &str, keyword: &str) -> Problem {
    let finding =
        Finding::error("dockerfile/unknown-instruction", format!("unknown instruction `{name}`"));
    let near = KNOWN.iter().find(|known| {
        known.len().abs_diff(keyword.len()) <= 1
            && common_letters(known, keyword) + 1 >= known.len()
    });
    Problem(match near {
        Some(known) => finding.fix(format!("did you mean {known}?")),
        None => finding.fix(format!("use one of {}", KNOWN.join(", "))),
    })
}

/// How many letters two words share, in whatever order.
fn common_letters(a: &str, b: &str) -> usize {
    let mut left: Vec<char> = b.chars().collect();
    let shared = |c: char| left.iter().position(|&other| other == c).map(|at| left.remove(at));
    a.chars().filter_map(shared).count()
}

fn split_word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text, ""),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A JSON list of strings is the exec form, everything else is for the shell.
fn command(text: &str) -> Command {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(list) if text.starts_with('[') => Command::Exec(list),
        _ => Command::Shell(text.to_owned()),
    }
}

fn run(rest: &str, heredocs: &[Heredoc]) -> Result<Run, Problem> {
    let (flags, rest) = take_flags(rest);
    let (mut mounts, mut offline) = (Vec::new(), false);
    for (name, value) in flags {
        match (name, value) {
            ("mount", value) => mounts.push(mount(value)?),
            ("network", "default" | "host") | ("security", "sandbox") => {}
            ("network", "none") => offline = true,
            _ => return Err(Problem::unsupported(&format!("RUN --{name}"), "leave the flag away")),
        }
    }
    let command = match heredocs {
        [] => command(rest),
        // The document alone is a script; otherwise the shell gets the command with its documents.
        [only] if rest == only.marker => script(&only.content)?,
        all => {
            let mut text = format!("{rest}\n");
            for heredoc in all {
                text.push_str(&format!("{}{}\n", heredoc.content, heredoc.word));
            }
            Command::Shell(text)
        }
    };
    Ok(Run { command, mounts, offline })
}

/// A script that names its interpreter is run by it, any other by the shell.
fn script(content: &str) -> Result<Command, Problem> {
    /// Interpreters that take a script after `-c`.
    const KNOWN: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "python", "python3"];
    let Some(interpreter) = content.strip_prefix("#!").and_then(|rest| rest.lines().next()) else {
        return Ok(Command::Shell(content.to_owned()));
    };
    let mut argv = words(interpreter);
    let name = |word: &String| word.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    if !argv.iter().any(|word| KNOWN.contains(&name(word).as_str())) {
        let what = format!("a here-document for `{interpreter}`");
        return Err(Problem::unsupported(&what, "COPY the script and RUN it"));
    }
    argv.extend(["-c".to_owned(), content.to_owned()]);
    Ok(Command::Exec(argv))
}

fn copy(keyword: &str, rest: &str, heredocs: &[Heredoc]) -> Result<Copy, Problem> {
    let (flags, rest) = take_flags(rest);
    let (mut from, mut chown, mut chmod) = (None, None, None);
    for (name, value) in flags {
        match name {
            "from" if keyword == "COPY" => from = Some(value.to_owned()),
            "chown" => chown = Some(value.to_owned()),
            "chmod" => chmod = Some(value.to_owned()),
            // Layers are made without looking at what they lie on, which is all that --link asks.
            "link" if matches!(value, "" | "true") => {}
            _ => {
                let what = format!("{keyword} --{name}");
                return Err(Problem::unsupported(&what, "leave the flag away"));
            }
        }
    }
    let mut sources = match command(rest) {
        Command::Exec(list) => list,
        Command::Shell(text) => words(&text),
    };
    let destination = sources.pop();
    let inline: Vec<Inline> = heredocs
        .iter()
        .map(|heredoc| Inline {
            name: heredoc.word.clone(),
            content: heredoc.content.clone(),
            expand: heredoc.expand,
        })
        .collect();
    sources.retain(|source| heredocs.iter().all(|heredoc| heredoc.marker != *source));
    match destination {
        Some(destination) if !(sources.is_empty() && inline.is_empty()) => {
            Ok(Copy { from, chown, chmod, sources, inline, destination })
        }
        _ => Err(malformed(format!("{keyword} needs at least one source and a destination"))),
    }
}

fn healthcheck(rest: &str) -> Result<Healthcheck, Problem> {
    if rest.eq_ignore_ascii_case("none") {
        return Ok(Healthcheck::None);
    }
    let (mut rest, mut options) = (rest, Vec::new());
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = split_word(flag);
        let Some((name, value)) = flag.split_once('=') else {
            return Err(malformed(format!("--{flag} of HEALTHCHECK needs a value")));
        };
        options.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
    match split_word(rest) {
        (word, text) if word.eq_ignore_ascii_case("cmd") && !text.is_empty() => {
            Ok(Healthcheck::Command { options, command: command(text) })
        }
        _ => Err(malformed("HEALTHCHECK takes NONE, or CMD and a command")),
    }
}

fn args(rest: &str, escape: char) -> Result<Vec<(String, Option<String>)>, Problem> {
    let args = quoted_words(rest, escape).into_iter().map(|word| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word, None),
    });
    let args: Vec<_> = args.collect();
    match args.iter().find(|(name, _)| name.is_empty()) {
        Some(_) => Err(malformed("ARG needs a name before =")),
        None => Ok(args),
    }
}

/// `name=value name=value`, or the old form `name value`.
fn pairs(keyword: &str, rest: &str, escape: char) -> Result<Vec<(String, String)>, Problem> {
    let words = quoted_words(rest, escape);
    if !words.first().is_some_and(|word| word.contains('=')) {
        let (name, value) = split_word(rest);
        if value.is_empty() {
            return Err(malformed(format!("{keyword} needs a name and a value")));
        }
        return Ok(vec![(name.to_owned(), value.to_owned())]);
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(malformed(format!("`{word}` of {keyword} is not name=value"))),
    };
    words.into_iter().map(pair).collect()
}

/// Splits at blanks outside quotes; quotes stay.
fn quoted_words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, quote) if c == escape && quote != Some('\'') => {
                word.push(c);
                word.extend(chars.next());
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{super::instruction::Mount, *};

    fn one(text: &str) -> Instruction {
        let (dockerfile, findings) = parse(&format!("FROM a\n{text}"), "Dockerfile");
        assert_eq!(findings, [], "{text}");
        dockerfile.stages[0].instructions[0].value.clone()
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn finding(text: &str) -> Finding {
        let findings = parse(text, "Dockerfile").1;
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        findings[0].clone()
    }

    #[test]
    fn every_instruction_is_understood_in_both_forms() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let plain = |command| Instruction::Run(Run { command, mounts: vec![], offline: false });
        assert_eq!(one("RUN a && b"), plain(Command::Shell("a && b".to_owned())));
        assert_eq!(one("run [\"a\", \"b\"]"), plain(Command::Exec(strings(&["a", "b"]))));
        assert_eq!(one("CMD ['a']"), Instruction::Cmd(Command::Shell("['a']".to_owned())));
        assert_eq!(one("ENV a b c"), Instruction::Env(vec![pair("a", "b c")]));
        assert_eq!(
            one(r#"ENV a="b c" d=e\ f"#),
            Instruction::Env(vec![pair("a", "\"b c\""), pair("d", "e\\ f")])
        );
        assert_eq!(one("LABEL IMAGE=\"x\""), Instruction::Label(vec![pair("IMAGE", "\"x\"")]));
        assert_eq!(
            one("ARG a b=c"),
            Instruction::Arg(vec![("a".to_owned(), None), ("b".to_owned(), Some("c".to_owned()))])
        );
        assert_eq!(one("VOLUME [\"/a\"]"), Instruction::Volume(strings(&["/a"])));
        assert_eq!(one("EXPOSE 80 81/udp"), Instruction::Expose(strings(&["80", "81/udp"])));
        assert_eq!(one("HEALTHCHECK NONE"), Instruction::Healthcheck(Healthcheck::None));
        let Instruction::Copy(copy) = one("COPY --chown=1:2 --chmod=755 a b /c/") else { panic!() };
        assert_eq!(copy.sources, ["a", "b"]);
        assert_eq!((copy.destination.as_str(), copy.chown.as_deref()), ("/c/", Some("1:2")));
        let Instruction::Copy(copy) = one(r#"COPY ["a b", "/c d/"]"#) else { panic!() };
        assert_eq!((copy.sources, copy.destination), (strings(&["a b"]), "/c d/".to_owned()));
    }

    #[test]
    fn stages_have_names_and_labels_are_found() {
        let text = "ARG V=1\nFROM a:$V AS one\nLABEL IMAGE=no\nFROM one\nLABEL IMAGE=\"yes\" V='2'";
        let (dockerfile, findings) = parse(text, "Dockerfile");
        assert_eq!(findings, []);
        assert_eq!(dockerfile.global_args, [("V".to_owned(), Some("1".to_owned()))]);
        assert_eq!(dockerfile.stages[0].name.as_deref(), Some("one"));
        assert_eq!(dockerfile.label("IMAGE").as_deref(), Some("yes"));
        assert_eq!(dockerfile.label("V").as_deref(), Some("2"));
    }

    #[test]
    fn an_unknown_instruction_is_named_with_its_place_and_the_nearest_one() {
        let finding = finding("FROM a\n\n  COPPY a b");
        assert_eq!(finding.rule, "dockerfile/unknown-instruction");
        assert_eq!(finding.span, Some(Span { line: 3, column: 3 }));
        assert_eq!(finding.fix.as_deref(), Some("did you mean COPY?"));
    }

    #[test]
    fn what_can_not_be_built_is_refused_by_name() {
        for text in [
            "RUN --mount=type=secret,id=x a",
            "RUN --mount=type=bind,from=x,target=/x a",
            "RUN --security=insecure a",
            "ADD --from=x a b",
            "COPY --parents a b",
        ] {
            let finding = finding(&format!("FROM a\n{text}"));
            assert_eq!(finding.rule, "dockerfile/unsupported", "{text}");
        }
        assert_eq!(finding("FROM --platform=linux/arm64 a").rule, "dockerfile/unsupported");
    }

    #[test]
    fn malformed_instructions_are_findings() {
        for text in [
            "RUN --mount=type=cache a",
            "RUN <<EOF\na",
            "COPY a",
            "ENV a",
            "SHELL a",
            "HEALTHCHECK x",
            "ARG =1",
            "RUN",
            "LABEL a=b =c",
        ] {
            assert_eq!(finding(&format!("FROM a\n{text}")).rule, "dockerfile/malformed", "{text}");
        }
        assert_eq!(finding("FROM a b").rule, "dockerfile/malformed");
        assert_eq!(finding("RUN a").rule, "dockerfile/no-from");
        assert_eq!(finding("# only a comment").rule, "dockerfile/no-from");
    }

    #[test]
    fn here_documents_become_scripts_and_files() {
        let command = |text: &str| match one(text) {
            Instruction::Run(run) => run.command,
            other => panic!("{other:?}"),
        };
        assert_eq!(command("RUN <<EOF\na\nb\nEOF"), Command::Shell("a\nb\n".to_owned()));
        assert_eq!(
            command("RUN cat <<EOF > x\na\nEOF"),
            Command::Shell("cat <<EOF > x\na\nEOF\n".to_owned())
        );
        let argv = ["/bin/sh", "-e", "-c", "#!/bin/sh -e\na\n"];
        assert_eq!(command("RUN <<EOF\n#!/bin/sh -e\na\nEOF"), Command::Exec(strings(&argv)));
        assert_eq!(
            finding("FROM a\nRUN <<EOF\n#!/usr/bin/perl\na\nEOF").rule,
            "dockerfile/unsupported"
        );
        let Instruction::Copy(copy) = one("COPY <<A a <<'B' /x/\n1\nA\n2\nB") else { panic!() };
        assert_eq!((copy.sources, copy.destination), (strings(&["a"]), "/x/".to_owned()));
        let files: Vec<_> = copy.inline.iter().map(|f| (f.content.as_str(), f.expand)).collect();
        assert_eq!(files, [("1\n", true), ("2\n", false)]);
    }

    #[test]
    fn mounts_are_read_with_their_other_names() {
        let Instruction::Run(run) = one(
            "RUN --mount=type=cache,dst=/c --mount=target=/b,src=x --network=none --mount=type=tmpfs,target=/t a",
        ) else {
            panic!()
        };
        assert!(run.offline);
        let text = str::to_owned;
        assert_eq!(
            run.mounts,
            [
                Mount::Cache { target: text("/c"), id: text("/c") },
                Mount::Bind { target: text("/b"), source: text("x") },
                Mount::Tmpfs { target: text("/t") },
            ]
        );
    }
}
