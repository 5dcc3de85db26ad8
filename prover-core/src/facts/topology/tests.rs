use super::*;

/// Pages: number, first word, size.
type Pages<'a> = &'a [(u64, u64, u64)];

fn pages(list: Pages<'_>) -> BTreeMap<u64, (u64, u64)> {
    let pages = list.iter();
    pages.map(|&(page, start, size)| (page, (start, size))).collect()
}

#[test]
fn page_0_is_what_the_others_leave() {
    let declared = Topology::declared(12, &pages(&[(1, 4, 3), (2, 7, 5)]), Some(&[3, 3])).unwrap();
    assert_eq!(declared.page_sizes, [4, 3, 5]);
    assert_eq!(declared.tree, [(3, 3)]);
    let alone = Topology::declared(12, &pages(&[]), None).unwrap();
    assert_eq!(alone, Topology::trivial(12).unwrap());
}

#[test]
fn one_page_takes_3800_words() {
    assert!(Topology::trivial(MAX_PAGE_SIZE).is_ok());
    let words = MAX_PAGE_SIZE + 1;
    assert_eq!(Topology::trivial(words), Err(TopologyError::Long { words }));
}

#[test]
fn pages_that_do_not_follow_each_other_are_refused() {
    let cases: [(Pages<'_>, &str); 9] = [
        (&[(2, 4, 8)], "output page 2: expected page 1 here"),
        (&[(0, 4, 8)], "output page 0: expected page 1 here"),
        (&[(1, 0, 12)], "output page 1: starts at word 0, expected 1 to 12"),
        (
            &[(1, 13, 1)],
            "output page 1: starts at word 13, expected 1 to 12",
        ),
        (&[(1, 4, 0)], "output page 1: has 0 words, expected 1 to 12"),
        (
            &[(1, 4, u64::MAX)],
            "has 18446744073709551615 words, expected 1 to 12",
        ),
        (
            &[(1, 4, 3), (2, 8, 4)],
            "output page 2: starts at word 8, the page before ends at 7",
        ),
        (&[(1, 4, 3)], "the pages hold 7 words, the output has 12"),
        (&[(1, 4, 9)], "the pages hold 13 words, the output has 12"),
    ];
    for (list, expected) in cases {
        let error = Topology::declared(12, &pages(list), Some(&[1, 0]));
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn lists_that_are_no_trees_are_refused() {
    let declared = |numbers: &[u64]| Topology::declared(5, &pages(&[]), Some(numbers));
    for numbers in [&[][..], &[1], &[1, 0, 1], &[0; 12], &[1, 1 << 30]] {
        let error = declared(numbers).unwrap_err();
        assert!(matches!(error, TopologyError::Tree { .. }), "{error}");
    }
    assert!(declared(&[0; 10]).is_ok());
    let error = Topology::declared(5, &pages(&[(1, 2, 3)]), None).unwrap_err();
    assert_eq!(error, TopologyError::NoTree { pages: 1 });
}
