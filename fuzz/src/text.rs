//! One input that stands for several files: a line `-- path --` begins each, as in Go's txtar.
//! People can read such inputs, and a fuzzer moves and doubles files with the lines.

/// Returns path and content of each file; what stands before the first has an empty path.
pub fn files(data: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![(String::new(), Vec::new())];
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        match path(line) {
            Some(path) => files.push((path, Vec::new())),
            None => {
                if let Some((_, content)) = files.last_mut() {
                    content.extend_from_slice(line);
                }
            }
        }
    }
    if files.len() > 1 && files[0].1.is_empty() {
        files.remove(0);
    }
    files
}

fn path(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii_end().strip_prefix(b"-- ")?.strip_suffix(b" --")?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// Returns the input that stands for `files`.
pub fn joined<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut text = Vec::new();
    for (path, content) in files {
        if !path.is_empty() {
            text.extend_from_slice(format!("-- {path} --\n").as_bytes());
        }
        text.extend_from_slice(content);
        if !content.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    text
}
