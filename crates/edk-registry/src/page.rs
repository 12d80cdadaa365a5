/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) items: Vec<String>,
    /// The `Link` header that leads to the next page, when there is one.
    pub(crate) link: Option<String>,
}

/// Cuts the page after `last` of at most `n` entries out of `names`; `path` is where the list is.
///
/// Entries are in the order which the OCI distribution specification asks for ("Listing Tags"):
/// alphabetical without regard to case. `last` need not be in the list.
pub(crate) fn cut(
    mut names: Vec<String>,
    n: Option<usize>,
    last: Option<&str>,
    path: &str,
) -> Page {
    let key = |name: &str| (name.to_ascii_lowercase(), name.to_owned());
    names.sort_by_key(|name| key(name));
    if let Some(last) = last.map(key) {
        names.retain(|name| key(name) > last);
    }
    let Some(n) = n.filter(|n| *n < names.len()) else { return Page { items: names, link: None } };
    names.truncate(n);
    // Neither a tag nor a repository has a character that would need encoding here.
    let link = names.last().map(|last| format!("<{path}?n={n}&last={last}>; rel=\"next\""));
    Page { items: names, link }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(n: Option<usize>, last: Option<&str>, items: &[&str], next: Option<&str>) {
        let names = ["b", "A", "c", "B"].map(str::to_owned).to_vec();
        let page = cut(names, n, last, "/list");
        let link = next.map(|next| format!("</list?{next}>; rel=\"next\""));
        assert_eq!(
            (page.items.as_slice(), page.link),
            (&*items.iter().map(|i| (*i).to_owned()).collect::<Vec<_>>(), link)
        );
    }

    #[test]
    fn a_page_is_cut_in_alphabetical_order() {
        check(None, None, &["A", "B", "b", "c"], None);
        check(Some(2), None, &["A", "B"], Some("n=2&last=B"));
        check(Some(2), Some("B"), &["b", "c"], None);
        check(Some(9), None, &["A", "B", "b", "c"], None);
        check(Some(1), Some("a"), &["B"], Some("n=1&last=B"));
        check(Some(0), None, &[], None);
        check(None, Some("z"), &[], None);
    }

    proptest! {
        #[test]
        fn pages_one_after_the_other_give_the_whole_list(
            names in prop::collection::btree_set("[a-zA-Z0-9]{1,3}", 0..20), n in 1_usize..7,
        ) {
            let (mut seen, mut last) = (Vec::new(), None::<String>);
            loop {
                let all = names.iter().cloned().collect();
                let page = cut(all, Some(n), last.as_deref(), "/list");
                prop_assert!(page.items.len() <= n);
                last = page.items.last().cloned();
                seen.extend(page.items);
                if page.link.is_none() { break }
            }
            seen.sort();
            prop_assert_eq!(seen, names.into_iter().collect::<Vec<_>>());
        }
    }
}
