//! `RUN`.

use crate::{Case, case, compare, fails, flags};

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
        fails("fails", "RUN exit 3"),
        fails("no-such-program", "RUN [\"/no/such\"]"),
    ]);
}

#[test]
fn surroundings_of_commands_are_those_of_buildah() {
    compare(&[
        case("home", "RUN echo $HOME > /f\nUSER ann\nRUN mkdir -p /tmp/o && echo $HOME > /tmp/o/f"),
        case(
            "home-without-row",
            "USER 4711\nRUN mkdir /tmp/o && echo $HOME > /tmp/o/f && id -g >> /tmp/o/f",
        ),
        case("user-with-group", "USER ann:44\nRUN mkdir /tmp/o && id -g > /tmp/o/f"),
        case("exec-form-expands-nothing", "ENV A=1\nRUN [\"/bin/touch\", \"/$A\"]"),
        case(
            "another-shell",
            "SHELL [\"/bin/sh\", \"-ec\"]\nRUN false || true; touch /f\nSHELL [\"/bin/sh\", \"-c\"]\nCMD x",
        ),
        case("umask", "RUN umask > /f && mkdir /d && touch /d/f"),
        case("pipes-and-devices", "RUN mkfifo -m 640 /p"),
        case(
            "working-directory-of-another",
            "WORKDIR /w\nRUN mkdir x && chown ann x\nWORKDIR x\nUSER ann\nRUN touch f",
        ),
        case("delete-and-make-again", "COPY dir /x\nRUN rm -r /x\nCOPY a.txt /x/one.py"),
        case(
            "opaque-inside-opaque",
            "COPY dir /x\nRUN rm -r /x/sub && mkdir /x/sub && touch /x/sub/n\nRUN rm -r /x && mkdir -p /x/sub",
        ),
        case("link-to-lower-file", "COPY a.txt /x/a\nRUN ln /x/a /x/b"),
        // The reference says nothing of second names. Over overlayfs, as with the engines that use
        // it, the name that is written to becomes a file of its own; buildah has copies (vfs) here.
        Case {
            except: &["/a", "/b"],
            ..case("change-a-lower-link", "RUN echo 1 > /a && ln /a /b\nRUN echo 2 > /a")
        },
        case("replace-link-by-folder", "RUN ln -s tmp /l\nRUN rm /l && mkdir /l && touch /l/f"),
        case("replace-folder-by-link", "RUN mkdir /l && touch /l/f\nRUN rm -r /l && ln -s tmp /l"),
        case("nothing-changes", "RUN true\nRUN touch /f && rm /f"),
        case("mode-of-a-folder-only", "COPY dir /x\nRUN chmod 700 /x/sub"),
        case("owner-of-a-folder-only", "COPY dir /x\nRUN chown 5:6 /x"),
        case("file-named-as-whiteout-once", "RUN mkdir /d && touch '/d/x.wh.y'"),
        case("names-with-blanks", "RUN touch '/a b' '/ä' && mkdir '/c d' && touch '/c d/e'"),
        case(
            "long-names",
            "RUN mkdir -p /$(printf %0120d 1) && touch /$(printf %0120d 1)/$(printf %0110d 2)",
        ),
        // "RUN --network allows control over which networking environment the command is run in";
        // this buildah does not know it.
        Case { except: &["taken"], ..case("network-host", "RUN --network=host touch /f") },
        Case { except: &["taken"], ..case("network-none", "RUN --network=none touch /f") },
        case("mount-cache", "RUN --mount=type=cache,target=/c touch /c/x && ls /c > /f"),
        case("mount-tmpfs", "RUN --mount=type=tmpfs,target=/t touch /t/x && ls /t > /f"),
        case("mount-bind", "RUN --mount=type=bind,source=dir,target=/b cat /b/one.py > /f"),
        case(
            "mount-bind-stage",
            "FROM localhost/busybox AS a\nRUN echo x > /o\nFROM localhost/busybox\nRUN --mount=type=bind,from=a,source=/o,target=/b cat /b > /f",
        ),
        fails("mount-bind-read-only", "RUN --mount=type=bind,source=dir,target=/b touch /b/x"),
        flags(
            "mount-secret",
            &["--secret=id=s,src=CONTEXT/a.txt"],
            "RUN --mount=type=secret,id=s cat /run/secrets/s > /f && stat -c '%a %u' /run/secrets/s >> /f",
        ),
        fails("mount-secret-missing", "RUN --mount=type=secret,id=s,required=true true"),
        case(
            "mount-secret-not-there",
            "RUN --mount=type=secret,id=s ls /run/secrets 2>/dev/null | wc -l > /f",
        ),
    ]);
}
