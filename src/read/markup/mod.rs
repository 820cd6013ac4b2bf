//! Tags, text and trees of XML and HTML: tokens, the tree of a page, CSS selectors, plain text and what may be shown of HTML.

mod html5lib;
pub(super) mod page;
mod prepare;
mod references;
pub(super) mod sanitise;
pub(super) mod selector;
pub(super) mod text;
pub(super) mod tokens;
pub(super) mod tree;
mod tree_builder;
mod xpath;

pub use sanitise::sanitise;
pub use selector::{Selector, SelectorError};
pub use xpath::{Origin, css_of_xpath};
