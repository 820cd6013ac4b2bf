//! The texts of the pages, in Chinese and in English.

use crate::model::Health;

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// Returns the tag of the language (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// Returns the language for a tag such as `zh-CN`; English for any tag that is not Chinese.
    pub fn of_tag(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
        }
    }
}

/// Returns what leads from one topic to all of them.
pub const fn all_topics(language: Language) -> &'static str {
    language.words().all_topics
}

/// The interface texts of the pages.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: Language,
    pub(super) latest: &'static str,
    pub(super) regions: &'static str,
    pub(super) within: &'static str,
    pub(super) services: &'static str,
    pub(super) subscribe: &'static str,
    pub(super) no_items: &'static str,
    pub(super) source: &'static str,
    pub(super) source_list: &'static str,
    pub(super) credit: &'static str,
    pub(super) also: &'static str,
    pub(super) original: &'static str,
    pub(super) rights: &'static str,
    pub(super) author: &'static str,
    pub(super) files: &'static str,
    pub(super) skip: &'static str,
    pub(super) search: &'static str,
    pub(super) all_feeds: &'static str,
    pub(super) home: &'static str,
    pub(super) path: &'static str,
    pub(super) excerpt_note: &'static str,
    pub(super) event: &'static str,
    pub(super) parts: &'static str,
    pub(super) revisions: &'static str,
    pub(super) added: &'static str,
    pub(super) removed: &'static str,
    pub(super) sources: &'static str,
    pub(super) no_sources: &'static str,
    pub(super) weekly: &'static str,
    pub(super) succeeded: &'static str,
    pub(super) last_new: &'static str,
    pub(super) moved: &'static str,
    pub(super) unchecked: &'static str,
    pub(super) about: &'static str,
    pub(super) all_regions: &'static str,
    pub(super) other_regions: &'static str,
    pub(super) today: &'static str,
    pub(super) yesterday: &'static str,
    pub(super) within_hour: &'static str,
    pub(super) older: &'static str,
    pub(super) newest: &'static str,
    pub(super) how_to: &'static str,
    pub(super) no_source_here: &'static str,
    pub(super) editor: &'static str,
    pub(super) comments: &'static str,
    pub(super) contact: &'static str,
    pub(super) site_of_source: &'static str,
    pub(super) stories_of: &'static str,
    pub(super) menu: &'static str,
    pub(super) topics: &'static str,
    pub(super) all_topics: &'static str,
    pub(super) warnings: &'static str,
    pub(super) failures: &'static str,
    pub(super) about_title: &'static str,
    pub(super) about_text: [&'static str; 4],
    pub(super) revised: &'static str,
    pub(super) permalink: &'static str,
    pub(super) picture: &'static str,
    pub(super) labels: &'static str,
    pub(super) weekdays: [&'static str; 7],
    /// Names of the health states of a source, in the order of [`Health::ALL`].
    pub(super) healths: [&'static str; 7],
}

impl Words {
    /// Names a day for a heading: `3月9日 星期四`, with the year if it is not this one.
    pub(super) fn day(&self, date: (i16, i8, i8), weekday: usize, has_year: bool) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let (year, month, day) = date;
        let weekday = self.weekdays.get(weekday).copied().unwrap_or("");
        if self.is_chinese() {
            let year = if has_year { format!("{year}年") } else { String::new() };
            return format!("{year}{month}月{day}日 {weekday}");
        }
        let name = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or("");
        let year = if has_year { format!(" {year}") } else { String::new() };
        format!("{weekday}, {day} {name}{year}")
    }

    /// Says how many hours ago something was.
    pub(super) fn hours_ago(&self, hours: i64) -> String {
        match (self.is_chinese(), hours) {
            (_, ..=0) => self.within_hour.to_owned(),
            (true, _) => format!("{hours}小时前"),
            (false, 1) => "1 hour ago".to_owned(),
            (false, _) => format!("{hours} hours ago"),
        }
    }

    /// Says how many other sources report a story.
    pub(super) fn others(&self, count: usize) -> String {
        match (self.is_chinese(), count) {
            (true, _) => format!("另有 {count} 家报道"),
            (false, 1) => "1 other source".to_owned(),
            (false, _) => format!("{count} other sources"),
        }
    }

    fn is_chinese(&self) -> bool {
        self.language == Language::Chinese
    }

    pub(super) fn health(&self, health: Health) -> &'static str {
        let found = Health::ALL.iter().zip(self.healths).find(|(known, _)| **known == health);
        found.map_or("", |(_, word)| word)
    }
}

