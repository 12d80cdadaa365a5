use std::{
    fs,
    io::{self, Cursor, Read, Seek, Write as _},
    sync::Arc,
};

use edk_model::{CancellationToken, Monitor, Silent};
use flate2::{Compression, write::GzEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    At, Found, Secrets, What,
    archive::{LIMITS, Look},
    scan::{OVERLAP, scan},
};
use crate::check::{
    rules::guard::example_file,
    tree::{File, Tree},
};

fn example(kind: &str) -> Vec<u8> {
    example_file("f", kind).data.to_vec()
}

fn of(name: &str, data: &[u8]) -> Secrets {
    Secrets::of(&Tree::default(), &File::new(name, data), &Monitor::silent()).unwrap()
}

/// What is found, in short: rule, place, members from the outer to the inner, and how many more.
fn short(secrets: &Secrets) -> Vec<String> {
    let one = |it: &Found| {
        let at = match it.at {
            At::Whole => String::new(),
            At::Line(line, column) => format!(" {line}:{column}"),
            At::Byte(byte) => format!(" @{byte}"),
        };
        let member: String = it.member.iter().map(|name| format!(" {name}")).collect();
        let more = if it.more == 0 { String::new() } else { format!(" +{}", it.more) };
        let why = if let What::Unseen(why) = it.what { format!(": {why}") } else { String::new() };
        format!("{}{at}{member}{more}{why}", it.what.rule())
    };
    secrets.found.iter().map(one).collect()
}

#[track_caller]
fn check(name: &str, data: &[u8], expected: &[&str]) {
    assert_eq!(short(&of(name, data)), expected, "{name}");
}

fn gz(data: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(data).unwrap();
    packed.finish().unwrap()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_by(members, CompressionMethod::Deflated)
}

fn zip_by(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn patient_data_is_told_by_its_content() {
    for name in ["!dicom", "!dicom-bare"] {
        check("f", &example(name), &["G01"]);
    }
    check("f", &example("!nifti"), &["G02"]);
    let packed = gz(&[example("!nifti"), vec![0; 5000]].concat());
    check("a.nii.gz", &packed, &["G02"]);
    let cut = &packed[..packed.len() - 9];
    check("a.nii.gz", cut, &["G02", "G06: it breaks off or is damaged"]);
    let numbers: Vec<u8> = [2_i64, 4, 6, 8].iter().flat_map(|it| it.to_le_bytes()).collect();
    let small: Vec<u8> = [8_i32, 4, 7, 10, 16].iter().flat_map(|it| it.to_le_bytes()).collect();
    let others: [&[u8]; 10] = [
        b"import os\n",
        b"",
        &[8, 0],
        b"\x7fELF\x02\x01\x01\0",
        b"\x89PNG\r\n\x1a\n",
        &[0; 400],
        &[0; 1024],
        &numbers,
        &small,
        &[8; 600],
    ];
    for other in others {
        check("f", other, &[]);
    }
}

#[test]
fn keys_and_tokens_are_told_with_their_place_and_texts_about_them_are_not() {
    let key = example("!key");
    check("f", &[b"x\n  ".as_slice(), &key].concat(), &["G04 2:3"]);
    check("f", &["ä\nüö ".as_bytes(), &key].concat(), &["G04 2:4"]);
    check("f", &[b"\xff\n  ".as_slice(), &key].concat(), &["G04 @4"]);
    check("f", format!("write -----BEGIN {} KEY----- first", "PRIVATE").as_bytes(), &[]);
    check("f", &example("!token"), &["G05 1:9"]);
    check("f", b"glpat-short", &[]);
    let many = example("!token").repeat(250);
    let secrets = of("f", &many);
    assert_eq!((secrets.found.len(), secrets.found[99].more > 0), (100, true));
}

#[test]
fn what_lies_on_the_seam_of_two_windows_is_found_once() {
    let (key, token) = (example("!key"), example("!token"));
    let window = 2 * OVERLAP;
    // Around the end of the first window, and of what is its own.
    for seam in [OVERLAP, window, window + OVERLAP] {
        for before in (seam - 220..seam + 4).step_by(3) {
            let mut text = b"line\n".repeat(before / 5);
            text.extend([&key[..], b"\n", &token, &b"end\n".repeat(3000)].concat());
            let mut found = Vec::new();
            scan(&mut &text[..], window, &mut found).unwrap();
            let (line, lines) = (before / 5 + 1, 4);
            let expected = [
                (What::Key, At::Line(line, 1)),
                (What::Token("a token of GitLab"), At::Line(line + lines, 9)),
            ];
            assert_eq!(found, expected, "{before}");
        }
    }
}

#[test]
fn large_files_are_read_to_their_end_and_again_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let mut data = "ä line\n".repeat(500_000).into_bytes();
    data.extend(example("!token"));
    fs::write(&path, &data).unwrap();
    let whole = |tree: &Tree, file: &File| Secrets::of(tree, file, &Monitor::silent()).unwrap();
    let look = |before: &Tree| {
        let tree = Tree::open(folder.path(), Some(before)).unwrap();
        let file = tree.get("large").unwrap();
        (short(&whole(&tree, file)), file.digest, tree.clone())
    };
    let (found, first, tree) = look(&Tree::default());
    assert_eq!(found, ["G05 500001:9"]);
    // The same size and the same beginning.
    let length = data.len();
    data[length - 5] = b' ';
    data[0] = 0xff;
    data[1] = b'\n';
    fs::remove_file(&path).unwrap();
    fs::write(&path, &data).unwrap();
    let (found, second, tree) = look(&tree);
    assert_eq!(found, [] as [&str; 0]);
    assert_ne!(first, second);
    fs::remove_file(&path).unwrap();
    let lost = whole(&tree, tree.get("large").unwrap());
    assert_eq!(short(&lost), ["G06: it can't be read"]);
}

