//! Small alterations of a text that change what it says: figures and words of permission. Stricter than the comparison of
//! two reprints, where a typo must not split a story.

use std::collections::HashSet;

use super::similarity::Story;

/// Numerals and the words that turn a sentence into its opposite.
const WEIGHTY: &str = "零〇一二两三四五六七八九十百千万亿半不未无勿免禁止准许可必须应非否收费";
/// If one text is longer by more than this, in characters, it says more, which alters nothing by itself.
const MAX_ADDITION: usize = 40;

/// Returns whether one text has other figures or words of permission than the other, or has them elsewhere.
pub fn is_altered(one: &Story, other: &Story) -> bool {
    let (here, there) = (weighty(one.text()), weighty(other.text()));
    let is_more = !here.is_subset(&there);
    let is_less = !there.is_subset(&here);
    is_more && is_less || (is_more || is_less) && one.text().len().abs_diff(other.text().len()) <= MAX_ADDITION
}

/// Returns the characters of a text that carry weight, each with those beside it.
fn weighty(text: &[char]) -> HashSet<[char; 3]> {
    let at = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or(' ');
    let has_weight = |c: char| c.is_ascii_digit() || WEIGHTY.contains(c);
    let places = text.iter().enumerate().filter(|(_, c)| has_weight(**c));
    places.map(|(place, c)| [at(place.checked_sub(1)), *c, at(place.checked_add(1))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_permissions_and_addresses_alter_a_text_and_typos_do_not() {
        let text = "临河县自来水公司决定，自四月一日起每立方米水价为两元，城区八百四十个小区依法抄表到户，免费更换水表，施工期间任何单位和个人不得占用消防通道，咨询请到营业厅。";
        let altered = |from: &str, to: &str| {
            assert!(text.contains(from));
            is_altered(&Story::new("水价", text), &Story::new("水价", &text.replace(from, to)))
        };
        for (from, to) in [
            ("两元", "二十元"),
            ("八百四十个", "八个"),
            ("不得占用", "可以占用"),
            ("免费更换", "收费更换"),
            ("依法抄表", "不再抄表"),
            ("到营业厅", "拨打13800000000"),
        ] {
            assert!(altered(from, to), "{from} → {to}");
        }
        for (from, to) in [("自来水公司", "自來水公司"), ("期间", "其间"), ("，咨询", "。咨询"), ("营业厅", "营业大厅")]
        {
            assert!(!altered(from, to), "{from} → {to}");
        }
    }
}
