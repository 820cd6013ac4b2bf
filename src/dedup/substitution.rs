//! One fact put in the place of another in a copy of a text.
//!
//! A reprint drops, adds and mistypes; it does not put a piece of its own in the place of one. So what stands for
//! something else in a text that is otherwise equal is another fact (a contact, a bank, a fee, who may apply), unless it
//! shows as a slip of the pen, as mere wording or as a credit. `substitution.toml` says what excludes what.

use std::collections::HashSet;

use super::contradiction::{in_numerals, sounds_alike};
use super::place::{MORE, Place, TABLES, is_denial};
use super::replacement::{holds_any, is_abbreviated, is_transposed, without_ends};
use super::text::SHINGLE;
use super::words::words;

/// Longest piece that stands for another, in characters: longer ones are passages that were rewritten.
const MAX_PIECE: usize = 24;
/// Longest difference that is searched for smaller ones, in characters per side: the search is quadratic in it.
const MAX_SEARCHED: usize = 40;
/// Maximum number of differing places that are looked at: a copy has few.
const MAX_PLACES: usize = 256;
/// From so many places on, and below this containment, an editor worked on the text, and only what shows as a fact counts.
const MIN_EDITED: usize = 3;
const COPIED: f64 = 0.8;
/// From so many unrelated characters on, a text is mistyped throughout; then only pieces of so many characters are none.
const MIN_SLIPS: usize = 3;
const MIN_WHOLE: usize = 3;
/// Longest piece before or behind everything that both texts share that corresponds to a piece of another length.
const MAX_LOOSE: usize = 6;
/// Shortest run that both texts share behind such a piece, in characters.
const MIN_SHARED: usize = 3;
/// A piece that has a word of a credit among so many characters at its beginning is one.
const CREDIT: usize = 4;
/// Before so many characters, a text may tell who reports it.
const MAX_LEAD: usize = 12;
/// Longest piece that denies what another says, in characters.
const MAX_DENIAL: usize = 5;
/// Characters before a piece in which the role and the title of a person are looked for, and behind it, the kind of a
/// firm.
const ROLE_WITHIN: usize = 8;
const TITLE_WITHIN: usize = 4;
const FIRM_WITHIN: usize = 6;
/// From so many digits on, a number is that of a telephone, which may be written without its area code.
const TELEPHONE: usize = 7;

/// What two texts have in one place; one of them may have nothing there.
struct Substitution<'t> {
    a: Place<'t>,
    b: Place<'t>,
}

/// Returns why one of two texts, which are otherwise alike, tells another fact than the other, if it does.
pub(super) fn why(a: &[char], b: &[char], anchors: &[(usize, usize)], alike: f64) -> Option<&'static str> {
    let found = substitutions(a, b, anchors).into_iter();
    let all: Vec<Substitution<'_>> = found.filter(|one| !one.is_credit()).take(MAX_PLACES).collect();
    if are_slips(&all) {
        let is_whole = |one: &&Substitution<'_>| {
            let (a, b) = (one.a.piece(), one.b.piece());
            a.len().min(b.len()) >= MIN_WHOLE && (a.len() != b.len() || a.iter().zip(b).all(|(a, b)| a != b))
        };
        return all.iter().filter(is_whole).any(Substitution::is_fact).then_some(FACT);
    }
    if all.iter().any(Substitution::is_of_other_figures) {
        return Some("one has other figures in a place of an otherwise equal text");
    }
    if all.iter().any(|one| one.excludes() || one.shows()) || are_exchanged(&all) {
        return Some("one has a word in a place of an otherwise equal text that excludes that of the other");
    }
    let is_edited = alike < COPIED && all.len() >= MIN_EDITED;
    (!is_edited && all.iter().any(Substitution::is_fact)).then_some(FACT)
}

/// Reason given if a fact was replaced by another one.
const FACT: &str = "one puts another fact in a place of an otherwise equal text";

/// Returns whether one text is mistyped throughout: most of the places in which they differ are single characters that
/// stand for unrelated ones.
fn are_slips(all: &[Substitution<'_>]) -> bool {
    let both = || all.iter().filter(|one| !one.is_one_sided());
    let slips: HashSet<(char, char)> = both()
        .filter_map(Substitution::single)
        .filter(|(a, b)| !(is_slip(*a, *b) || is_function(*a) && is_function(*b)))
        .collect();
    slips.len() >= MIN_SLIPS && slips.len() * 2 > both().count()
}

/// Returns the same of two titles, of which only those count that show as facts: a headline is often another one.
pub(super) fn why_titles(a: &[char], b: &[char]) -> Option<&'static str> {
    let all = substitutions(a, b, &super::text::anchors(a, b));
    all.iter()
        .any(|one| one.is_of_other_figures() || one.excludes())
        .then_some("the titles exclude each other in a word")
}

