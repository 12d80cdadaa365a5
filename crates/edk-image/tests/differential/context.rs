//! What a context may hold, and what `.dockerignore` hides of it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::{Case, case, compare};

type Files = &'static [(&'static str, u32, &'static str)];

fn odd(folder: &Path) {
    let at = |name: &str| folder.join(name);
    fs::create_dir_all(at("odd/private")).unwrap();
    fs::write(at("odd/private/f"), "f").unwrap();
    fs::set_permissions(at("odd/private"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir_all(at("odd/empty")).unwrap();
    fs::write(at("odd/first"), "h").unwrap();
    fs::hard_link(at("odd/first"), at("odd/second")).unwrap();
    fs::write(at("odd/.hidden"), "h").unwrap();
    fs::write(at("odd/grün"), "g").unwrap();
    fs::write(at(&format!("odd/{}", "n".repeat(140))), "n").unwrap();
    fs::write(at("odd/setuid"), "s").unwrap();
    fs::set_permissions(at("odd/setuid"), fs::Permissions::from_mode(0o4755)).unwrap();
    symlink("odd/first", at("to-file")).unwrap();
    symlink("odd", at("to-folder")).unwrap();
    symlink("../first", at("odd/empty/up")).unwrap();
    let sparse = fs::File::create(at("odd/sparse")).unwrap();
    sparse.set_len(5_000_000).unwrap();
    xattr::set(at("odd/first"), "user.note", b"kept").unwrap();
}

const fn oddly(name: &'static str, dockerfile: &'static str) -> Case {
    Case { prepare: odd, ..case(name, dockerfile) }
}

#[test]
fn odd_files_arrive_as_buildah_puts_them() {
    compare(&[
        // "If the source is a directory, the contents of the directory are copied, including
        // filesystem metadata": a set-user-id bit is left where it is, which buildah takes off.
        Case { except: &["/x/setuid"], ..oddly("odd-folder", "COPY odd /x") },
        Case { except: &["/tmp/setuid"], ..oddly("odd-into-folder", "COPY odd /tmp/") },
        oddly("private-folder", "COPY odd/private /x"),
        oddly("empty-folder", "COPY odd/empty/ /x/y/"),
        oddly("link-to-file", "COPY to-file /x"),
        Case { except: &["/x/setuid"], ..oddly("link-to-folder", "COPY to-folder /x") },
        Case { except: &["/x/setuid"], ..oddly("hidden-by-glob", "COPY odd/* /x/") },
        // "To add a file named arr[0].txt, use … COPY arr[[]0].txt /dir/"; buildah
        // takes it for another pattern.
        Case {
            except: &["/x"],
            prepare: |folder| fs::write(folder.join("[b].txt"), "b").unwrap(),
            ..case("brackets", "COPY [[]b].txt /x")
        },
        oddly("other-letters", "COPY odd/gr?n /x/"),
        oddly("attributes", "COPY odd/first /x"),
        oddly("two-levels-of-glob", "COPY */*.py /x/"),
        oddly("chmod-folder", "COPY --chmod=750 odd/private /x"),
        // Only with --link "COPY/ADD can not follow" a link in the destination.
        Case {
            except: &["/etc/group", "/l"],
            ..oddly("onto-a-link", "RUN ln -s /etc/group /l\nCOPY a.txt /l")
        },
        oddly("onto-a-folder-link", "RUN mkdir /r && ln -s /r /l\nCOPY a.txt /l"),
        Case { except: &["both"], ..oddly("folder-onto-file", "RUN touch /x\nCOPY odd /x") },
        oddly("dotdot-destination", "WORKDIR /a/b\nCOPY a.txt ../c/"),
        oddly("dot-destination", "WORKDIR /a/b\nCOPY a.txt /x/."),
    ]);
}

const TREE: Files = &[
    ("a.md", 0o644, "1"),
    ("README.md", 0o644, "2"),
    ("sub/b.md", 0o644, "3"),
    ("sub/deep/c.md", 0o644, "4"),
    ("sub/deep/d.py", 0o644, "5"),
    ("temp-1", 0o644, "6"),
    ("sub/temp-2", 0o644, "7"),
    ("out/x", 0o644, "8"),
];

const fn ignoring(name: &'static str, ignore: &'static str) -> Case {
    Case { files: TREE, ignore, ..case(name, "COPY . /x") }
}

#[test]
fn what_is_ignored_is_what_buildah_ignores() {
    compare(&[
        ignoring("ignore-nothing", ""),
        ignoring("ignore-at-the-top", "*.md\n"),
        ignoring("ignore-anywhere", "**/*.md\n"),
        ignoring("ignore-but-one", "*.md\n!README.md\n"),
        ignoring("ignore-order", "!README.md\n*.md\n"),
        ignoring("ignore-one-level", "*/temp*\n"),
        ignoring("ignore-a-folder", "sub\n"),
        ignoring("ignore-a-folder-slash", "sub/\n"),
        ignoring("ignore-a-folder-but", "sub\n!sub/deep/d.py\n"),
        ignoring("ignore-all-but", "*\n!out\n"),
        ignoring("ignore-all-but-deep", "**\n!sub/deep\n"),
        ignoring("ignore-lead", "/out\n./temp-1\n"),
        ignoring("ignore-comments", "# a.md\n\n  temp-1  \n"),
        ignoring("ignore-question", "?.md\nsub/[b-c].md\n"),
        Case {
            prepare: |folder| fs::write(folder.join("Dockerfile.dockerignore"), "out\n").unwrap(),
            ..ignoring("ignore-by-dockerfile", "sub\n")
        },
        Case {
            except: &["both"],
            dockerfile: "COPY out /x",
            ..ignoring("copy-what-is-ignored", "out\n")
        },
    ]);
}
