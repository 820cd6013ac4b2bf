//! Names and deeds that differ between two texts from one template.
//!
//! A reprint adds, drops and rewords, but hardly ever puts another name in the place of one; the notices of one template
//! differ in nothing else. So a run of Chinese characters that replaces another in the same place is a contradiction,
//! unless one of them is mere wording (介绍 for 表示), a credit, a word for the source's own region, an abbreviation or a
//! slip of the pen.

use std::collections::HashSet;

use super::contradiction::{sounds_alike, trimmed};
use super::text::{Gap, aligned};
use super::words::words;

/// Longest name that is compared, in characters.
const MAX_NAME: usize = 12;
/// Longest difference that is searched for smaller ones, in characters per side: the search is quadratic in it.
const MAX_SEARCHED: usize = 40;
/// From so many places on that are worded otherwise, an editor worked on the text, and only names that show as such count.
const MIN_REWORDED: usize = 2;
/// From so many unrelated slips on, a text is mistyped throughout. Notices of one template differ in a name or two.
const MIN_SLIPS: usize = 3;
/// Longest clause that may turn a deed round: where it only stands in one text, and where it replaces another, in
/// characters.
const MAX_TURN: (usize, usize) = (4, 16);
/// Characters behind a replaced character in which the rest of its name is expected.
const HEAD_WITHIN: usize = 2;
/// Characters before a difference in which a credit (记者, 来源) is looked for.
const CREDIT_WITHIN: usize = 6;

/// One piece that stands for another, and what surrounds it.
struct Replaced<'t> {
    a: &'t [char],
    b: &'t [char],
    after: &'t [char],
}

/// A title and a text, folded.
#[derive(Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) title: &'t [char],
    pub(super) text: &'t [char],
}

/// The places in which two texts differ.
pub(super) struct Replacements<'t> {
    gaps: Vec<Gap<'t>>,
    pieces: Vec<Replaced<'t>>,
}

impl<'t> Replacements<'t> {
    /// Finds the places in which two folded texts differ, by the places that they share.
    pub(super) fn between(a: &'t [char], b: &'t [char], anchors: &[(usize, usize)]) -> Self {
        let gaps = aligned(a, b, anchors);
        let pieces = gaps.iter().filter(|gap| !is_credited(gap)).flat_map(pieces).collect();
        Self { gaps, pieces }
    }

    /// Returns the pieces that stand for another one and are neither its homophone nor a number.
    fn both(&self) -> impl Iterator<Item = &Replaced<'t>> {
        self.pieces.iter().filter(|piece| !piece.a.is_empty() && !piece.b.is_empty() && !is_slip(piece))
    }

    /// Returns whether one text is full of slips of the pen: single characters, in most of the places, that stand for
    /// another one each and belong to no name.
    pub(super) fn are_slips(&self) -> bool {
        let is_synonym = |piece: &Replaced<'_>| is_wording(piece.a) && is_wording(piece.b);
        let slips: HashSet<(&[char], &[char])> = self
            .both()
            .filter(|piece| piece.is_short() && !piece.is_of_name() && !is_synonym(piece))
            .map(|piece| (piece.a, piece.b))
            .collect();
        slips.len() >= MIN_SLIPS && slips.len() * 2 > self.both().count()
    }

    /// Returns why two nearly equal texts tell two stories, if one names another thing or person in the same place, or
    /// says that a thing does not take place.
    pub(super) fn why(&self, a: Told<'_>, b: Told<'_>) -> Option<&'static str> {
        if self.gaps.iter().any(|gap| is_way_back(gap.a, gap.b)) {
            return Some("they name the way there and the way back");
        }
        if is_turned(a, b, &self.pieces) {
            return Some("one says that what the other announces does not take place");
        }
        if self.are_slips() {
            return None;
        }
        let is_edited = self.both().filter(|piece| is_wording(piece.a) || is_wording(piece.b)).count() >= MIN_REWORDED;
        // Where characters are replaced that belong to no name, others are slips too.
        let is_mistyped = self.both().any(|piece| piece.is_short() && !piece.is_of_name());
        let is_name = |piece: &Replaced<'_>| {
            let is_short = piece.is_short();
            is_content(piece.a)
                && is_content(piece.b)
                && !is_abbreviated(piece.a, piece.b)
                && !(is_short && is_mistyped)
                && (!(is_short || is_edited || is_mistyped) || piece.is_shown())
        };
        self.both().any(is_name).then_some("corresponding places name different things or people")
    }
}

