//! Traditional characters in their simplified form, and characters that nobody sees.

use std::sync::LazyLock;

/// Returns a character in its usual width, in simplified Chinese. One character stays one character.
pub fn simplify(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c if c.is_ascii() => c,
        c => SIMPLIFIED.of(c).unwrap_or(c),
    }
}

/// Returns whether a character shows nothing and separates nothing (`Default_Ignorable_Code_Point` of Unicode).
pub const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Maps traditional to simplified characters of the Basic Multilingual Plane.
struct Simplified {
    /// One bit per character, set if it has a replacement: few have, and the bitmap stays in the cache.
    others: Vec<u64>,
    /// The replacement of each character.
    table: Vec<u16>,
}

static SIMPLIFIED: LazyLock<Simplified> = LazyLock::new(|| {
    let mut table: Vec<u16> = (0..=u16::MAX).collect();
    let mut others = vec![0; table.len() / 64];
    for line in include_str!("simplified.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut chars = line.chars();
        while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
            let at = usize::try_from(u32::from(from)).unwrap_or(usize::MAX);
            if let (Some(slot), Some(bits), Ok(to)) =
                (table.get_mut(at), others.get_mut(at / 64), u16::try_from(u32::from(to)))
            {
                *slot = to;
                *bits |= 1 << (at % 64);
            }
        }
    }
    Simplified { others, table }
});

impl Simplified {
    fn of(&self, c: char) -> Option<char> {
        let at = usize::try_from(u32::from(c)).ok()?;
        if self.others.get(at / 64)? >> (at % 64) & 1 == 0 {
            return None;
        }
        self.table.get(at).and_then(|code| char::from_u32(u32::from(*code)))
    }
}
