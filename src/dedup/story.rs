//! Decides by the link whether two sources report the same story.

use std::collections::HashSet;

use crate::model::Link;

/// An item of another source with the same canonical link as a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Full canonical link of its newest report.
    pub link: String,
    /// Registrable domain of its source.
    pub domain: String,
}

/// Returns whether a report from a source at `domain` with this link belongs to the candidate's story.
///
/// A link proves this only if it leads to the site of one of the two sources; otherwise anyone could hide an item by
/// posting its link first. A site's home page and the listing pages of sources (`listings`) are no story's address.
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
