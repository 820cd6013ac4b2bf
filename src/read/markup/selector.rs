//! The part of CSS selectors that an admin needs to name an element (Selectors Level 3): names, `#id`, `.class`,
//! attributes, `:first-child`, `:last-child`, `:nth-child(3)`, the combinators ` `, `>`, `+` and `~`, and lists
//! separated by commas.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use super::tokens::cut;
use super::tree::{Id, Tree};
use crate::read::work;

/// A parsed selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    /// The alternatives separated by commas.
    pub(super) chains: Vec<Chain>,
}

/// The error of a text that is not a supported selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported selector `{0}`: {1}")]
pub struct SelectorError(String, &'static str);

/// Compounds from right to left, each with its relation to the compound on its right.
pub(super) type Chain = Vec<(Relation, Compound)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The element itself: the rightmost compound.
    Itself,
    Within,
    Child,
    Next,
    After,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Compound {
    pub(super) name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) classes: Vec<String>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) test: Test,
    pub(super) value: String,
    /// Whether case is ignored (ASCII only).
    pub(super) folds: bool,
}

impl Attribute {
    fn is(&self, found: &str) -> bool {
        let found = if self.folds { Cow::Owned(found.to_ascii_lowercase()) } else { Cow::Borrowed(found) };
        let value = self.value.as_str();
        match self.test {
            Test::Has => true,
            Test::Is => found == value,
            // An empty value matches nothing (Selectors Level 4, section 6.2).
            _ if value.is_empty() => false,
            Test::Begins => found.starts_with(value),
            Test::Ends => found.ends_with(value),
            Test::Contains => found.contains(value),
            Test::Word => found.split_whitespace().any(|word| word == value),
            Test::Dash => found.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Has,
    Is,
    Begins,
    Ends,
    Contains,
    Word,
    Dash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Nth(usize),
    Last,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Selector {
    /// Parses a selector.
    ///
    /// # Errors
    /// If the text is longer than 500 bytes or is not a supported selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let failed = |why| SelectorError(text.to_owned(), why);
        if text.len() > 500 {
            return Err(failed("it is longer than 500 bytes"));
        }
        let chains: Result<Vec<Chain>, &'static str> = alternatives(text).into_iter().map(chain).collect();
        Ok(Self { text: text.to_owned(), chains: chains.map_err(failed)? })
    }

    /// Finds the first matching element from node `from` up to `to`.
    pub(in crate::read) fn find(&self, tree: &Tree<'_>, from: Id, to: Id) -> Option<Id> {
        (from..to).find(|id| self.is(tree, *id))
    }

    /// Returns the first of these elements that matches.
    pub(in crate::read) fn first_of(&self, tree: &Tree<'_>, elements: &[Id]) -> Option<Id> {
        elements.iter().copied().find(|id| self.is(tree, *id))
    }

    /// Finds all matching elements, in order; of nested ones, only the outermost.
    pub(in crate::read) fn find_all(&self, tree: &Tree<'_>, from: Id, to: Id) -> Vec<Id> {
        let mut found = Vec::new();
        let mut at = from;
        while at < to {
            if self.is(tree, at) {
                found.push(at);
                at = tree.end(at);
            } else {
                at += 1;
            }
        }
        found
    }

    fn is(&self, tree: &Tree<'_>, id: Id) -> bool {
        !tree.name(id).is_empty() && self.chains.iter().any(|chain| fits(tree, id, chain))
    }
}

/// Returns whether an element matches a chain. Each step from an ancestor or sibling is tried once.
fn fits(tree: &Tree<'_>, id: Id, chain: &[(Relation, Compound)]) -> bool {
    let Some(((_, last), rest)) = chain.split_first() else { return false };
    if !last.is(tree, id) {
        return false;
    }
    let mut open = vec![(id, 0)];
    let mut seen: HashSet<(Id, usize)> = HashSet::new();
    while let Some((at, done)) = open.pop() {
        let Some((relation, compound)) = rest.get(done) else { return true };
        let go = |to: Id| {
            if compound.is(tree, to) && seen.insert((to, done)) {
                open.push((to, done + 1));
            }
        };
        match relation {
            Relation::Itself => {}
            Relation::Child => Some(tree.parent(at)).filter(|id| *id != 0).into_iter().for_each(go),
            Relation::Within => tree.ancestors(at).skip(1).for_each(go),
            Relation::Next => tree.place(at).before.into_iter().for_each(go),
            Relation::After => {
                let before = std::iter::successors(tree.place(at).before, |id| tree.place(*id).before);
                before.take_while(|_| work::charge(1)).for_each(go);
            }
        }
    }
    false
}

impl Compound {
    fn is(&self, tree: &Tree<'_>, id: Id) -> bool {
        self.name.as_ref().is_none_or(|name| tree.name(id) == name)
            && self.id.as_ref().is_none_or(|own| tree.attribute(id, "id").is_some_and(|found| found == own.as_str()))
            && self.classes.iter().all(|class| tree.classes(id).any(|found| found == class))
            && self
                .attributes
                .iter()
                .all(|attribute| tree.attribute(id, &attribute.name).is_some_and(|found| attribute.is(&found)))
            && match self.place {
                None => true,
                Some(Place::Nth(number)) => tree.place(id).number == number,
                Some(Place::Last) => tree.place(id).is_last,
            }
    }
}

/// Finds a mark outside quotes, from byte `from` on.
fn outside_quotes(text: &str, from: usize, mark: u8) -> Option<usize> {
    let mut quote = None;
    text.bytes().enumerate().skip(from).find_map(|(at, byte)| {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == mark => return Some(at),
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None => {}
        }
        None
    })
}

/// Splits a selector at its commas.
fn alternatives(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = outside_quotes(rest, 0, b',') {
        found.push(cut(rest, 0, at));
        rest = cut(rest, at + 1, rest.len());
    }
    found.push(rest);
    found
}

fn chain(text: &str) -> Result<Chain, &'static str> {
    let mut forward: Vec<(Relation, Compound)> = Vec::new();
    let mut relation = Relation::Itself;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("a part of it is empty");
    }
    while !rest.is_empty() {
        let trimmed = rest.trim_start();
        let had_space = trimmed.len() < rest.len();
        rest = trimmed;
        let mark = match rest.chars().next() {
            Some('>') => Some(Relation::Child),
            Some('+') => Some(Relation::Next),
            Some('~') => Some(Relation::After),
            _ => None,
        };
        if let Some(mark) = mark {
            if forward.is_empty() {
                return Err("it begins with a combinator");
            }
            if relation != Relation::Itself {
                return Err("two combinators follow each other");
            }
            relation = mark;
            rest = cut(rest, 1, rest.len());
            continue;
        }
        if had_space && relation == Relation::Itself && !forward.is_empty() {
            relation = Relation::Within;
        }
        let (compound, length) = compound(rest)?;
        forward.push((relation, compound));
        relation = Relation::Itself;
        rest = cut(rest, length, rest.len());
        if !rest.is_empty() && !rest.starts_with([' ', '\t', '>', '+', '~']) {
            return Err("it contains an unsupported character");
        }
    }
    if relation != Relation::Itself {
        return Err("it ends with a combinator");
    }
    // Reverse the order: each relation moves to the compound on its left.
    let mut backward = Chain::with_capacity(forward.len());
    let mut next = Relation::Itself;
    for (relation, compound) in forward.into_iter().rev() {
        backward.push((next, compound));
        next = relation;
    }
    Ok(backward)
}

