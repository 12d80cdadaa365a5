//! Instructions that only change the configuration.

use crate::{Case, case, compare, fails, flags};

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
        fails("unknown", "NONSENSE a"),
        fails("no-argument", "RUN"),
    ]);
}

#[test]
fn arguments_and_words_come_to_what_they_do_with_buildah() {
    compare(&[
        flags("build-arg", &["--build-arg=A=2"], "ARG A=1\nENV B=$A"),
        flags("build-arg-global", &["--build-arg=T=latest"], "ARG T\nFROM localhost/busybox:$T"),
        flags(
            "build-arg-in-stage",
            &["--build-arg=A=2"],
            "ARG A=1\nFROM localhost/busybox\nARG A\nENV B=$A",
        ),
        flags("build-arg-empty", &["--build-arg=A="], "ARG A=1\nENV B=[$A]"),
        flags("label-flag", &["--label=a=b", "--label=base=no"], "LABEL a=1 c=2"),
        flags("label-flag-alone", &["--label=a=b c"], "ENV A=1"),
        case("arg-scope-ends", "ARG A=1\nFROM localhost/busybox\nENV B=[$A]"),
        case("arg-default-of-another", "ARG A=1\nARG B=${A}2\nENV C=$B"),
        case("env-wins-over-arg", "ARG A=1\nENV A=2\nENV B=$A"),
        case("arg-after-use", "ENV B=[$A]\nARG A=1"),
        case(
            "platform-args",
            "ARG TARGETPLATFORM\nARG TARGETOS\nARG TARGETARCH\nENV P=$TARGETPLATFORM,$TARGETOS,$TARGETARCH",
        ),
        case("single-quotes", "ENV A=1\nENV B='$A' C=\"$A\" D=\\$A"),
        case("quotes-inside", "ENV A=a\"b c\"d B=\"x'y\" C='x\"y'"),
        case("legacy-env-with-quotes", "ENV A \"b\"  c"),
        case("empty-values", "ENV A= B=\"\"\nLABEL l="),
        case("label-lines", "LABEL a=1 \\\n      b=2 \\\n      c=\"x \\\n y\""),
        case("label-variables", "ENV A=1\nLABEL l=$A m='$A' \"n$A\"=o"),
        case("cmd-empty-list", "CMD []"),
        case("entrypoint-reset", "ENTRYPOINT [\"e\"]\nENTRYPOINT []"),
        case("cmd-not-json", "CMD ['a', 'b']"),
        case("cmd-variables-stay", "ENV A=1\nCMD echo $A"),
        case("exec-variables-stay", "ENV A=1\nENTRYPOINT [\"$A\"]"),
        case("user-variable", "ENV U=ann\nUSER ${U}"),
        case("expose-variable", "ENV P=80\nEXPOSE $P ${P}80/udp"),
        // "If a relative path is provided, it will be relative to the path of the previous WORKDIR":
        // both name the same folder, buildah without taking out what cancels.
        Case {
            except: &["WorkingDir"],
            ..case("workdir-variable", "ENV D=/a/b\nWORKDIR $D/../c/")
        },
        case("workdir-blank", "WORKDIR /a b"),
        case("stopsignal-number", "STOPSIGNAL 9"),
        case("stopsignal-variable", "ENV S=SIGUSR1\nSTOPSIGNAL $S"),
        case(
            "healthcheck-all",
            "HEALTHCHECK --interval=1m30s --timeout=3s --start-period=5s --retries=2 CMD [\"x\"]",
        ),
        case("healthcheck-overwritten", "HEALTHCHECK CMD a\nHEALTHCHECK NONE"),
        // "The escape directive sets the character used to escape characters in a Dockerfile": a
        // backslash then is none.
        Case {
            except: &["Env"],
            ..case("escape-directive", "# escape=`\nFROM localhost/busybox\nENV A=1 `\n  B=C:\\x")
        },
        case("escape-directive-label", "# escape=`\nFROM localhost/busybox\nLABEL A=1 `\n  B=2"),
        case("syntax-directive", "# syntax=docker/dockerfile:1\nFROM localhost/busybox\nENV A=1"),
        case(
            "windows-line-ends",
            "FROM localhost/busybox\r\nENV A=1 \\\r\n B=2\r\nCMD [\"x\"]\r\n",
        ),
        case("maintainer", "MAINTAINER somebody\nENV A=1"),
        fails("unset-with-reason", "ENV B=\"${A:?is needed}\""),
        case(
            "onbuild-of-a-stage",
            "FROM localhost/busybox AS a\nONBUILD ENV X=1\nFROM a\nENV Y=$X",
        ),
    ]);
}
