//! Several stages.

use crate::{case, compare};

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
        case(
            "missing-from",
            "FROM localhost/busybox AS a\nFROM localhost/busybox\nCOPY --from=a /nope /x",
        ),
        case(
            "links-inside-from",
            "FROM localhost/busybox AS a\nRUN mkdir /o && echo x > /o/f && ln -s f /o/l && ln /o/f /o/h\nFROM localhost/busybox\nCOPY --from=a /o /o",
        ),
    ]);
}
