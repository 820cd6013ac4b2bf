use std::collections::HashSet;

use crate::model::Link;

/// An item of another source that has the same canonical link as a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The canonical link of its newest report, in full.
    pub link: String,
    /// The registrable domain of its source.
    pub domain: String,
}

/// Does the report of a source at `domain` with this link speak of the candidate's story?
///
/// A link proves it only where it leads to one of the two sources: nobody hides an item by posting its link first. The
/// first page of a site, and the page that a source is read from, is no story's address.
pub fn judge(link: &Link, domain: &str, listings: &HashSet<String>, candidate: &Candidate) -> bool {
    let canonical = link.canonical();
    let leads_to = link.registrable_domain();
    canonical == candidate.link
        && !link.is_home()
        && !listings.contains(&canonical)
        && (leads_to == domain || leads_to == candidate.domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_counts_only_at_home() {
        let check = |link: &str, mine: &str, theirs: &str| {
            let link = Link::parse(link).unwrap();
            let candidate = Candidate { link: link.canonical(), domain: theirs.to_owned() };
            judge(&link, mine, &HashSet::from(["a.gov.cn/news".to_owned()]), &candidate)
        };
        assert!(check("https://www.a.gov.cn/1.html", "b.cn", "a.gov.cn"));
        assert!(check("https://www.a.gov.cn/1.html", "a.gov.cn", "b.cn"));
        assert!(
            !check("https://www.a.gov.cn/1.html", "b.cn", "c.cn"),
            "two others cannot join their items by a third one's link"
        );
        assert!(!check("https://www.a.gov.cn/", "b.cn", "a.gov.cn"), "a home page is no story");
        assert!(!check("https://www.a.gov.cn/news/", "b.cn", "a.gov.cn"), "a list page is no story");
    }
}
