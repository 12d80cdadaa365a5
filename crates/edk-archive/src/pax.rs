//! Extended header records (POSIX.1-2017, pax, "pax Extended Header").

use std::collections::BTreeMap;

/// The records of one entry, sorted by keyword.
#[derive(Debug, Default)]
pub(crate) struct Records(BTreeMap<String, Vec<u8>>);

impl Records {
    pub(crate) fn set(&mut self, keyword: &str, value: &[u8]) {
        self.0.insert(keyword.to_owned(), value.to_vec());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the records as `<length> <keyword>=<value>\n`, the length counting itself.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (keyword, value) in &self.0 {
            let rest = keyword.len() + value.len() + 3;
            let mut length = rest + digits(rest);
            if digits(length) > digits(rest) {
                length = rest + digits(length);
            }
            bytes.extend_from_slice(format!("{length} {keyword}=").as_bytes());
            bytes.extend_from_slice(value);
            bytes.push(b'\n');
        }
        bytes
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        for size in [1, 5, 6, 7, 88, 89, 90, 91, 92, 93, 94, 95, 990, 991, 992, 993] {
            let mut records = Records::default();
            records.set("path", &vec![b'x'; size]);
            let bytes = records.to_bytes();
            let text = String::from_utf8(bytes).unwrap();
            let (length, _) = text.split_once(' ').unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), text.len(), "{size}");
        }
    }
}
