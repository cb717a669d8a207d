//! Which known name somebody meant who misspelt one: for faults of settings, commands and policies. Compares names of our
//! own with what an operator typed on his own machine; never with anything of a request.

/// The known name nearest in spelling, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (far, best) = known.into_iter().map(|known| (distance(name, known), known)).min()?;
    (far <= 2.max(name.len() / 3) && far < best.len()).then_some(best)
}

/// What to write instead of an unknown name: the one that was meant, and the closed list.
pub fn instead(name: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "none is declared".to_owned();
    }
    let list = known.join(", ");
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}? One of {list}"),
        None => format!("write one of {list}"),
    }
}

/// Edits between two short words (Levenshtein, one row).
fn distance(a: &str, b: &str) -> usize {
    // What is long is not a misspelt name; comparing it would cost its square.
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut previous = i;
        let mut next = vec![i + 1];
        for (y, above) in b.bytes().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            next.push((previous + usize::from(x != y)).min(left + 1).min(above + 1));
            previous = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found_and_a_stranger_is_not() {
        let known = ["billing", "mailer", "storefront"];
        for (typed, meant) in [
            ("biling", Some("billing")),
            ("store-front", Some("storefront")),
            ("mailer", Some("mailer")),
            ("warehouse", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), known), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn advice_names_the_list_either_way() {
        assert_eq!(instead("biling", &["billing"]), "did you mean billing? One of billing");
        assert_eq!(instead("fly", &["read", "write"]), "write one of read, write");
        assert_eq!(instead("fly", &[]), "none is declared");
    }

    #[test]
    fn distance_counts_edits_both_ways() {
        for (a, b, n) in
            [("", "", 0), ("abc", "abc", 0), ("", "abc", 3), ("emial", "email", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (n, n), "{a} {b}");
        }
    }
}
