use std::path::Path;

use crate::{Entry, Error, Kind, Result, TarWriter, gzip};

/// Returns a tar.gz of `files`, each a path, its content and its permission bits.
///
/// The order of `files` does not matter: entries are sorted by name. Owner is root, the time
/// [`edk_model::SOURCE_DATE_EPOCH`]. Meant for what fits in memory.
///
/// # Errors
/// [`Error::Name`] for a name that can't be in an archive, [`Error::Twice`] for one given twice.
pub fn pack<P: AsRef<Path>, B: AsRef<[u8]>>(files: &[(P, B, u32)]) -> Result<Vec<u8>> {
    let mut sorted: Vec<_> =
        files.iter().map(|(path, bytes, mode)| (path.as_ref(), bytes.as_ref(), *mode)).collect();
    sorted.sort_by_key(|(path, ..)| *path);
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::Twice { path: pair[0].0.to_owned() });
    }
    let mut tar = TarWriter::new(gzip(Vec::new(), 6));
    for (path, bytes, mode) in sorted {
        let entry = Entry::new(path, Kind::File { size: bytes.len() as u64 }, mode);
        tar.append(&entry, bytes)?;
    }
    tar.finish()?.finish().map_err(|source| Error::Stream { action: "written", source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use edk_model::Digest;
    use proptest::prelude::*;

    use super::*;
    use crate::{Limits, read_files};

    const LIMITS: Limits = Limits { total_bytes: 1 << 20, entries: 100 };

    #[test]
    fn the_bytes_of_a_known_tree_do_not_change() {
        let bytes = pack(&[("c/Chart.yaml", "name: c\n", 0o644), ("c/run", "x", 0o755)]).unwrap();
        let mut tar = Vec::new();
        std::io::Read::read_to_end(
            &mut flate2::read::MultiGzDecoder::new(bytes.as_slice()),
            &mut tar,
        )
        .unwrap();
        assert_eq!(Digest::of(&tar).short(), "e2b74985a776");
        assert_eq!(Digest::of(&bytes).short(), "98ee49f300f2");
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let result = pack(&[("a", "1", 0o644), ("a", "2", 0o644)]);
        assert!(matches!(result, Err(Error::Twice { .. })));
    }

    fn trees() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
        let name = "[a-zA-Zäß0-9 ._-]{1,40}(/f[a-z]{1,60}){0,5}"
            .prop_filter("parts of dots", |name| {
                !name.split('/').any(|part| part == "." || part == "..")
            });
        let content = proptest::collection::vec(any::<u8>(), 0..1500);
        proptest::collection::btree_map(name, content, 0..12)
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_back(tree in trees()) {
            let files: Vec<_> = tree.iter().map(|(name, bytes)| (name, bytes, 0o644)).collect();
            let packed = pack(&files).unwrap();
            let read = read_files(packed.as_slice(), &LIMITS).unwrap();
            let read: BTreeMap<_, _> = read.into_iter()
                .map(|(path, bytes)| (path.to_str().unwrap().to_owned(), bytes))
                .collect();
            prop_assert_eq!(read, tree);
        }

        #[test]
        fn the_order_of_the_files_does_not_matter(tree in trees(), turn in 0usize..12) {
            let mut files: Vec<_> = tree.iter().map(|(name, bytes)| (name, bytes, 0o644)).collect();
            let packed = pack(&files).unwrap();
            files.reverse();
            let middle = turn.min(files.len());
            files.rotate_left(middle);
            prop_assert_eq!(pack(&files).unwrap(), packed);
        }

        #[test]
        fn no_name_ever_escapes(name in "[./a]{1,12}") {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(0);
            header.set_cksum();
            let mut bytes = header.as_bytes().to_vec();
            bytes.resize(2048, 0);
            for (path, _) in read_files(bytes.as_slice(), &LIMITS).unwrap_or_default() {
                prop_assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
