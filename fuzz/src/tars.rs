//! Tar archives that get past the check sums, so that what lies behind them is reached.

use tar::{Builder, EntryType, Header};

const BLOCK: usize = 512;
/// Where a header has its check sum, and its size.
const SUM: std::ops::Range<usize> = 148..156;
const SIZE: std::ops::Range<usize> = 124..136;

/// Returns `data` with the right check sum in each header.
pub(crate) fn mended(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0;
    while at + BLOCK <= data.len() {
        let header = &mut data[at..at + BLOCK];
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[SUM].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = header[SIZE].iter().copied().take_while(u8::is_ascii_digit);
        let text = String::from_utf8(digits.collect()).unwrap_or_default();
        let size = usize::from_str_radix(&text, 8).unwrap_or(0);
        at = at.saturating_add(BLOCK).saturating_add(size.next_multiple_of(BLOCK));
    }
    data
}

/// Returns a tar of `entries`: name, kind, and content or where a link leads.
pub(crate) fn of<'a>(entries: impl IntoIterator<Item = (&'a str, EntryType, &'a [u8])>) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let link = kind.is_symlink() || kind.is_hard_link();
        header.set_size(if link { 0 } else { content.len() as u64 });
        let append = if link {
            let to = std::str::from_utf8(content).unwrap();
            builder.append_link(&mut header, name, to)
        } else {
            builder.append_data(&mut header, name, content)
        };
        append.unwrap();
    }
    builder.into_inner().unwrap()
}

/// Returns a tar of regular files.
pub(crate) fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    of(files.into_iter().map(|(name, content)| (name, EntryType::Regular, content)))
}