const CHINESE: Words = Words {
    language: Language::Chinese,
    latest: "最新消息",
    regions: "地区",
    within: "下辖地区",
    services: "政务服务",
    subscribe: "订阅",
    no_items: "还没有消息。来源第一次被读取之后，消息会出现在这里。",
    source: "来源",
    source_list: "来源",
    credit: "转自",
    also: "其他来源的报道",
    original: "阅读原文",
    rights: "版权",
    author: "作者",
    files: "附件",
    skip: "跳到正文",
    search: "搜索",
    all_feeds: "全部订阅（OPML）",
    home: "首页",
    path: "所在位置",
    excerpt_note: "这里是摘要，全文请看原文。",
    event: "同一事件的其他消息",
    parts: "其中的消息",
    revisions: "修订记录",
    added: "新增",
    removed: "删去",
    sources: "来源状况",
    no_sources: "还没有配置来源。",
    weekly: "周报",
    succeeded: "上次读取成功",
    last_new: "上次有新消息",
    moved: "已迁往",
    unchecked: "不检查证书",
    about: "关于本站",
    all_regions: "全部地区",
    other_regions: "暂无消息的地区",
    today: "今天",
    yesterday: "昨天",
    within_hour: "1小时内",
    older: "更早的消息",
    newest: "回到最新消息",
    how_to: "把其中一个地址复制到阅读器里，就能收到这里的每一条新消息。",
    no_source_here: "这个地区还没有自己的来源；这里只会出现提到它的消息。",
    editor: "编辑",
    comments: "评论",
    contact: "内容有误？请联系",
    site_of_source: "来源网站",
    stories_of: "这个来源的消息",
    menu: "主导航",
    topics: "栏目",
    all_topics: "全部栏目",
    warnings: "生效中的预警",
    failures: "连续失败次数",
    about_title: "这里是什么",
    about_text: [
        "本站把各地政府网站、媒体和部门的消息按地区汇在一起：同一件事只出现一次，并且注明谁先发布、还有谁报道。",
        "消息属于原来的网站。这里只列标题和摘要，点“阅读原文”会打开原网站；只有来源允许时才显示全文。",
        "每个地区、每个栏目都可以用阅读器订阅，不需要注册，本站也不记录读者。",
        "消息属于哪个地区、哪几条是同一件事，由程序判断，难免出错；发现错误请告诉我们。",
    ],
    revised: "有修订",
    permalink: "本页地址",
    picture: "图片",
    labels: "来源的标签",
    weekdays: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
    healths: ["尚未读取", "正常", "读取有误", "被对方拒绝", "已永久关闭", "已暂停", "久无更新"],
};

const ENGLISH: Words = Words {
    language: Language::English,
    latest: "Latest news",
    regions: "Regions",
    within: "Regions within",
    services: "Government services",
    subscribe: "Subscribe",
    no_items: "No news yet. It will appear here once the sources have been read for the first time.",
    source: "Source",
    source_list: "Sources",
    credit: "Taken from",
    also: "Also reported by",
    original: "Read the original",
    rights: "Rights",
    author: "Author",
    files: "Attachments",
    skip: "Skip to the content",
    search: "Search",
    all_feeds: "All feeds (OPML)",
    home: "Home",
    path: "You are here",
    excerpt_note: "This is an excerpt; the full text is at the original.",
    event: "Other stories of the same event",
    parts: "The stories in it",
    revisions: "What was changed",
    added: "added",
    removed: "removed",
    sources: "Status of the sources",
    no_sources: "No source is configured yet.",
    weekly: "weekly",
    succeeded: "Last read",
    last_new: "Last new item",
    moved: "It moved to",
    unchecked: "Its certificate is not checked",
    about: "About",
    all_regions: "All regions",
    other_regions: "Regions without news yet",
    today: "Today",
    yesterday: "Yesterday",
    within_hour: "within the hour",
    older: "Older news",
    newest: "Back to the latest news",
    how_to: "Copy one of these addresses into your feed reader to receive every new story of this page.",
    no_source_here: "This region has no source of its own yet; only news that mention it appear here.",
    editor: "Editor",
    comments: "Comments",
    contact: "Something wrong? Write to",
    site_of_source: "Site of the source",
    stories_of: "Stories of this source",
    menu: "Main",
    topics: "Topics",
    all_topics: "All topics",
    warnings: "Warnings in force",
    failures: "failures in a row",
    about_title: "What this is",
    about_text: [
        "This site gathers the news of governments, media and offices by region. Each story appears once, with the name of who published it and who else reports it.",
        "The news belong to the sites they come from. Only titles and excerpts are shown here; \u{201c}Read the original\u{201d} leads to the site itself. Full texts appear only where the source allows it.",
        "Every region and every topic can be followed in a feed reader. There is no registration, and readers are not tracked.",
        "A program decides which region a story belongs to and which reports are the same story. It makes mistakes; please tell us when you find one.",
    ],
    revised: "Revised",
    permalink: "Address of this page",
    picture: "picture",
    labels: "Labels of the source",
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    healths: ["not read yet", "well", "failing", "refused by the site", "gone for good", "paused", "silent for long"],
};