impl Replaced<'_> {
    const fn is_short(&self) -> bool {
        self.a.len() == 1 && self.b.len() == 1
    }

    /// Returns whether what stands around the pieces shows that they are (part of) names.
    fn is_shown(&self) -> bool {
        is_of_name(self.after) || is_letter(self.a, self.b)
    }

    fn is_of_name(&self) -> bool {
        is_content(self.a) && is_content(self.b) && self.is_shown()
    }
}

/// Returns the pieces by which the two sides of a difference differ, each between runs of two characters that both have.
fn pieces<'t>(gap: &Gap<'t>) -> Vec<Replaced<'t>> {
    let (mut found, mut rest) = (Vec::new(), *gap);
    let is_searched = gap.a.len().max(gap.b.len()) <= MAX_SEARCHED;
    while let Some((in_a, in_b, length)) = common(rest.a, rest.b).filter(|_| is_searched) {
        let part = |side: &'t [char], to: usize| side.get(..to).unwrap_or(&[]);
        let behind = |side: &'t [char], from: usize| side.get(from..).unwrap_or(&[]);
        let shared = behind(rest.a, in_a);
        put(&mut found, &Gap { a: part(rest.a, in_a), b: part(rest.b, in_b), after: shared, ..rest });
        let (a, b) = (behind(rest.a, in_a + length), behind(rest.b, in_b + length));
        rest = Gap { a, b, before: part(shared, length), after: rest.after };
    }
    put(&mut found, &rest);
    found
}

/// Adds a difference without what both sides begin and end with.
fn put<'t>(found: &mut Vec<Replaced<'t>>, gap: &Gap<'t>) {
    if gap.a == gap.b {
        return;
    }
    let Some((a, b)) = without_ends(gap.a, gap.b) else { return };
    let ends = gap.a.iter().rev().zip(gap.b.iter().rev()).take_while(|(one, other)| one == other).count();
    let ends = ends.min(gap.a.len() - a.len());
    let after = if ends > 0 { gap.a.get(gap.a.len() - ends..).unwrap_or(&[]) } else { gap.after };
    found.push(Replaced { a, b, after });
}

/// Returns two pieces without their common beginning and end; one of them may then be empty.
pub(super) fn without_ends<'t>(a: &'t [char], b: &'t [char]) -> Option<(&'t [char], &'t [char])> {
    let same = a.iter().zip(b).take_while(|(one, other)| one == other).count();
    let (a, b) = (a.get(same..)?, b.get(same..)?);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(one, other)| one == other).count();
    Some((a.get(..a.len() - same)?, b.get(..b.len() - same)?))
}

/// Returns where the longest run of at least two characters that both sides share begins in each, and its length.
fn common(a: &[char], b: &[char]) -> Option<(usize, usize, usize)> {
    let mut best = (0, 0, 0);
    for at in 0..a.len() {
        for with in 0..b.len() {
            let (one, other) = (a.iter().skip(at), b.iter().skip(with));
            let length = one.zip(other).take_while(|(one, other)| one == other).count();
            if length > best.2 {
                best = (at, with, length);
            }
        }
    }
    (best.2 >= 2).then_some(best)
}

/// Returns whether one side is the other in the opposite direction (甲至乙, 乙至甲).
fn is_way_back(a: &[char], b: &[char]) -> bool {
    let Some((a, b)) = trimmed(a, b).filter(|(a, b)| a.len() == b.len() && a.len() <= MAX_SEARCHED) else {
        return false;
    };
    words().between.chars().any(|word| {
        let sides = |text: &'_ [char]| {
            let at = text.iter().position(|c| *c == word)?;
            Some((text.get(..at)?.to_vec(), text.get(at + 1..)?.to_vec()))
        };
        sides(a).zip(sides(b)).is_some_and(|((from, to), (other_from, other_to))| {
            // The common beginning or end of both names is cut off (南京至北, 北京至南).
            let is_it = |one: &[char], other: &[char]| one.starts_with(other) || other.starts_with(one);
            !from.is_empty() && !to.is_empty() && is_it(&from, &other_to) && is_it(&to, &other_from)
        })
    })
}

