//! `RUN`.

use crate::{case, compare};

#[test]
fn commands_leave_what_they_leave_with_buildah() {
    compare(&[
        case("shell-form", "RUN echo a > /f && echo b >> /f"),
        case("exec-form", "RUN [\"/bin/touch\", \"/f g\"]"),
        case("delete", "RUN touch /f\nRUN rm /f /etc/group"),
        case("delete-folder", "COPY dir /x\nRUN rm -r /x"),
        case("replace-folder", "COPY dir /x\nRUN rm -r /x && mkdir /x && touch /x/new"),
        case("folder-to-file", "COPY dir /x\nRUN rm -r /x && echo f > /x"),
        case("file-to-folder", "COPY a.txt /x\nRUN rm /x && mkdir /x && touch /x/f"),
        case("rename-folder", "COPY dir /x\nRUN mv /x /y"),
        case("modes", "RUN touch /f && chmod 4711 /f && mkdir -m 1777 /d"),
        case("owners", "RUN touch /f && chown 33:44 /f"),
        case("links", "RUN echo x > /f && ln /f /g && ln -s /f /h"),
        case("env-and-args", "ARG A=1\nENV B=2\nRUN echo $A$B$BASE > /f"),
        case("user", "RUN mkdir /o && chown ann /o\nUSER ann\nRUN id -u > /o/id && pwd >> /o/id"),
        case("workdir", "WORKDIR /w\nRUN pwd > f"),
        case("continuation", "RUN echo a \\\n  b \\\n  # c\n  d > /f"),
        case("heredoc-free-shift", "RUN echo $((1 << 2)) > /f"),
        case("touch-only", "RUN chmod 600 /etc/passwd"),
        case("fails", "RUN exit 3"),
        case("no-such-program", "RUN [\"/no/such\"]"),
    ]);
}
