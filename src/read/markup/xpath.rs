//! Selectors as XPath 1.0 expressions, and back, as far as both languages say the same: what feed readers that scrape
//! pages keep in their lists of feeds.

use super::selector::{Chain, Compound, Place, Relation, Selector, Test};

/// Longest expression that is read, in bytes.
const MAX_XPATH: usize = 2000;

/// Where an expression begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// At the document: `//li`.
    Document,
    /// At the row of a list: `descendant::a`.
    Row,
}

/// Returns the selector with the meaning of an XPath expression; `None` if there is none. What follows the element (an
/// attribute or its text) is left out: it is known for each part of a row.
pub fn css_of_xpath(xpath: &str) -> Option<String> {
    if xpath.len() > MAX_XPATH {
        return None;
    }
    let alternatives: Option<Vec<String>> = split(xpath, '|').into_iter().map(path).collect();
    let css = alternatives?.join(", ");
    Selector::parse(&css).is_ok().then_some(css)
}

/// Splits a text at a mark that is neither in quotes nor in brackets.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, c) if c == mark && depth == 0 => {
                parts.extend(text.get(from..at));
                from = at + c.len_utf8();
            }
            (None, _) => {}
        }
    }
    parts.extend(text.get(from..));
    parts
}

/// Translates one path.
fn path(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('.').filter(|rest| rest.starts_with('/')).unwrap_or(text);
    let (mut css, mut is_wide) = (String::new(), true);
    let mut steps = split(text, '/').into_iter().map(str::trim).peekable();
    let mut is_first = true;
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        if step.is_empty() {
            // `//` within a path, or the beginning of an absolute one.
            is_wide = true;
            is_first = css.is_empty();
            continue;
        }
        if is_last && !css.is_empty() && (step.starts_with('@') || step == "text()") {
            break;
        }
        let (step, is_wide_step) = match (step.strip_prefix("descendant::"), step.strip_prefix("child::")) {
            (Some(step), _) => (step, true),
            (_, Some(step)) => (step, is_wide || is_first),
            _ => (step, is_wide || is_first),
        };
        if !css.is_empty() {
            css.push_str(if is_wide_step { " " } else { " > " });
        }
        css.push_str(&compound(step)?);
        (is_wide, is_first) = (false, false);
    }
    (!css.is_empty()).then_some(css)
}

/// Translates a step: a name with its predicates.
fn compound(step: &str) -> Option<String> {
    let (name, mut rest) = step.split_at_checked(step.find('[').unwrap_or(step.len()))?;
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let mut css = match name.trim() {
        "*" => String::new(),
        name if is_name(name) => name.to_ascii_lowercase(),
        _ => return None,
    };
    while let Some(inside) = rest.strip_prefix('[') {
        let length = closing(inside)?;
        for test in inside.get(..length)?.split(" and ") {
            css.push_str(&predicate(test.trim())?);
        }
        rest = inside.get(length + 1..)?.trim_start();
    }
    if css.is_empty() {
        css.push('*');
    }
    rest.is_empty().then_some(css)
}

/// Finds the bracket that closes the one before this text.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

fn predicate(test: &str) -> Option<String> {
    let squeezed: String = test.split_whitespace().collect::<Vec<_>>().join(" ").replace(" (", "(").replace("( ", "(");
    let bare = squeezed.replace(" ,", ",").replace(", ", ",").replace(" )", ")").replace(" = ", "=");
    for (begin, end) in [
        ("contains(concat(' ',normalize-space(@class),' '),", ")"),
        ("contains(concat(\" \",normalize-space(@class),\" \"),", ")"),
        ("contains(concat(' ',@class,' '),", ")"),
        ("contains(concat(\" \",@class,\" \"),", ")"),
    ] {
        if let Some(value) = bare.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)) {
            return word(unquoted(value)?.trim()).map(|class| format!(".{class}"));
        }
    }
    if let Some(number) = bare.strip_prefix("count(preceding-sibling::*)=") {
        return Some(format!(":nth-child({})", number.parse::<usize>().ok()?.checked_add(1)?));
    }
    if bare == "not(following-sibling::*)" {
        return Some(":last-child".to_owned());
    }
    for (function, operator) in [("contains(@", "*="), ("starts-with(@", "^="), ("ends-with(@", "$=")] {
        if let Some((name, value)) =
            bare.strip_prefix(function).and_then(|rest| rest.strip_suffix(')')).and_then(|rest| rest.split_once(','))
        {
            return attribute(name, operator, unquoted(value)?);
        }
    }
    match bare.strip_prefix('@')?.split_once('=') {
        Some(("id", value)) => match word(unquoted(value)?) {
            Some(id) => Some(format!("#{id}")),
            None => attribute("id", "=", unquoted(value)?),
        },
        Some((name, value)) => attribute(name, "=", unquoted(value)?),
        None => word(bare.strip_prefix('@')?).map(|name| format!("[{name}]")),
    }
}

