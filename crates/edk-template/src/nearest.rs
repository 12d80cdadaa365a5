/// Returns the name of `known` that a person who typed `name` most likely meant: at most a third
/// of its letters differ.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|candidate| (distance(name, candidate), candidate));
    let best = near.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= best.1.chars().count().div_ceil(3)).then_some(best.1)
}

/// Returns how many letters must be added, removed or replaced (the Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_another_word_is_not() {
        let known = ["radiomics", "application", "web-app"];
        for (name, expected) in [
            ("radiomic", Some("radiomics")),
            ("radoimics", Some("radiomics")),
            ("webapp", Some("web-app")),
            ("segmentation", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
