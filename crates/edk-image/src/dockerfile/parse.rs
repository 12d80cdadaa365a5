use edk_model::{Finding, Span};

use super::{
    copy::copy,
    directives::Directives,
    flags::take_flags,
    heredoc::Heredoc,
    instruction::{Command, Dockerfile, Healthcheck, Instruction, Located, Stage},
    lines::{Line, logical_lines},
    run::run,
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
    let directives = Directives::read(text);
    let (lines, escape) = logical_lines(text, &directives);
    let dockerfile = Dockerfile { escape, ..Dockerfile::default() };
    let mut parser = Parser { escape, dockerfile, findings: Vec::new() };
    for (number, problem) in directives.problems {
        parser.findings.push(problem.0.in_file(file).at(number, 1));
    }
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
#[derive(Debug)]
pub(super) struct Problem(Finding);

impl Problem {
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self(Finding::error("dockerfile/malformed", message))
    }

    pub(super) fn unsupported(what: &str, instead: &str) -> Self {
        let message = format!("{what} is not supported by the embedded builder");
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
        let (flags, rest) = take_flags(rest);
        let mut platform = None;
        for (name, value) in flags {
            match name {
                "platform" if !value.is_empty() => platform = Some(value.to_owned()),
                _ => {
                    return Err(Problem::unsupported(
                        &format!("FROM --{name}"),
                        "leave the flag away",
                    ));
                }
            }
        }
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (base, name) = match words.as_slice() {
            [base] => (*base, None),
            [base, keyword, name] if keyword.eq_ignore_ascii_case("as") => {
                (*base, Some(stage_name(name)?))
            }
            _ => return Err(malformed("FROM takes an image, and `AS` with a name")),
        };
        let (base, instructions) = (base.to_owned(), Vec::new());
        self.dockerfile.stages.push(Stage { base, platform, name, span, instructions });
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
            "ONBUILD" => Instruction::Onbuild(trigger(rest)?),
            _ => Instruction::Maintainer(all()),
        })
    }
}

/// A name that `--from` and `--target` can be told from numbers and images by (Dockerfile
/// reference, FROM).
fn stage_name(name: &str) -> Result<String, Problem> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(letter) {
        return Ok(name.to_owned());
    }
    Err(malformed(format!("`{name}` is no name of a stage: letters, digits, `-`, `_` and `.`")))
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

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A JSON list of strings is the exec form, everything else is for the shell.
pub(super) fn command(text: &str) -> Command {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(list) if text.starts_with('[') => Command::Exec(list),
        _ => Command::Shell(text.to_owned()),
    }
}

/// The instruction after `ONBUILD`, as written (Dockerfile reference, ONBUILD).
fn trigger(rest: &str) -> Result<String, Problem> {
    let (name, arguments) = split_word(rest);
    let keyword = name.to_ascii_uppercase();
    if matches!(keyword.as_str(), "ONBUILD" | "FROM" | "MAINTAINER") {
        return Err(malformed(format!("ONBUILD may not trigger {keyword}")));
    }
    if !KNOWN.contains(&keyword.as_str()) {
        return Err(unknown(name, &keyword));
    }
    if arguments.is_empty() {
        return Err(malformed(format!("{keyword} needs at least one argument")));
    }
    Ok(rest.to_owned())
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
    use super::{super::instruction::Run, *};

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
        let plain = |command| {
            let (mounts, scripts, offline) = (vec![], vec![], false);
            Instruction::Run(Run { command, mounts, scripts, offline })
        };
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
            "RUN --mount=type=ssh a",
            "RUN --mount=type=cache,from=x,target=/x a",
            "RUN --security=insecure a",
            "RUN --device=gpu a",
            "ADD --from=x a b",
            "ADD --keep-git-dir a b",
            "COPY --checksum=x a b",
        ] {
            let finding = finding(&format!("FROM a\n{text}"));
            assert_eq!(finding.rule, "dockerfile/unsupported", "{text}");
        }
        assert_eq!(finding("FROM --pull a").rule, "dockerfile/unsupported");
        assert_eq!(finding("# syntax=other/language\nFROM a").rule, "dockerfile/unsupported");
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
            "RUN --network=bridge a",
            "RUN --mount=type=tmpfs,target=/t",
            "ONBUILD ONBUILD RUN a",
            "ONBUILD FROM a",
            "ONBUILD RUN",
            "COPY --link=perhaps a b",
        ] {
            assert_eq!(finding(&format!("FROM a\n{text}")).rule, "dockerfile/malformed", "{text}");
        }
        assert_eq!(finding("FROM a b").rule, "dockerfile/malformed");
        assert_eq!(finding("FROM a AS 1x").rule, "dockerfile/malformed");
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
        let Instruction::Run(run) = one("RUN <<EOF\n#!/usr/bin/perl\na\nEOF") else { panic!() };
        assert_eq!(run.command, Command::Exec(strings(&["/dev/pipes/EOF"])));
        assert_eq!(run.scripts[0].content, "#!/usr/bin/perl\na\n");
        let Instruction::Copy(copy) = one("COPY <<A a <<'B' /x/\n1\nA\n2\nB") else { panic!() };
        assert_eq!((copy.sources, copy.destination), (strings(&["a"]), "/x/".to_owned()));
        let files: Vec<_> = copy.inline.iter().map(|f| (f.content.as_str(), f.expand)).collect();
        assert_eq!(files, [("1\n", true), ("2\n", false)]);
    }

    #[test]
    fn directives_stand_above_everything_and_once() {
        let fine = [
            "# syntax=docker/dockerfile:1.7\n# escape=`\n# check=skip=all\nFROM a\nRUN b `\n c",
            "# Syntax = docker.io/docker/dockerfile@sha256:0\nFROM a",
            "# comment\n# escape=nonsense\nFROM a",
            "#!/usr/bin/env x\n# escape=`\nFROM a",
        ];
        for text in fine {
            assert_eq!(parse(text, "Dockerfile").1, [], "{text}");
        }
        for (text, line) in [("# escape=x\nFROM a", 1), ("# escape=`\n#escape=`\nFROM a", 2)] {
            assert_eq!(finding(text).span, Some(Span { line, column: 1 }), "{text}");
        }
    }

    #[test]
    fn flags_of_copies_are_read() {
        let text = "COPY --link --parents --exclude=*.md --exclude=x --chmod=u+x a b /c/";
        let Instruction::Copy(copy) = one(text) else { panic!() };
        assert!(copy.link && copy.parents);
        assert_eq!((copy.exclude, copy.sources), (strings(&["*.md", "x"]), strings(&["a", "b"])));
        let text = "ADD --checksum=sha256:0 --unpack=false --link=false https://x/y /c/";
        let Instruction::Add(add) = one(text) else { panic!() };
        assert_eq!((add.unpack, add.link), (Some(false), false));
        assert_eq!(add.checksum.as_deref(), Some("sha256:0"));
    }
}