fn compound(text: &str) -> Result<(Compound, usize), &'static str> {
    let mut compound = Compound::default();
    let mut at = 0;
    loop {
        let rest = cut(text, at, text.len());
        let Some(first) = rest.chars().next() else { break };
        let word = |from: usize| {
            let rest = cut(rest, from, rest.len());
            let length = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(rest.len());
            cut(rest, 0, length)
        };
        match first {
            '*' => at += 1,
            '#' | '.' => {
                let name = word(1);
                if name.is_empty() {
                    return Err("a name is missing behind `#` or `.`");
                }
                if first == '#' {
                    compound.id = Some(name.to_owned())
                } else {
                    compound.classes.push(name.to_owned())
                }
                at += 1 + name.len();
            }
            '[' => {
                let end = outside_quotes(rest, 1, b']').ok_or("a `[` is not closed")?;
                compound.attributes.push(attribute(cut(rest, 1, end))?);
                at += end + 1;
            }
            ':' => {
                let (place, length) = pseudo_class(word(1), rest)?;
                compound.place = Some(place);
                at += length;
            }
            c if (c.is_alphanumeric() || c == '_') && at == 0 => {
                let name = word(0);
                compound.name = Some(name.to_ascii_lowercase());
                at += name.len();
            }
            _ => break,
        }
    }
    if at == 0 { Err("it contains an unsupported character") } else { Ok((compound, at)) }
}

