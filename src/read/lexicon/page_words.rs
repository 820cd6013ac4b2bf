//! What pages say around their stories, in one language.

use serde::Deserialize;

/// The words of one language. The files have a line on each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageWords {
    pub(super) next: Vec<String>,
    pub(super) paging: Vec<String>,
    pub(super) generic: Vec<String>,
    pub(super) title_prefixes: Vec<String>,
    pub(super) published: Vec<String>,
    pub(super) time: Vec<String>,
    pub(super) source: Vec<String>,
    /// Stand before the office that sent the text, or before a person.
    pub(super) sender: Vec<String>,
    pub(super) author: Vec<String>,
    pub(super) editor: Vec<String>,
    /// Stand before the time of the last change.
    pub(super) updated: Vec<String>,
    pub(super) other: Vec<String>,
    /// What stands before the name of an author.
    pub(super) by: Vec<String>,
    /// What stands between two names.
    pub(super) and: Vec<String>,
    /// What stands behind the name of an author.
    pub(super) role: Vec<String>,
    /// Words that no name of a person holds.
    pub(super) no_name: Vec<String>,
    pub(super) before_date: Vec<String>,
    pub(super) title_columns: Vec<String>,
    pub(super) popular: Vec<String>,
    pub(super) attachments: Vec<String>,
    pub(super) ends_story: Vec<String>,
    pub(super) ends_story_always: Vec<String>,
    pub(super) ends_story_above_links: Vec<String>,
    pub(super) missing: Vec<String>,
    pub(super) clock: Vec<String>,
    pub(super) boilerplate_begins: Vec<String>,
    pub(super) boilerplate_sure: Vec<String>,
    pub(super) boilerplate_holds: Vec<String>,
    pub(super) boilerplate_or_prose: Vec<String>,
    pub(super) tools: Vec<String>,
    pub(super) forbids_reprint: Vec<String>,
}

impl PageWords {
    /// Returns the labels by what they stand before.
    pub(super) fn labels(&self) -> [(Label, &[String]); 8] {
        [
            (Label::Date, &self.published),
            (Label::Time, &self.time),
            (Label::Source, &self.source),
            (Label::Sender, &self.sender),
            (Label::Author, &self.author),
            (Label::Editor, &self.editor),
            (Label::Updated, &self.updated),
            (Label::Other, &self.other),
        ]
    }
}

/// The meaning of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Label {
    /// The time of publication.
    Date,
    /// 时间, 日期: the time of publication if it stands beside the title, any time within the text.
    Time,
    Source,
    /// 供稿, 发布机构: the source if it is an office and nothing else is named.
    Sender,
    Author,
    Editor,
    /// The time of the last change.
    Updated,
    /// Something of no use, except that it ends what stands before it.
    Other,
}