/// Returns whether one text says in corresponding places, or in its title too, that something does not take place, and
/// the other one does not.
fn is_turned(a: Told<'_>, b: Told<'_>, pieces: &[Replaced<'_>]) -> bool {
    let holds = |text: &[char], word: &[char]| text.windows(word.len().max(1)).any(|window| window == word);
    let all: Vec<Vec<char>> = words().reversals.iter().map(|word| word.chars().collect()).collect();
    let held = |text: &[char]| all.iter().filter(|word| holds(text, word)).collect::<Vec<_>>();
    // Looked up once: each piece may hold one of them.
    let (of_a, of_b) = (held(a.text), held(b.text));
    let by_title = |one: Told<'_>, of_one: &[&Vec<char>], other: Told<'_>, of_other: &[&Vec<char>]| {
        let is_only_there =
            |word: &&Vec<char>| !of_other.contains(word) && holds(one.title, word) && !holds(other.title, word);
        of_one.iter().any(is_only_there)
    };
    let reversal = |text: &[char]| all.iter().find(|word| holds(text, word));
    let turns = |one: &[char], other: &[char], of_other: &[&Vec<char>]| {
        let most = if other.is_empty() { MAX_TURN.0 } else { MAX_TURN.1 };
        one.len() <= most
            && other.len() <= MAX_TURN.1
            && (other.is_empty() && words().negations.contains(&one.iter().collect::<String>())
                || reversal(other).is_none() && reversal(one).is_some_and(|word| !of_other.contains(&word)))
    };
    by_title(a, &of_a, b, &of_b)
        || by_title(b, &of_b, a, &of_a)
        || pieces.iter().any(|piece| turns(piece.a, piece.b, &of_b) || turns(piece.b, piece.a, &of_a))
}

/// Returns whether the difference is in a line about who wrote or published the text.
fn is_credited(gap: &Gap<'_>) -> bool {
    let from = gap.before.len().saturating_sub(CREDIT_WITHIN);
    let before = gap.before.get(from..).unwrap_or(&[]);
    [before, gap.a, gap.b].into_iter().any(|part| holds_any(part, &words().credits))
}

/// Returns whether one piece is a slip of the pen for the other, or differs from it in figures, which are compared
/// elsewhere.
fn is_slip(piece: &Replaced<'_>) -> bool {
    sounds_alike(piece.a, piece.b)
        || is_transposed(piece.a, piece.b)
        || piece.a.iter().chain(piece.b).any(char::is_ascii_digit)
}

/// Returns whether two neighbouring characters changed places.
pub(super) fn is_transposed(a: &[char], b: &[char]) -> bool {
    matches!((a, b), ([one, two], [three, four]) if one == four && two == three)
}

/// Returns whether a piece may be (part of) a name.
fn is_content(piece: &[char]) -> bool {
    let is_han = |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}');
    piece.len() <= MAX_NAME && (piece.iter().all(is_han) || is_latin(piece)) && !is_wording(piece)
}

/// Returns whether a piece is one word of a script that separates words, as in 甲A区.
fn is_latin(piece: &[char]) -> bool {
    matches!(piece, [c] if u32::from(*c) >= 0xf_0000)
}

fn is_letter(a: &[char], b: &[char]) -> bool {
    is_latin(a) && is_latin(b)
}

/// Returns whether a piece holds a word that is no part of a name.
fn is_wording(piece: &[char]) -> bool {
    piece.iter().any(|c| words().function.contains(*c)) || holds_any(piece, &words().wording)
}

pub(super) fn holds_any(text: &[char], words: &[String]) -> bool {
    let text: String = text.iter().collect();
    words.iter().any(|word| text.contains(word.as_str()))
}

/// Returns whether the characters of the shorter piece all stand in the longer one in the same order, as those of
/// 消协 do in 消费者协会.
pub(super) fn is_abbreviated(a: &[char], b: &[char]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut long = long.iter();
    short.iter().all(|c| long.any(|other| other == c))
}

/// Returns whether what follows a piece shows that it is part of a name (村, 小区, 公司).
fn is_of_name(after: &[char]) -> bool {
    let after: String = after.iter().take(HEAD_WITHIN + 1).collect();
    // 的 ends a name: 天下的街 names no street.
    let is_inside = |(_, c): &(usize, char)| !words().function.contains(*c);
    words().heads.iter().any(|head| {
        let starts = after.char_indices().take(HEAD_WITHIN - 1);
        let is_head = |(at, _): (usize, char)| after.get(at..).is_some_and(|rest| rest.starts_with(head.as_str()));
        after.starts_with(head.as_str()) || starts.take_while(is_inside).any(|(at, c)| is_head((at + c.len_utf8(), c)))
    })
}