impl Substitution<'_> {
    const fn is_one_sided(&self) -> bool {
        self.a.from == self.a.to || self.b.from == self.b.to
    }

    /// Returns the characters of both sides if each has one.
    fn single(&self) -> Option<(char, char)> {
        match (self.a.piece(), self.b.piece()) {
            ([a], [b]) => Some((*a, *b)),
            _ => None,
        }
    }

    fn is_short(&self) -> bool {
        self.a.piece().len() <= MAX_PIECE && self.b.piece().len() <= MAX_PIECE
    }

    /// Returns whether it is (in) a line about who wrote or published the text.
    fn is_credit(&self) -> bool {
        // A text may begin with who reports it (据央视新闻消息, 晚报讯).
        let is_lead = |place: &Place<'_>| {
            place.from < MAX_LEAD
                && [place.piece(), place.after(3)]
                    .into_iter()
                    .any(|part| holds_any(part, &TABLES.leads) || holds_any(part, &words().credits))
        };
        let begins =
            |place: &Place<'_>| holds_any(place.piece().get(..CREDIT).unwrap_or(place.piece()), &TABLES.credits);
        let is_credit = |place: &Place<'_>| place.is_credited() || begins(place) || is_lead(place);
        is_credit(&self.a) || is_credit(&self.b)
    }

    /// Returns whether the numbers of both sides differ, and neither side only has more of them.
    fn is_of_other_figures(&self) -> bool {
        let (a, b) = (numbers(self.a.with_digits()), numbers(self.b.with_digits()));
        let (few, many) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
        let mut rest = many.iter();
        self.is_short() && !few.is_empty() && !few.iter().all(|one| rest.any(|other| is_same_number(one, other)))
    }

    /// Returns whether both are words of one class of which one excludes the other.
    fn excludes(&self) -> bool {
        let excludes = || {
            let told = self.b.lists();
            self.a.lists().iter().any(|(class, list)| told.get(class).is_some_and(|other| other != list))
        };
        let chars = || {
            self.single()
                .is_some_and(|(a, b)| TABLES.exclusive_chars.iter().any(|group| group.contains(a) && group.contains(b)))
        };
        let denies = || {
            let is_misread = self.single().is_some_and(|(a, b)| is_slip(a, b));
            self.a.piece().len().max(self.b.piece().len()) <= MAX_DENIAL
                && self.a.denies() != self.b.denies()
                && !is_misread
                && (!self.is_one_sided() || [&self.a, &self.b].into_iter().any(|place| is_denial(place.piece())))
        };
        self.is_short() && (excludes() || chars() || denies())
    }

    /// Returns whether single characters differ that belong to what is counted or to a name.
    fn shows(&self) -> bool {
        let Some((a, b)) = self.single() else { return false };
        let after: String = self.a.after(FIRM_WITHIN).iter().collect();
        let mut starts = after.char_indices().take(2);
        !is_slip(a, b)
            && !self.is_reworded()
            && (self.a.before(1).iter().any(|c| TABLES.per.contains(*c))
                || holds_any(self.a.before(ROLE_WITHIN), &TABLES.person)
                || holds_any(self.a.before(TITLE_WITHIN), &TABLES.titles)
                || TABLES.firm.iter().any(|firm| after.contains(firm.as_str()))
                || starts.any(|(at, _)| {
                    let rest = after.get(at..).unwrap_or("");
                    TABLES.heads.iter().any(|head| rest.starts_with(head.as_str()))
                }))
    }

    /// Returns whether both sides are nothing but mere wording.
    fn is_reworded(&self) -> bool {
        // 近日 here is a day there; two days are compared as figures.
        let is_day = |place: &Place<'_>| place.piece().iter().any(char::is_ascii_digit);
        !self.is_one_sided() && [&self.a, &self.b].into_iter().all(|place| is_day(place) || place.is_wording())
    }

    /// Returns whether one side puts another fact in the place of the other's.
    fn is_fact(&self) -> bool {
        let (a, b) = (self.a.piece(), self.b.piece());
        if self.is_one_sided() || !self.is_short() || self.is_reworded() || self.is_own() {
            return false;
        }
        let (said, told) = (in_numerals(a), in_numerals(b));
        if let Some((&[one], &[other])) = without_ends(&said, &told) {
            return !is_slip(one, other);
        }
        !(sounds_alike(&said, &told) || is_transposed(a, b) || is_abbreviated(a, b) && a.first() == b.first())
    }

    /// Returns whether one side names the source's own region where the other has a word for it (全市, 阳泉市).
    fn is_own(&self) -> bool {
        let own = |piece: &[char]| matches!(piece, [c, ..] if words().own.iter().any(|word| word.starts_with(*c)));
        own(self.a.piece()) != own(self.b.piece())
            && self.a.after(1).iter().chain(self.a.piece().last()).any(|c| super::text::RANKS.contains(c))
    }
}