#[test]
fn a_look_ends_in_the_middle_of_a_file_and_tells_no_half_truth() {
    /// Content that has the work stopped while it is read.
    struct Stopping(CancellationToken, usize);
    impl Read for Stopping {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            assert!(self.1 < 100, "it is read to its end");
            if self.1 == 10 {
                self.0.cancel();
            }
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }
    impl Seek for Stopping {
        fn seek(&mut self, _: io::SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    let cancel = CancellationToken::new();
    let monitor = Monitor::new(Arc::new(Silent), cancel.clone(), "");
    Secrets::read("endless", u64::MAX, Stopping(cancel, 0), &monitor);
    assert!(Secrets::of(&Tree::default(), &File::new("x", b"x"), &monitor).is_err());
}

#[test]
fn members_of_archives_are_told_by_name() {
    let (dicom, nifti, key) = (example("!dicom"), example("!nifti"), example("!key"));
    let token = [b"\n\n".as_slice(), &example("!token")].concat();
    let members: [(&str, &[u8]); 5] = [
        ("a/1", &dicom),
        ("a/2", &dicom),
        ("b.nii", &nifti),
        ("k.pem", &key),
        ("conf\x1b/t", &token),
    ];
    let expected = ["G01 a/1 +1", "G02 b.nii", "G04 1:1 k.pem", "G05 3:9 conf?/t"];
    check("x.zip", &zip(&members), &expected);
    check("x.whl", &zip_by(&members, CompressionMethod::Stored), &expected);
    check("x.tar", &tar(&members), &expected);
    check("x.tgz", &gz(&tar(&members)), &expected);
    check("log.gz", &gz(&token), &["G05 3:9 log"]);
    let weights = vec![0; 60_000_000];
    check("x.tar", &tar(&[("m.pth", &weights)]), &["G03 m.pth"]);
}

#[test]
fn an_archive_in_an_archive_is_looked_into_and_no_deeper_one() {
    let dicom = example("!dicom");
    let inner = zip(&[("1.dcm", &dicom)]);
    let outer = gz(&tar(&[("data/inner.zip", &inner)]));
    check("x.tgz", &outer, &["G01 data/inner.zip 1.dcm"]);
    let outer = zip(&[("in.tgz", &gz(&tar(&[("1.dcm", &dicom)])))]);
    check("x.jar", &outer, &["G01 in.tgz 1.dcm"]);
    check("x.zip", &zip(&[("a.nii.gz", &gz(&example("!nifti")))]), &["G02 a.nii.gz"]);
    let deep = zip(&[("x.tgz", &gz(&tar(&[("in.zip", &inner)])))]);
    let why = "it is an archive in an archive in an archive";
    check("x.zip", &deep, &[&format!("G06 x.tgz in.zip: {why}")]);
}

#[test]
fn bz2_xz_and_zstd_are_unpacked_as_well_and_what_is_not_is_told() {
    let plain = tar(&[("1", &example("!dicom"))]);
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz2.write_all(&plain).unwrap();
    check("x.tar.bz2", &bz2.finish().unwrap(), &["G01 1"]);
    check("BZh notes", b"BZh is how bzip2 begins", &[]);
    check("x.7z", &example("!7z"), &["G06: it is a 7z archive"]);
    check("x.rar", b"Rar!\x1a\x07\x01\0", &["G06: it is a RAR archive"]);
}

#[test]
fn arrays_and_weights_that_are_archives_are_no_finding() {
    let numbers: Vec<u8> = (1..5000_i64).flat_map(|it| (2 * it).to_le_bytes()).collect();
    let members: [(&str, &[u8]); 3] = [
        ("archive/data.pkl", b"\x80\x02ctorch"),
        ("archive/data/0", &numbers),
        ("arr_0.npy", b"\x93NUMPY"),
    ];
    check("m.pt", &zip_by(&members, CompressionMethod::Stored), &[]);
    check("x.npz", &zip(&members), &[]);
}

#[test]
fn what_is_encrypted_is_told_and_the_rest_is_found() {
    let mut data = zip(&[("secret", b"x"), ("1.dcm", &example("!dicom"))]);
    let central = data.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    // Bit 0 of the flags, in both headers of the first member (APPNOTE.TXT, 4.4.4).
    data[6] |= 1;
    data[central + 8] |= 1;
    check("x.zip", &data, &["G06 secret: it is encrypted", "G01 1.dcm"]);
    // A method that nobody has.
    let mut data = zip(&[("odd", b"x")]);
    let central = data.windows(4).position(|it| it == b"PK\x01\x02").unwrap();
    data[8] = 77;
    data[central + 10] = 77;
    check("x.zip", &data, &["G06 odd: it is packed in a way that is not known here"]);
}

#[test]
fn what_breaks_off_is_told_with_what_came_before() {
    let filler: Vec<u8> =
        (0..400_000_u32).flat_map(|it| (it.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
    let members: [(&str, &[u8]); 2] = [("1.dcm", &example("!dicom")), ("rest", &filler)];
    let tgz = gz(&tar(&members));
    let broken = "G06: it breaks off or is damaged";
    check("x.tgz", &tgz[..tgz.len() / 2], &["G01 1.dcm", broken]);
    let zipped = zip(&[("t", &example("!token")), ("rest", &filler)]);
    check("x.zip", &zipped[..zipped.len() / 2], &[broken]);
    let stored = zip_by(&[("t", &example("!token"))], CompressionMethod::Stored);
    check("x.zip", &stored[..stored.len() - 30], &[broken, "G05 @39"]);
    let mut flipped = zip(&members);
    flipped[200] ^= 0xff;
    assert!(!short(&of("x.zip", &flipped)).is_empty());
}

#[test]
fn bombs_end_at_the_limits() {
    let zeros = vec![0; 3 << 20];
    let look = |data: &[u8], limits: (u64, u64)| {
        let mut secrets = Secrets::default();
        Look::new(&mut secrets, limits).whole(&mut Cursor::new(data), "x");
        short(&secrets)
    };
    let large = "it unpacks to more than is looked at";
    let bomb = zip(&[("0", &zeros), ("1", &zeros)]);
    assert_eq!(look(&bomb, (4 << 20, 10)), [format!("G06: {large}")]);
    assert_eq!(look(&gz(&zeros), (1 << 20, 10)), [format!("G06: {large}")]);
    let nested = gz(&tar(&[("a", &gz(&tar(&[("0", &zeros)]))), ("b", &gz(&zeros))]));
    let told = look(&nested, (1 << 20, 10));
    assert!(told[0].ends_with(large) && told[0].starts_with("G06 a"), "{told:?}");
    let many: Vec<(String, &[u8])> = (0..20).map(|it| (it.to_string(), &b""[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    for archive in [zip(&many), gz(&tar(&many))] {
        assert_eq!(look(&archive, (1 << 20, 10)), [format!("G06: {large}")]);
        assert_eq!(look(&archive, (1 << 20, 20)), [] as [&str; 0]);
    }
    assert_eq!(LIMITS.of(10), (64 << 20, 100_000));
    assert_eq!(LIMITS.of(10 << 20).0, 2000 << 20);
    assert_eq!(LIMITS.of(5 << 30).0, 10 << 30);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_looked_at_without_harm(data: Vec<u8>, at in 0_usize..600, byte: u8) {
        let _ = of("f", &data);
        for start in [&[8, 0, 5, 0][..], &[0x1f, 0x8b, 8, 0], b"PK\x03\x04", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"] {
            let _ = of("f", &[start, &data].concat());
        }
        let mut archive = zip(&[("a", &data), ("b.gz", &gz(&tar(&[("c", &data)])))]);
        let at = at % archive.len();
        archive[at] = byte;
        let _ = of("f", &archive);
        let _ = of("f", &archive[..at]);
    }

    #[test]
    fn windows_of_any_size_find_the_same(words in proptest::collection::vec(0_usize..6, 0..400), more in 2_usize..3000) {
        let parts = [example("!token"), example("!key"), b"\n".to_vec(), vec![b'x'; 997], "ä ".into(), b"glpat-".to_vec()];
        let text: Vec<u8> = words.into_iter().flat_map(|it| parts[it].clone()).collect();
        let found = |window: usize| {
            let mut found = Vec::new();
            scan(&mut (&text[..]).take(u64::MAX), window, &mut found).unwrap();
            found.truncate(100);
            found
        };
        proptest::prop_assert_eq!(found(OVERLAP + more), found(1 << 20));
    }
}
