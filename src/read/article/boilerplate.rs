//! Lines of a page that are none of its story: whose the text is, where to share it, what else there is to read.

use crate::read::byline;

/// A line that says whose the text is, where to share it, who put it up: none of the story's.
pub(in crate::read) fn is_boilerplate(line: &str) -> bool {
    const BEGINS: [&str; 84] = [
        "责任编辑",
        "责编",
        "（责任编辑",
        "(责任编辑",
        "[责任编辑",
        "【责任编辑",
        "（责编",
        "(责编",
        "[责编",
        "【责编",
        "网络编辑",
        "编辑：",
        "编辑:",
        "编辑 ",
        "（编辑",
        "(编辑",
        "【编辑",
        "[编辑",
        "校对",
        "审核",
        "（作者",
        "分享到",
        "分享：",
        "分享至",
        "扫一扫",
        "扫描二维码",
        "用微信扫",
        "打印本页",
        "关闭窗口",
        "【打印】",
        "[打印]",
        "返回顶部",
        "返回列表",
        "上一篇",
        "下一篇",
        "上一页",
        "下一页",
        "版权声明",
        "版权所有",
        "免责声明",
        "特别声明",
        "郑重声明",
        "本文来源：",
        "本文来源:",
        "更多精彩",
        "点击进入",
        "点击查看更多",
        "字号",
        "字体",
        "【字体",
        "浏览次数",
        "阅读次数",
        "点击数",
        "Copyright",
        "copyright",
        "©",
        "原标题：",
        "原标题:",
        "（原标题",
        "(原标题",
        "声明：",
        "声明:",
        "点击蓝字",
        "点击上方",
        "点个",
        "长按识别",
        "长按二维码",
        "— END",
        "—END",
        "- END",
        "END",
        "上一条",
        "下一条",
        "【返回",
        "[返回",
        "Sie sind hier",
        "Vous êtes ici",
        "Lượt xem",
        "Количество показов",
        "お問い合わせ先",
        "このページに関する",
        "Share this",
        "Print this page",
        "Partager",
    ];
    // What is a sentence is dropped only where it can be nothing else.
    const SURE: [&str; 14] = [
        "版权声明",
        "免责声明",
        "特别声明",
        "郑重声明",
        "原标题",
        "（原标题",
        "(原标题",
        "扫一扫",
        "用微信扫",
        "点击蓝字",
        "点击上方",
        "分享到",
        "长按",
        "更多精彩",
    ];
    const HOLDS: [&str; 14] = [
        "未经授权",
        "未经许可不得转载",
        "未经书面授权",
        "转载请注明",
        "请注明出处",
        "违者必究",
        "不代表本网",
        "不代表本站",
        "仅代表作者本人",
        "仅代表作者个人",
        "网友评论仅供",
        "侵权必究",
        "打开APP",
        "版权均属",
    ];
    let line = line.trim();
    let length = line.chars().count();
    let is_sentence = line.trim_end_matches(['”', '）', ')']).ends_with(['。', '；', '！', '？', '，', '：']);
    let may_be = !is_sentence || begins_with_any(line, &SURE);
    length <= 120 && may_be && begins_with_any(line, &BEGINS) && !is_prose_behind(line)
        || length <= 30 && line.contains("点个") && line.contains(['看', '赞'])
        || length <= 240 && line.char_indices().any(|(at, _)| begins_with_any(line.get(at..).unwrap_or(""), &HOLDS))
        || is_tool(line)
}

fn begins_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.starts_with(word))
}

/// （作者李晓明获得一等奖）, 校对环节发现的问题: a word of these that goes on as a sentence.
fn is_prose_behind(line: &str) -> bool {
    const WORDS: [&str; 6] = ["审核", "校对", "字体", "字号", "（作者", "版权所有"];
    WORDS.iter().filter_map(|word| line.strip_prefix(word)).any(|rest| {
        let length = rest.chars().count();
        !rest.starts_with(|c: char| c.is_whitespace() || "：:丨|/／】]".contains(c)) && length > 6
    })
}

fn is_tool(line: &str) -> bool {
    const WORDS: [&str; 20] = [
        "打印",
        "关闭",
        "收藏",
        "分享",
        "微信",
        "微博",
        "QQ空间",
        "朋友圈",
        "举报",
        "点赞",
        "评论",
        "大",
        "中",
        "小",
        "返回",
        "首页",
        "A+",
        "A-",
        "投诉",
        "纠错",
    ];
    let parts: Vec<&str> = line
        .split(|c: char| c.is_whitespace() || "|/[]【】()（）>·".contains(c))
        .filter(|part| !part.is_empty())
        .collect();
    !parts.is_empty() && parts.len() <= 12 && parts.iter().all(|part| WORDS.contains(part))
}

/// A heading behind which other stories are listed.
pub(in crate::read) fn ends_story(line: &str) -> bool {
    const WORDS: [&str; 34] = [
        "Tin liên quan",
        "Related",
        "More news",
        "Downloads",
        "Weitere Meldungen",
        "À lire aussi",
        "関連",
        "相关信息",
        "延伸阅读",
        "相关阅读",
        "相关新闻",
        "相关链接",
        "相关报道",
        "相关文章",
        "相关推荐",
        "推荐阅读",
        "热门推荐",
        "更多新闻",
        "更多阅读",
        "往期回顾",
        "编辑推荐",
        "猜你喜欢",
        "精彩推荐",
        "热点推荐",
        "阅读下一篇",
        "为您推荐",
        "大家都在看",
        "今日热点",
        "频道推荐",
        "延伸·推荐",
        "热门评论",
        "网友评论",
        "相关专题",
        "专题推荐",
    ];
    fn letters(text: &str) -> impl Iterator<Item = char> {
        text.chars().filter(|c| !c.is_whitespace())
    }
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    let begins_with = |word: &&str| {
        let mut rest = letters(bare);
        letters(word).all(|c| rest.next() == Some(c))
    };
    letters(bare).take(15).count() <= 14 && WORDS.iter().any(begins_with)
        || line.starts_with("延伸阅读")
        || line.starts_with("相关阅读：")
        || line.starts_with("阅读下一篇")
}

/// A line that only names people and media, at the end of a body.
pub(in crate::read) fn is_credits(line: &str) -> bool {
    let length = line.chars().count();
    length <= 60 && !line.ends_with('。') && {
        let labels = byline::labelled(line);
        !labels.is_empty()
            && !labels.iter().all(|(label, _)| matches!(label, byline::Label::Time))
            && line.chars().take(8).collect::<String>().contains(['：', ':', '/', '／', '丨', '|', ' '])
            && labels.iter().map(|(_, value)| value.chars().count()).sum::<usize>() * 3 >= length
    }
}