/// Returns whether one character is typed or read for the other, or is no fact.
fn is_slip(a: char, b: char) -> bool {
    let is_particle = |c: char| TABLES.particles.contains(c);
    is_particle(a) != is_particle(b)
        || sounds_alike(&[a], &[b])
        || TABLES.look_alike.iter().any(|group| group.contains(a) && group.contains(b))
}

/// Returns whether a character occurs in no name.
fn is_function(c: char) -> bool {
    words().function.contains(c)
}

/// Returns whether two pieces changed places (甲先乙后, 乙先甲后).
fn are_exchanged(all: &[Substitution<'_>]) -> bool {
    let is_told = |one: &&Substitution<'_>| {
        !one.is_one_sided() && one.is_short() && !sounds_alike(one.a.piece(), one.b.piece()) && !one.is_reworded()
    };
    let both = || all.iter().filter(is_told);
    let pairs: HashSet<(&[char], &[char])> = both().map(|one| (one.a.piece(), one.b.piece())).collect();
    both().any(|one| pairs.contains(&(one.b.piece(), one.a.piece())))
}

/// Returns the numbers of a text, as written.
fn numbers(text: &[char]) -> Vec<&[char]> {
    text.split(|c| !c.is_ascii_digit() && *c != '.').filter(|run| run.iter().any(char::is_ascii_digit)).collect()
}

fn is_same_number(one: &[char], other: &[char]) -> bool {
    let value = |run: &[char]| run.iter().collect::<String>().parse::<f64>().ok();
    let is_end = |short: &[char], long: &[char]| short.len() >= TELEPHONE && long.ends_with(short);
    one == other || is_end(one, other) || is_end(other, one) || value(one).is_some() && value(one) == value(other)
}

/// Returns the places in which two texts differ, as small as they can be told.
fn substitutions<'t>(a: &'t [char], b: &'t [char], anchors: &[(usize, usize)]) -> Vec<Substitution<'t>> {
    let mut found = Vec::new();
    let (mut end_a, mut end_b) = (0_usize, 0_usize);
    let place = |text, from, to| Place { text, from, to };
    for (from_a, from_b) in anchors.iter().copied() {
        let overlap = end_a.saturating_sub(from_a).max(end_b.saturating_sub(from_b));
        if end_a + from_b != end_b + from_a || overlap == 0 {
            let (to_a, to_b) = (from_a + overlap, from_b + overlap);
            let (one, other) = (place(a, end_a, to_a), place(b, end_b, to_b));
            if end_a > 0 && end_b > 0 || corresponds(one.piece(), other.piece()) {
                split(one, other, &mut found);
            }
        }
        end_a = end_a.max(from_a + SHINGLE);
        end_b = end_b.max(from_b + SHINGLE);
    }
    put_tail(Place { text: a, from: end_a, to: a.len() }, Place { text: b, from: end_b, to: b.len() }, &mut found);
    found
}

/// Returns whether what two texts have before or behind all that they share may be one for the other.
fn corresponds(one: &[char], other: &[char]) -> bool {
    let least = one.len().min(other.len());
    least <= MAX_LOOSE || least <= MAX_PIECE && one.len().abs_diff(other.len()) <= 2
}

/// Adds the difference behind the last shared run. There, one text often has more: of it, as much corresponds as the
/// other has left, or as stands before a shorter run that both share.
fn put_tail<'t>(a: Place<'t>, b: Place<'t>, found: &mut Vec<Substitution<'t>>) {
    if a.from == 0 || a.from >= a.text.len() && b.from >= b.text.len() {
        return;
    }
    let is_cut = |text: &[char]| MORE.iter().any(|word| text.starts_with(word));
    if is_cut(a.piece()) || is_cut(b.piece()) {
        return;
    }
    let digits = |place: &Place<'_>| {
        place.text.get(..place.from).unwrap_or(&[]).iter().rev().take_while(|c| c.is_ascii_digit()).count()
    };
    // A number that goes on is another one.
    let back = digits(&a).min(digits(&b));
    let (a, b) = (Place { from: a.from - back, ..a }, Place { from: b.from - back, ..b });
    let (one, other) = (a.piece(), b.piece());
    if back == 0 && is_abbreviated(one, other) {
        return;
    }
    let least = one.len().min(other.len());
    let (head_a, head_b) = (a.part(0, one.len().min(MAX_PIECE)), b.part(0, other.len().min(MAX_PIECE)));
    if corresponds(one, other) {
        // A number is not cut in two.
        let end = |side: &[char]| {
            let rest = side.get(least..).unwrap_or(&[]).iter();
            least + if least > 0 { rest.take_while(|c| c.is_ascii_digit()).count() } else { 0 }
        };
        split(a.part(0, end(one)), b.part(0, end(other)), found);
    } else if let Some((in_a, in_b, _)) = common(head_a.piece(), head_b.piece(), MIN_SHARED)
        && in_a.max(in_b) <= MAX_PIECE / 2
        && in_a.abs_diff(in_b) <= MAX_LOOSE / 2
    {
        split(a.part(0, in_a), b.part(0, in_b), found);
    }
}

