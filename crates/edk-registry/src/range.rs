use std::ops::RangeInclusive;

/// Which bytes of a blob a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(RangeInclusive<u64>),
    Nothing,
}

/// Reads a `Range` header (RFC 9110, section 14.2) for a blob of `size` bytes.
///
/// What is malformed, or asks for many ranges, may be ignored and is: the whole blob follows.
pub(crate) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) = header
        .and_then(|header| header.trim().strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::Whole;
    };
    match (first.is_empty(), number(first), last.is_empty(), number(last)) {
        (true, _, _, Some(0)) => Wanted::Nothing,
        (true, _, _, Some(_)) if size == 0 => Wanted::Nothing,
        (true, _, _, Some(count)) => Wanted::Part(size.saturating_sub(count)..=size - 1),
        (_, Some(first), true, _) if first < size => Wanted::Part(first..=size - 1),
        (_, Some(first), _, Some(last)) if last < first => Wanted::Whole,
        (_, Some(first), _, Some(last)) if first < size => Wanted::Part(first..=last.min(size - 1)),
        (_, Some(_), true, _) | (_, Some(_), _, Some(_)) => Wanted::Nothing,
        _ => Wanted::Whole,
    }
}

/// Reads the `Content-Range` of a chunk: `<first>-<last>` (OCI distribution specification,
/// "Pushing a blob in chunks"); the form of RFC 9110, `bytes <first>-<last>/<size>`, is taken too.
pub(crate) fn chunk(header: &str) -> Option<RangeInclusive<u64>> {
    let text = header.trim();
    let text = text.strip_prefix("bytes").unwrap_or(text).trim_start_matches(['=', ' ']);
    let text = text.split_once('/').map_or(text, |(range, _)| range);
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

/// Returns the `Range` header that tells how many bytes of an upload have arrived. The
/// specification can't tell none from one; like other registries we write `0-0` for both.
pub(crate) fn received(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_cut_to_the_blob_or_refused_or_ignored() {
        use Wanted::{Nothing, Part, Whole};
        for (header, size, expected) in [
            ("bytes=0-4", 10, Part(0..=4)),
            ("bytes=5-", 10, Part(5..=9)),
            ("bytes=-3", 10, Part(7..=9)),
            ("bytes=-30", 10, Part(0..=9)),
            ("bytes=8-20", 10, Part(8..=9)),
            ("bytes=0-18446744073709551615", 10, Part(0..=9)),
            ("bytes=10-", 10, Nothing),
            ("bytes=10-12", 10, Nothing),
            ("bytes=-0", 10, Nothing),
            ("bytes=0-", 0, Nothing),
            ("bytes=-1", 0, Nothing),
            ("bytes=4-2", 10, Whole),
            ("bytes=0-1,4-5", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("lines=0-4", 10, Whole),
        ] {
            assert_eq!(wanted(Some(header), size), expected, "{header} of {size}");
        }
        assert_eq!(wanted(None, 10), Whole);
    }

    #[test]
    fn a_chunk_says_where_it_belongs() {
        for (header, expected) in [
            ("0-4", Some(0..=4)),
            ("bytes 5-9/20", Some(5..=9)),
            ("bytes=5-9", Some(5..=9)),
            ("5-", None),
            ("9-5", None),
            ("", None),
        ] {
            assert_eq!(chunk(header), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_asks_for_bytes_outside_the_blob(
            header in prop_oneof!["\\PC{0,30}", "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}(,[0-9-]{0,5})?"],
            size in prop_oneof![0_u64..20, Just(u64::MAX)],
        ) {
            if let Wanted::Part(part) = wanted(Some(&header), size) {
                prop_assert!(part.start() <= part.end() && *part.end() < size, "{header}");
            }
            if let Some(part) = chunk(&header) {
                prop_assert!(part.start() <= part.end(), "{header}");
            }
        }
    }
}
