use edk_model::{Finding, Span};

use super::{
    instruction::{Command, Copy, Dockerfile, Healthcheck, Instruction, Located, Stage},
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
    let mut parser =
        Parser { file, escape, dockerfile: Dockerfile::default(), findings: Vec::new() };
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
struct Problem(Finding);

fn malformed(message: impl Into<String>) -> Problem {
    Problem(Finding::error("dockerfile/malformed", message))
}

fn unsupported(what: &str, instead: &str) -> Problem {
    let message = format!("{what} is not supported by the embedded builder yet (issue #8)");
    Problem(Finding::error("dockerfile/unsupported", message).fix(instead))
}

struct Parser<'a> {
    file: &'a str,
    escape: char,
    dockerfile: Dockerfile,
    findings: Vec<Finding>,
}

impl Parser<'_> {
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
        let value = self.instruction(&keyword, rest)?;
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
            return Err(unsupported(
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

    fn instruction(&self, keyword: &str, rest: &str) -> Result<Instruction, Problem> {
        if matches!(keyword, "RUN" | "COPY" | "ADD") && has_heredoc(rest) {
            return Err(unsupported("a here-document", "put the text into a file and COPY it"));
        }
        let all = || rest.to_owned();
        Ok(match keyword {
            "COPY" => Instruction::Copy(copy(keyword, rest)?),
            "ADD" => Instruction::Add(copy(keyword, rest)?),
            "RUN" => Instruction::Run(run(rest)?),
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
            "MAINTAINER" => Instruction::Maintainer(all()),
            _ => {
                let what = format!("{keyword} in {}", self.file);
                return Err(unsupported(&what, "write its instruction where it is to happen"));
            }
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

fn run(rest: &str) -> Result<Command, Problem> {
    if rest.starts_with("--") {
        let flag = split_word(rest).0;
        let instead = "leave the flag away, or split the step";
        return Err(unsupported(&format!("RUN {flag}"), instead));
    }
    Ok(command(rest))
}

fn copy(keyword: &str, mut rest: &str) -> Result<Copy, Problem> {
    let (mut chown, mut chmod) = (None, None);
    while rest.starts_with("--") {
        let (flag, after) = split_word(rest);
        rest = after;
        match flag.split_once('=') {
            Some(("--chown", value)) => chown = Some(value.to_owned()),
            Some(("--chmod", value)) => chmod = Some(value.to_owned()),
            // Layers are made without looking at what they lie on, which is all that --link asks.
            _ if flag == "--link" || flag == "--link=true" => {}
            _ => {
                let instead = "copy from the build context";
                return Err(unsupported(&format!("{keyword} {flag}"), instead));
            }
        }
    }
    let mut sources = match command(rest) {
        Command::Exec(list) => list,
        Command::Shell(text) => words(&text),
    };
    match (sources.pop(), sources.is_empty()) {
        (Some(destination), false) => Ok(Copy { chown, chmod, sources, destination }),
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

/// Says whether the text opens a here-document: `<<`, maybe `-`, and a word, maybe in quotes.
fn has_heredoc(text: &str) -> bool {
    text.match_indices("<<").any(|(at, _)| {
        let rest = text[at + 2..].trim_start_matches('-').trim_start_matches(['"', '\'']);
        !text[..at].ends_with('<')
            && rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(one("RUN a && b"), Instruction::Run(Command::Shell("a && b".to_owned())));
        assert_eq!(
            one("run [\"a\", \"b\"]"),
            Instruction::Run(Command::Exec(strings(&["a", "b"])))
        );
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
            "RUN --mount=type=cache,target=/x a",
            "COPY --from=x a b",
            "RUN <<EOF",
            "ONBUILD RUN a",
        ] {
            let finding = finding(&format!("FROM a\n{text}"));
            assert_eq!(finding.rule, "dockerfile/unsupported", "{text}");
        }
        assert_eq!(finding("FROM --platform=linux/arm64 a").rule, "dockerfile/unsupported");
    }

    #[test]
    fn malformed_instructions_are_findings() {
        for text in ["COPY a", "ENV a", "SHELL a", "HEALTHCHECK x", "ARG =1", "RUN", "LABEL a=b =c"]
        {
            assert_eq!(finding(&format!("FROM a\n{text}")).rule, "dockerfile/malformed", "{text}");
        }
        assert_eq!(finding("FROM a b").rule, "dockerfile/malformed");
        assert_eq!(finding("RUN a").rule, "dockerfile/no-from");
        assert_eq!(finding("# only a comment").rule, "dockerfile/no-from");
    }

    #[test]
    fn a_shift_is_no_here_document() {
        assert!(!has_heredoc("python -c 'print(1 << 2)'"));
        assert!(!has_heredoc("cat <<< word"));
        assert!(has_heredoc("cat <<-'EOF' > x"));
    }
}