/// Adds a difference without what both sides share.
fn split<'t>(a: Place<'t>, b: Place<'t>, found: &mut Vec<Substitution<'t>>) {
    let (one, other) = (a.piece(), b.piece());
    let starts = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let least = one.len().min(other.len()) - starts;
    let ends = one.iter().rev().zip(other.iter().rev()).take(least).take_while(|(one, other)| one == other).count();
    let (a, b) = (a.part(starts, one.len() - ends), b.part(starts, other.len() - ends));
    let (one, other) = (a.piece(), b.piece());
    if one.is_empty() && other.is_empty() {
        return;
    }
    match common(one, other, 2) {
        Some((in_a, in_b, length)) => {
            split(a.part(0, in_a), b.part(0, in_b), found);
            split(a.part(in_a + length, one.len()), b.part(in_b + length, other.len()), found);
        }
        None => found.push(Substitution { a, b }),
    }
}

/// Returns where the longest run of at least `least` characters that both sides share begins in each, and its length.
fn common(a: &[char], b: &[char], least: usize) -> Option<(usize, usize, usize)> {
    if a.len().max(b.len()) > MAX_SEARCHED {
        return None;
    }
    let mut best = (0, 0, 0);
    let mut row = vec![0_usize; b.len() + 1];
    for (at, one) in a.iter().enumerate() {
        let mut before = 0;
        for (with, (other, slot)) in b.iter().zip(row.iter_mut().skip(1)).enumerate() {
            let length = if one == other { before + 1 } else { 0 };
            before = std::mem::replace(slot, length);
            if length > best.2 {
                best = (at + 1 - length, with + 1 - length, length);
            }
        }
    }
    (best.2 >= least).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::super::place::{MEMBERS, WORDING};
    use super::super::text::{anchors, fold};
    use super::*;

    const NOTICE: &str = "县图书馆定于五月十日起对少儿阅览室进行维修，维修期间少儿图书在二楼东侧自习室借阅，每日上午九时开放。读者凭借书证\
        免费入馆，十四岁以下儿童须由家长陪同，不得携带食品。维修由恒泰装饰公司负责，联系人：马晓燕，电话4033217。";

    fn is_told_otherwise(from: &str, to: &str) -> bool {
        assert!(NOTICE.contains(from), "{from}");
        let (one, other) = (fold(NOTICE), fold(&NOTICE.replace(from, to)));
        let anchors = anchors(&one, &other);
        why(&one, &other, &anchors, 0.9).is_some()
    }

    #[test]
    fn a_fact_in_the_place_of_another_is_told_from_a_slip() {
        for (from, to) in [
            ("马晓燕", "马晓玲"),
            ("马晓燕", "韩志远"),
            ("4033217", "4033271"),
            ("4033217", "40332170"),
            ("恒泰", "恒丰"),
            ("东侧", "西侧"),
            ("上午", "下午"),
            ("借书证", "身份证"),
            ("免费", "收费"),
            ("以下", "以上"),
            ("不得携带", "可以携带"),
            ("家长陪同", "老师陪同"),
            ("每日", "每周"),
            ("自习室", "报告厅"),
        ] {
            assert!(is_told_otherwise(from, to), "{from} → {to}");
        }
        for (from, to) in [
            ("维修期间", "维修其间"),
            ("陪同", "倍同"),
            ("图书在", "书图在"),
            ("进行", "予以"),
            ("二楼", "2楼"),
            ("装饰公司", "装饰公司"),
            ("不得携带食品。", ""),
            ("电话4033217", "电话4033217（来源：县融媒体中心）"),
        ] {
            assert!(!is_told_otherwise(from, to), "{from} → {to}");
        }
    }

    #[test]
    fn the_tables_are_in_the_form_of_folded_texts() {
        let chars = TABLES.exclusive_chars.iter().chain(&TABLES.look_alike);
        let groups: Vec<&String> = chars.filter(|group| group.chars().count() < 2).collect();
        assert!(groups.is_empty(), "{groups:?}");
        for word in WORDING.iter().chain(MORE.iter()).chain(MEMBERS.values().flatten().map(|member| &member.word)) {
            assert!(!word.is_empty());
        }
    }
}
