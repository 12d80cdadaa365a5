//! What a plan says, without a store.

use super::*;

/// Has neither images nor addresses.
struct Nothing;

impl Sources for Nothing {
    fn image(&mut self, reference: &Reference, place: &str) -> Result<Image, ImageError> {
        let (reference, place) = (reference.to_string(), place.to_owned());
        Err(ImageError::NoBase { reference, place })
    }

    fn fetch(
        &mut self,
        address: &str,
        _checksum: Option<&Digest>,
        _place: &str,
    ) -> Result<Descriptor, ImageError> {
        Err(ImageError::Unsupported { what: address.to_owned() })
    }
}

fn plan_text(text: &str, files: &[&str]) -> Result<Plan, ImageError> {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::write(folder.path().join(file), file).unwrap();
    }
    let args = BTreeMap::from([("GIVEN".to_owned(), "g".to_owned())]);
    let (file, context) = ("x/Dockerfile", folder.path());
    plan(&PlanRequest::new(text, file, context, &args), &mut Nothing)
}

fn config(text: &str) -> Config {
    plan_text(&format!("FROM scratch\n{text}"), &[]).unwrap().stages.pop().unwrap().config
}

fn findings(text: &str) -> Vec<String> {
    match plan_text(&format!("FROM scratch\n{text}"), &["a", "b"]) {
        Err(ImageError::Findings { findings, .. }) => {
            findings.iter().map(ToString::to_string).collect()
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn the_configuration_follows_the_instructions() {
    let config = config(
        "ARG GIVEN\nARG D=d\nENV A=1 B=$A$GIVEN$D\nENV A=2 B=$A\nWORKDIR /w\nWORKDIR x/$A\nUSER 5:6\n\
         EXPOSE 80 80/tcp\nVOLUME /v\nLABEL l=\"$B\"\nCMD run me\nSTOPSIGNAL SIGINT\n\
         HEALTHCHECK --interval=1m30s --retries=2 CMD check",
    );
    let env = [("A", "2"), ("B", "1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(config.env[1..], env);
    assert_eq!(config.working_dir, "/w/x/2");
    assert_eq!(config.cmd, ["/bin/sh", "-c", "run me"]);
    assert_eq!((config.user.as_str(), config.stop_signal.as_str()), ("5:6", "SIGINT"));
    assert_eq!(config.exposed_ports, ["80/tcp"]);
    let check = config.healthcheck.unwrap();
    assert_eq!(
        (check["Interval"].as_u64(), check["Retries"].as_u64()),
        (Some(90_000_000_000), Some(2))
    );
}

#[test]
fn values_of_one_env_see_the_variables_before_it() {
    let config = config("ENV A=1\nENV A=2 B=$A");
    assert_eq!(config.env[2], ("B".to_owned(), "1".to_owned()));
}

#[test]
fn an_entrypoint_drops_the_inherited_command_but_not_its_own() {
    assert_eq!(config("CMD [\"c\"]\nENTRYPOINT [\"e\"]").command(), ["e", "c"]);
    let text = "FROM scratch AS one\nCMD [\"c\"]\nFROM one\nENTRYPOINT [\"e\"]";
    let plan = plan_text(text, &[]).unwrap();
    assert_eq!(plan.stages.last().unwrap().config.command(), ["e"]);
}

#[test]
fn a_missing_source_is_named_with_file_and_line() {
    let found = findings("COPY a /x\nCOPY nope.txt /x");
    assert_eq!(
        found,
        [
            "x/Dockerfile:3:1: source `nope.txt` is not in the build context (dockerfile/missing-source)"
        ]
    );
}

#[test]
fn all_that_is_wrong_is_found_at_once() {
    let found = findings(
        "COPY nope /x\nCOPY a b /x\nCOPY --from=Nope a /x\nADD git@h:x.git /x\nCOPY --chown=:5 a /x\n\
         COPY --chmod=9 a /x\nENV A=${B:#x}\nHEALTHCHECK --interval=x CMD a",
    );
    assert_eq!(found.len(), 8, "{found:#?}");
}

#[test]
fn a_base_that_is_not_there_is_named_with_its_place() {
    let error = plan_text("ARG V=1\nFROM local-only/x:$V", &[]).unwrap_err();
    let ImageError::NoBase { reference, place } = error else { panic!("{error}") };
    assert_eq!((reference.as_str(), place.as_str()), ("local-only/x:1", "x/Dockerfile:2"));
}
