//! Several stages.

use crate::{Case, case, compare, fails, flags};

#[test]
fn stages_give_what_they_give_with_buildah() {
    compare(&[
        case(
            "copy-from-name",
            "FROM localhost/busybox AS a\nRUN mkdir /o && echo x > /o/f && chmod 750 /o\nFROM localhost/busybox\nCOPY --from=a /o /p",
        ),
        case(
            "copy-from-number",
            "FROM localhost/busybox\nRUN echo x > /f\nFROM localhost/busybox\nCOPY --from=0 /f /g",
        ),
        case(
            "copy-file-from",
            "FROM localhost/busybox AS a\nRUN echo x > /f && chown 5:6 /f && chmod 711 /f\nFROM localhost/busybox\nCOPY --from=a /f /d/",
        ),
        case(
            "copy-glob-from",
            "FROM localhost/busybox AS a\nRUN touch /a1 /a2 /b1\nFROM localhost/busybox\nCOPY --from=a /a* /d/",
        ),
        case("copy-from-image", "COPY --from=localhost/busybox /etc/passwd /p"),
        case(
            "copy-chown-from",
            "FROM localhost/busybox AS a\nRUN touch /f\nFROM localhost/busybox\nCOPY --from=a --chown=7:8 /f /f",
        ),
        case(
            "to-scratch",
            "FROM localhost/busybox AS a\nRUN mkdir /o && echo x > /o/f\nFROM scratch\nCOPY --from=a /o/ /",
        ),
        case(
            "stage-on-stage",
            "FROM localhost/busybox AS a\nENV A=1\nRUN echo x > /f\nFROM a\nRUN echo $A > /g\nCMD [\"z\"]",
        ),
        case(
            "args-per-stage",
            "ARG A=1\nFROM localhost/busybox AS a\nRUN echo [$A] > /f\nFROM localhost/busybox\nARG A\nRUN echo [$A] > /f",
        ),
        fails(
            "missing-from",
            "FROM localhost/busybox AS a\nFROM localhost/busybox\nCOPY --from=a /nope /x",
        ),
        case(
            "links-inside-from",
            "FROM localhost/busybox AS a\nRUN mkdir /o && echo x > /o/f && ln -s f /o/l && ln /o/f /o/h\nFROM localhost/busybox\nCOPY --from=a /o /o",
        ),
    ]);
}

#[test]
fn targets_and_names_of_stages_are_understood_as_by_buildah() {
    compare(&[
        flags(
            "target",
            &["--target=a"],
            "FROM localhost/busybox AS a\nENV A=1\nFROM localhost/busybox\nENV B=1",
        ),
        Case {
            except: &["both"],
            ..flags("target-unknown", &["--target=nope"], "FROM localhost/busybox AS a\nENV A=1")
        },
        flags(
            "target-of-labels",
            &["--target=a", "--label=x=y"],
            "FROM localhost/busybox AS a\nENV A=1\nFROM localhost/busybox",
        ),
        case(
            "unneeded-stage",
            "FROM localhost/nowhere AS a\nRUN exit 1\nFROM localhost/busybox\nENV A=1",
        ),
        // "The instruction is not case-sensitive" holds for names of stages with other builders too.
        Case {
            except: &["taken"],
            ..case(
                "name-in-capitals",
                "FROM localhost/busybox AS Make\nRUN echo x > /o\nFROM localhost/busybox\nCOPY --from=make /o /p",
            )
        },
        case(
            "stage-takes-user-and-folder",
            "FROM localhost/busybox AS a\nWORKDIR /w\nUSER ann\nFROM a\nWORKDIR x\nUSER root\nRUN pwd > f",
        ),
        case("workdir-of-a-number", "USER 4711\nWORKDIR /w/x\nUSER 1000\nWORKDIR /v"),
        case("workdir-of-a-group", "USER ann:44\nWORKDIR /w\nUSER 5:6\nWORKDIR x"),
        case(
            "chain-of-three",
            "FROM localhost/busybox AS a\nRUN echo a > /a\nFROM a AS b\nRUN echo b > /b\nFROM localhost/busybox\nCOPY --from=b /a /b /c/",
        ),
        case(
            "copy-from-chmod",
            "FROM localhost/busybox AS a\nRUN mkdir /o && touch /o/f\nFROM localhost/busybox\nCOPY --from=a --chmod=711 /o/f /f",
        ),
        case(
            "copy-from-to-workdir",
            "FROM localhost/busybox AS a\nRUN touch /f\nFROM localhost/busybox\nWORKDIR /w\nCOPY --from=a /f .",
        ),
        case(
            "copy-from-folder-link",
            "FROM localhost/busybox AS a\nRUN mkdir /o && touch /o/f && ln -s o /l\nFROM localhost/busybox\nCOPY --from=a /l /x",
        ),
        fails(
            "copy-from-deleted",
            "FROM localhost/busybox AS a\nRUN touch /f\nRUN rm /f\nFROM localhost/busybox\nCOPY --from=a /f /x",
        ),
        case(
            "copy-from-later",
            "FROM localhost/busybox\nCOPY --from=b /f /x\nFROM localhost/busybox AS b",
        ),
        case(
            "base-of-an-argument",
            "ARG B=localhost/busybox\nFROM ${B} AS a\nFROM ${B:-x}\nENV A=1",
        ),
    ]);
}
