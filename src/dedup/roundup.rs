//! Recognises round-ups: several stories in one item.

use super::words::words;

/// Returns whether an item holds several stories: 一周要闻, 简讯, a day's digest.
pub fn is_roundup(title: &str, text: &str) -> bool {
    let words = &words().roundup;
    // 今日新闻, 本周热点: a time word directly followed by a word for a collection.
    let is_collection = words.times.iter().any(|time| {
        title
            .split(time.as_str())
            .skip(1)
            .any(|rest| words.collections.iter().any(|word| rest.starts_with(word.as_str())))
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
        || words.titles.iter().any(|word| title.contains(word.as_str()))
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