/// Parses the pseudo-class with this name at the beginning of `rest`; returns its length, too.
fn pseudo_class(name: &str, rest: &str) -> Result<(Place, usize), &'static str> {
    let length = 1 + name.len();
    match name {
        "first-child" => Ok((Place::Nth(1), length)),
        "last-child" => Ok((Place::Last, length)),
        "nth-child" => {
            let inside = cut(rest, length, rest.len()).strip_prefix('(');
            let inside = inside.ok_or("`:nth-child` wants a number in brackets")?;
            let (number, _) = inside.split_once(')').ok_or("a `(` is not closed")?;
            let nth = number.trim().parse().map_err(|_no_number| "`:nth-child` takes a plain number here")?;
            Ok((Place::Nth(nth), length + number.len() + 2))
        }
        _ => Err("the only supported pseudo-classes are :first-child, :last-child and :nth-child(N)"),
    }
}

fn attribute(inside: &str) -> Result<Attribute, &'static str> {
    let Some((name, value)) = inside.split_once('=') else {
        let (name, value) = (inside.trim().to_ascii_lowercase(), String::new());
        return Ok(Attribute { name, test: Test::Has, value, folds: false });
    };
    let (name, test) = match name.chars().next_back() {
        Some('^') => (cut(name, 0, name.len() - 1), Test::Begins),
        Some('$') => (cut(name, 0, name.len() - 1), Test::Ends),
        Some('*') => (cut(name, 0, name.len() - 1), Test::Contains),
        Some('~') => (cut(name, 0, name.len() - 1), Test::Word),
        Some('|') => (cut(name, 0, name.len() - 1), Test::Dash),
        _ => (name, Test::Is),
    };
    if name.trim().is_empty() {
        return Err("the name of an attribute is missing");
    }
    let value = value.trim();
    let (value, flag) = match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => cut(value, 1, value.len()).split_once(quote).ok_or("a quote is not closed")?,
        None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
    };
    let folds = match flag.trim() {
        "" | "s" | "S" => false,
        "i" | "I" => true,
        _ => return Err("after an attribute's value only `i` or `s` is allowed"),
    };
    let value = if folds { value.to_ascii_lowercase() } else { value.to_owned() };
    Ok(Attribute { name: name.trim().to_ascii_lowercase(), test, value, folds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, html: &str, expected: &[&str]) {
        let tree = Tree::parse(html);
        let found: Vec<String> = Selector::parse(selector)
            .unwrap()
            .find_all(&tree, 0, tree.len())
            .into_iter()
            .map(|id| tree.line(id))
            .collect();
        assert_eq!(found, expected, "{selector}");
    }

    #[test]
    fn what_an_admin_writes() {
        let html = "<div id=a class='x list'><ul><li class=odd>1<li>2<li>3</ul><p><b title=t1>4</b><b>5</b></div><li>6";
        check("#a li", html, &["1", "2", "3"]);
        check("div.list > ul > li.odd", html, &["1"]);
        check("li", html, &["1", "2", "3", "6"]);
        check("li:nth-child(2), li:last-child", html, &["2", "3", "6"]);
        check("[title^=t]", html, &["4"]);
        check("b[title] + b", html, &["5"]);
        check("ul ~ p > b", html, &["4", "5"]);
        check("ul>li:first-child", html, &["1"]);
        check("UL li.none", html, &[]);
    }

    #[test]
    fn every_way_through_the_ancestors_is_tried() {
        let html =
            "<div class=box><div><p><a href=/A.HTML>1</a></p></div><ul><div><a href='/b,c.html'>2</a></div></ul></div>";
        check(".box > div a", html, &["1"]);
        check(".box > ul div > a", html, &["2"]);
        check("body > div a", &format!("<body>{html}"), &["1", "2"]);
        check("h2 ~ p + p", "<h2>0</h2><p>1</p><i>2</i><p>3</p><p>4</p>", &["4"]);
        check("a[href$=\".html\" i]", html, &["1", "2"]);
        check("a[href$='.html'], a[href=\"/b,c.html\"]", html, &["2"]);
        check("[lang|=zh]", "<p lang=zh>1<p lang=zh-CN>2<p lang=zhx>3", &["1", "2"]);
        check("a[href^='']", html, &[]);
    }

    #[test]
    fn what_is_no_selector() {
        for text in ["", "> li", "li >", "li:hover", "a[", "..", "li,,a", "!", "a[b=c d]", "a[b=\"c]"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
