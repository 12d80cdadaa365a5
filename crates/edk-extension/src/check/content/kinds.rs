//! What a file is, by its first bytes.

/// So many bytes tell what a file is.
pub(super) const HEAD: usize = 1024;

/// How a file has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is.
    Plain,
    /// A zip archive (APPNOTE.TXT, 4.3): also wheels, jars, `.npz`, `.docx`, and PyTorch's `.pt`.
    Zip,
    /// A tar archive.
    Tar,
    /// Compressed: gzip, bzip2, xz or zstd.
    Packed,
    /// An archive that nobody here reads, and why.
    Closed(&'static str),
}

impl Kind {
    pub(super) fn of(head: &[u8]) -> Self {
        let starts = |magic: &[u8]| head.starts_with(magic);
        // What follows the size of blocks in bzip2: of a block, or of the end.
        let bzip2 = starts(b"BZh") && matches!(head.get(4..7), Some(b"1AY" | b"\x17rE"));
        if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            Self::Zip
        } else if starts(&[0x1f, 0x8b, 8])
            || bzip2
            || starts(b"\xfd7zXZ\0")
            || starts(b"\x28\xb5\x2f\xfd")
        {
            Self::Packed
        } else if starts(b"7z\xbc\xaf\x27\x1c") {
            Self::Closed("it is a 7z archive")
        } else if starts(b"Rar!\x1a\x07") {
            Self::Closed("it is a RAR archive")
        } else if is_tar(head) {
            Self::Tar
        } else {
            Self::Plain
        }
    }
}

/// Tells a tar by the sum of its first header (POSIX.1-2017, pax, "ustar Interchange Format").
fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512) else { return false };
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(block);
    let others = block[..148].iter().chain(&block[156..]);
    let sum = others.map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    header.cksum().is_ok_and(|told| told == sum)
}

/// Tells DICOM by its preamble (PS3.10, section 7.1), or by two data elements that can stand at the
/// beginning of a file without one.
pub(super) fn is_dicom(data: &[u8]) -> bool {
    data.get(128..132) == Some(b"DICM") || bare(data).unwrap_or(false)
}

/// Says whether there are two elements of the first groups in their order. Arrays of small numbers
/// look a little so: their elements are 0, and so are their lengths.
fn bare(data: &[u8]) -> Option<bool> {
    let number = |at: usize| Some(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?]));
    let (group, element) = (number(0)?, number(2)?);
    let starts = matches!((group, element), (2, 0..=2) | (8, 0 | 1 | 5 | 8 | 0x12 | 0x16 | 0x18));
    if !starts {
        return Some(false);
    }
    let vr = [*data.get(4)?, *data.get(5)?];
    let known = [b"UL", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM"].iter().any(|it| **it == vr);
    // Explicit VR: a length of two bytes; implicit VR: one of four.
    let length = match known {
        true => usize::from(number(6)?),
        false if number(6)? == 0 => usize::from(number(4)?),
        false => return Some(false),
    };
    let sized = known || (length > 0 && (element != 0 || length == 4));
    let next = 8 + length;
    let (next_group, next_element) = (number(next)?, number(next + 2)?);
    let ascends = (next_group, next_element) > (group, element) && next_element != 0;
    let small = length % 2 == 0 && length <= 256 && next_group % 2 == 0 && next_group <= 0x20;
    Some(sized && small && ascends)
}

/// Tells NIfTI by the size of its header and its magic (NIfTI-1.1 and NIfTI-2, `nifti1.h`).
pub(super) fn is_nifti(data: &[u8]) -> bool {
    let size = data.get(..4).map(|it| [it[0], it[1], it[2], it[3]]);
    let is = |wanted: u32| size == Some(wanted.to_le_bytes()) || size == Some(wanted.to_be_bytes());
    let first = is(348) && matches!(data.get(344..348), Some(b"n+1\0" | b"ni1\0"));
    first || is(540) && matches!(data.get(4..8), Some(b"n+2\0" | b"ni2\0"))
}
