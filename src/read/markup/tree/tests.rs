//! Tests of the element tree.

use super::super::tree_builder::MAX_TREE_DEPTH;
use super::*;

fn shape(html: &str) -> String {
    let tree = Tree::parse(html);
    let mut out = String::new();
    let mut ends: Vec<Id> = Vec::new();
    for id in 1..tree.len() {
        while ends.last().is_some_and(|end| *end <= id) {
            ends.pop();
            out.push(')');
        }
        match &tree.node(id).unwrap().what {
            What::Text(text) => out.push_str(text.trim()),
            What::Element(name, _) => {
                out.push_str(name);
                out.push('(');
                ends.push(tree.end(id));
            }
        }
    }
    out.push_str(&")".repeat(ends.len()));
    out
}

#[test]
fn end_tags_that_are_left_out() {
    assert_eq!(shape("<ul><li>a<li>b</ul>c"), "ul(li(a)li(b))c");
    assert_eq!(shape("<p>a<p>b<div>c</div>"), "p(a)p(b)div(c)");
    assert_eq!(shape("<dl><dt>a<dd>b<dt>c</dl>"), "dl(dt(a)dd(b)dt(c))");
    assert_eq!(shape("<table><tr><td>a<td>b<tr><td>c</table>d"), "table(tr(td(a)td(b))tr(td(c)))d");
    assert_eq!(shape("<a href=1>x<a href=2>y</a>"), "a(x)a(y)");
}

#[test]
fn end_tags_that_reach_nothing() {
    assert_eq!(shape("<div><span>a</div></span>b"), "div(span(a))b");
    assert_eq!(shape("<table><tr><td></div>a</td></tr></table>"), "table(tr(td(a)))");
    assert_eq!(shape("<body>a</html><p>b"), "body(ap(b))");
    assert_eq!(shape("<li><ul><li>a</ul>b"), "li(ul(li(a))b)");
}

#[test]
fn scripts_are_text() {
    assert_eq!(shape("<script>if (a<b) '<li>'</SCRIPT>c"), "script(if (a<b) '<li>')c");
    assert_eq!(shape("<title>a <b></title>"), "title(a <b>)");
    assert_eq!(shape("<script>a</scripts>b</script >c"), "script(a</scripts>b)c");
}

#[test]
fn a_hundred_thousand_levels_end_at_five_hundred() {
    for unit in ["<div>", "<b i>", "<table>", "<a>", "<ul><li>", "<svg>"] {
        let page = unit.repeat(100_000);
        let tree = Tree::parse(&page);
        assert!(
            (1..tree.len()).map(|id| tree.ancestors(id).count()).take(2000).max().unwrap() <= MAX_TREE_DEPTH,
            "{unit}"
        );
    }
}
