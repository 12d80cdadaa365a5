//! `COPY` and `ADD` from the context.

use crate::{Case, case, compare, fails};

const IGNORED: &[(&str, u32, &str)] = &[
    (".dockerignore", 0o644, "*.log\n!keep.log\nsub/*\n!sub/y.txt\n**/deep.txt\n# c\n\n/lead\n"),
    ("a.log", 0o644, "1"),
    ("keep.log", 0o644, "2"),
    ("n/a.log", 0o644, "3"),
    ("n/m/deep.txt", 0o644, "4"),
    ("sub/x.txt", 0o644, "5"),
    ("sub/y.txt", 0o644, "6"),
    ("lead", 0o644, "7"),
];

#[test]
fn files_and_folders_arrive_as_buildah_puts_them() {
    compare(&[
        case("file-to-file", "COPY a.txt /x"),
        case("file-to-folder", "COPY a.txt /x/"),
        case("file-to-existing-folder", "COPY a.txt /tmp"),
        case("file-to-deep-folder", "COPY a.txt /x/y/z/"),
        case("file-over-file", "COPY a.txt /x\nCOPY b.txt /x"),
        case("modes", "COPY a.txt b.txt run.sh /x/"),
        case("relative-to-workdir", "WORKDIR /w\nCOPY a.txt .\nCOPY b.txt c/d\nCOPY run.sh ./"),
        case("workdir-relative", "WORKDIR /w\nWORKDIR v\nCOPY a.txt ."),
        case("folder-content", "COPY dir /x"),
        case("folder-content-slash", "COPY dir/ /x/"),
        case("folder-into-existing", "COPY dir /tmp"),
        case("two-folders", "COPY dir other /x/"),
        case("merge-folders", "COPY dir /x\nCOPY other /x"),
        case("whole-context", "COPY . /x"),
        case("glob", "COPY *.txt /x/"),
        case("glob-question", "COPY ?.txt /x/"),
        case("glob-class", "COPY [ab].txt /x/"),
        case("glob-in-folder", "COPY dir/*.py /x/"),
        case("glob-folder", "COPY d*r /x/"),
        case("json-form", "COPY [\"with space/f.txt\", \"/x y/\"]"),
        case("dot-slash", "COPY ./a.txt /x"),
        case("leading-slash", "COPY /a.txt /x"),
        case("variables", "ENV D=/x F=a\nCOPY ${F}.txt $D/"),
        case("add-file", "ADD a.txt /x/"),
        case("add-folder", "ADD dir /x"),
        case("through-link", "RUN mkdir /real && ln -s real /alias\nCOPY a.txt /alias/"),
        case("through-absolute-link", "RUN mkdir /real && ln -s /real /alias\nCOPY dir /alias"),
        Case { files: IGNORED, ..case("ignored", "COPY . /x") },
        fails("missing", "COPY nope /x"),
        fails("missing-glob", "COPY nope* /x/"),
        // "If you specify multiple source files, the destination must be a folder (end with a
        // slash)."
        Case { except: &["refused"], ..case("several-to-file", "COPY a.txt b.txt /x") },
        case("outside", "COPY ../a.txt /x"),
    ]);
}

#[test]
fn owners_and_modes_are_those_of_buildah() {
    compare(&[
        case("chown-numbers", "COPY --chown=5:6 a.txt /x"),
        case("chown-one-number", "COPY --chown=5 a.txt /x"),
        case("chown-names", "COPY --chown=ann:ann a.txt /x"),
        case("chown-name", "COPY --chown=ann a.txt /x"),
        case("chown-folder", "COPY --chown=5:6 dir /x"),
        case("chown-new-parents", "COPY --chown=5:6 a.txt /x/y/"),
        fails("chown-unknown", "COPY --chown=nobody-here a.txt /x"),
        case("user-does-not-matter", "USER ann\nCOPY a.txt /x"),
        case("chmod", "COPY --chmod=751 a.txt /x"),
    ]);
}
