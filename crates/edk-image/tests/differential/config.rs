//! Instructions that only change the configuration.

use crate::{Case, case, compare};

#[test]
fn the_configuration_is_that_of_buildah() {
    compare(&[
        case("env", "ENV A=1 B=\"two words\" C=x\\ y\nENV OLD form of it"),
        case("env-order", "ENV A=1\nENV A=2 B=$A\nENV PATH=/x:$PATH"),
        case("env-modifiers", "ENV A=1\nENV B=${A:-x} C=${N:-y} D=${A:+z} E=${N:+z} F=a${A}b"),
        case("label", "LABEL a=1 b=\"c d\"\nLABEL a=2\nLABEL \"q\"=\"r\""),
        case("cmd-shell", "CMD echo hi"),
        case("cmd-exec", "CMD [\"echo\", \"hi\"]"),
        case("entrypoint", "ENTRYPOINT [\"e\"]"),
        case("entrypoint-and-cmd", "ENTRYPOINT [\"e\"]\nCMD [\"c\"]"),
        case("cmd-then-entrypoint", "CMD [\"c\"]\nENTRYPOINT [\"e\"]"),
        case("entrypoint-shell", "ENTRYPOINT exec top"),
        // "The SHELL instruction can also be used … by RUN, CMD and ENTRYPOINT in the shell form."
        Case { except: &["Cmd"], ..case("shell", "SHELL [\"/bin/sh\", \"-ec\"]\nCMD x\nRUN true") },
        case("user", "USER ann"),
        case("user-group", "USER 1000:1000"),
        case("workdir", "WORKDIR /a\nWORKDIR b\nWORKDIR ../c"),
        case("expose", "EXPOSE 80 443/tcp 53/udp"),
        // The reference knows a volume only at run time; no folder is made for it in the image.
        Case { except: &["/a", "/b"], ..case("volume", "VOLUME /a /b") },
        Case { except: &["/a b"], ..case("volume-json", "VOLUME [\"/a b\"]") },
        case("arg-in-env", "ARG A=1\nENV B=$A"),
        case("arg-does-not-stay", "ARG A=1\nRUN true"),
        case("arg-before-from", "ARG T=latest\nFROM localhost/busybox:$T\nARG T\nENV V=$T"),
        case("comments-and-continuations", "# c\nENV A=1 \\\n  # inside\n  B=2\n\nENV C=3"),
        case("lower-case", "env A=1\nlabel b=2\ncmd [\"x\"]"),
        case("healthcheck", "HEALTHCHECK --interval=30s --timeout=5s --retries=4 CMD check me"),
        case("healthcheck-exec", "HEALTHCHECK CMD [\"a\", \"b\"]"),
        case("healthcheck-none", "HEALTHCHECK NONE"),
        case("stopsignal", "STOPSIGNAL SIGINT"),
        case("onbuild", "ONBUILD COPY a.txt /x\nONBUILD ENV A=1"),
        case("unknown", "NONSENSE a"),
        case("no-argument", "RUN"),
    ]);
}