fn word(text: &str) -> Option<&str> {
    (!text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))).then_some(text)
}

fn unquoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inside.contains(quote)).then_some(inside)
}

fn attribute(name: &str, operator: &str, value: &str) -> Option<String> {
    let quote = if value.contains('"') { '\'' } else { '"' };
    word(name).filter(|_| !value.contains(quote)).map(|name| format!("[{name}{operator}{quote}{value}{quote}]"))
}

impl Selector {
    /// Returns the XPath expression with the same meaning; `None` if there is none.
    pub fn xpath(&self, origin: Origin) -> Option<String> {
        let begin = match origin {
            Origin::Document => "//",
            Origin::Row => "descendant::",
        };
        let paths: Option<Vec<String>> =
            self.chains.iter().map(|chain| Some(format!("{begin}{}", steps(chain)?))).collect();
        paths.map(|paths| paths.join(" | "))
    }
}

fn steps(chain: &Chain) -> Option<String> {
    let mut out = String::new();
    // The relation of a compound is the one to the compound on its right.
    let mut relation = Relation::Itself;
    for (next, compound) in chain.iter().rev() {
        match relation {
            Relation::Itself => {}
            Relation::Within => out.push_str("//"),
            Relation::Child => out.push('/'),
            Relation::After => out.push_str("/following-sibling::"),
            Relation::Next => return None,
        }
        out.push_str(&step(compound)?);
        relation = *next;
    }
    Some(out)
}

fn step(compound: &Compound) -> Option<String> {
    let mut out = compound.name.clone().unwrap_or_else(|| "*".to_owned());
    if let Some(id) = &compound.id {
        out.push_str(&format!("[@id='{id}']"));
    }
    for class in &compound.classes {
        out.push_str(&format!("[contains(concat(' ', normalize-space(@class), ' '), ' {class} ')]"));
    }
    for attribute in &compound.attributes {
        let value = &attribute.value;
        let quote = if value.contains('\'') { '"' } else { '\'' };
        if value.contains(quote) || attribute.folds {
            return None;
        }
        let name = &attribute.name;
        out.push_str(&match attribute.test {
            Test::Has => format!("[@{name}]"),
            Test::Is => format!("[@{name}={quote}{value}{quote}]"),
            Test::Begins => format!("[starts-with(@{name}, {quote}{value}{quote})]"),
            Test::Contains => format!("[contains(@{name}, {quote}{value}{quote})]"),
            Test::Ends | Test::Word | Test::Dash => return None,
        });
    }
    match compound.place {
        None => {}
        Some(Place::Nth(number)) => {
            out.push_str(&format!("[count(preceding-sibling::*)={}]", number.checked_sub(1)?));
        }
        Some(Place::Last) => out.push_str("[not(following-sibling::*)]"),
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xpath_becomes_a_selector_with_the_same_meaning() {
        for (xpath, expected) in [
            ("//div[@class=\"news-item\"]", Some("div[class=\"news-item\"]")),
            ("descendant::h2", Some("h2")),
            ("descendant::a/@href", Some("a")),
            (".//span[contains(@class, 'date')]/text()", Some("span[class*=\"date\"]")),
            ("//ul[@id='news']/li", Some("ul#news > li")),
            ("//*[contains(concat(' ', normalize-space(@class), ' '), ' news ')]//li", Some(".news li")),
            ("./a | descendant::h3/a", Some("a, h3 > a")),
            ("//li[@data-x and starts-with(@id, 'n')]", Some("li[data-x][id^=\"n\"]")),
            ("//a[contains(@href, '/interesting/')]/ancestor::article", None),
            ("descendant::a[string-length(@href)>0]/@href", None),
            ("\"Anonymous\"", None),
            ("//tr[position()>1]", None),
            ("//li[1]", None),
            (".", None),
            ("", None),
            ("//li[", None),
        ] {
            assert_eq!(css_of_xpath(xpath).as_deref(), expected, "{xpath}");
        }
    }

    #[test]
    fn a_selector_survives_the_way_to_xpath_and_back() {
        for css in ["ul.news > li", "#list tr:nth-child(2) td a", "li[data-x=\"1\"]", "div:last-child, p", ".a.b"] {
            for origin in [Origin::Document, Origin::Row] {
                let xpath = Selector::parse(css).unwrap().xpath(origin).unwrap();
                assert_eq!(css_of_xpath(&xpath).as_deref(), Some(css), "{xpath}");
            }
        }
        assert_eq!(Selector::parse("a + b").unwrap().xpath(Origin::Row), None);
    }
}
