//! Recognises round-ups: several stories in one item.

/// Returns whether an item holds several stories: 一周要闻, 简讯, a day's digest.
pub fn is_roundup(title: &str, text: &str) -> bool {
    const WORDS: [&str; 37] = [
        "本周看点",
        "热点盘点",
        "一周盘点",
        "简明新闻",
        "新闻十分钟",
        "读报时间",
        "周刊｜",
        "周刊|",
        "新闻早班车",
        "要闻简报",
        "本周要闻",
        "今日看点",
        "速览",
        "汇总",
        "简报",
        "简讯",
        "大事回顾",
        "一周要闻",
        "每日要闻",
        "要闻回顾",
        "早读",
        "早报",
        "早知道",
        "早餐",
        "晚报｜",
        "新闻联播",
        "要闻集锦",
        "一周回顾",
        "今日要闻",
        "热点回顾",
        "新闻摘要",
        "快讯合集",
        "要闻一览",
        "周报",
        "这些事",
        "这些大事",
        "都在这里",
    ];
    // 今日新闻, 本周热点: a time word directly followed by a word for a collection.
    const TIMES: [&str; 9] = ["今日", "昨日", "每日", "本周", "上周", "一周", "每周", "本月", "近期"];
    const COLLECTIONS: [&str; 12] =
        ["新闻", "播报", "动态", "资讯", "速递", "快报", "大事", "盘点", "导读", "集锦", "综述", "看点"];
    let is_collection = TIMES.iter().any(|time| {
        title.split(time).skip(1).any(|rest| COLLECTIONS.iter().any(|collection| rest.starts_with(collection)))
    });
    let is_marked = |line: &str| {
        let line = line.trim_start();
        let headline = |line: &str| line.split_once('】').is_some_and(|(head, _)| head.chars().count() >= 9);
        line.starts_with(['◆', '●', '■', '▲', '★', '➤', '▶', '◎', '◇', '►', '※', '❖'])
            || line.strip_prefix('#').is_some_and(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            || line
                .strip_prefix('【')
                .is_some_and(|line| line.starts_with(|c: char| c.is_ascii_digit()) || headline(line))
    };
    is_collection
        || WORDS.iter().any(|word| title.contains(word))
        || text.lines().filter(|line| is_marked(line)).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::is_roundup;

    #[test]
    fn a_round_up_shows_in_its_title_or_in_its_headings() {
        for title in ["一周要闻（3月1日—7日）", "今日新闻", "本周热点盘点", "昨天，这里发生了这些事"]
        {
            assert!(is_roundup(title, "甲。"), "{title}");
        }
        assert!(is_roundup("看过来", "【北大街封闭施工三个星期】甲。\n【图书馆周末延长开放时间】乙。"));
        assert!(is_roundup("看过来", "▶甲\n一\n▶乙\n二"));
        for (title, text) in [
            ("今日开放", "甲。"),
            ("办事指南", "【适用范围】甲。\n【办理条件】乙。"),
            ("一周天气", "甲。"),
            ("施工通告", "▶甲"),
        ] {
            assert!(!is_roundup(title, text), "{title}");
        }
    }
}
