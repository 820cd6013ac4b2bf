//! Recognises pages served in place of the requested one: challenges, error pages, firewall pages, whatever their
//! status.

use super::markup::text;
use super::markup::tree::Tree;

/// Returns why a page is not usable; `None` if it may be. `length` is the size of the page in bytes.
pub(super) fn of(tree: &Tree<'_>, title: &str, length: usize) -> Option<String> {
    const TITLES: [(&str, &str); 20] = [
        ("just a moment", "the site asks for a browser (challenge page)"),
        ("attention required", "the site asks for a browser (challenge page)"),
        ("checking your browser", "the site asks for a browser (challenge page)"),
        ("access denied", "the site refuses us (access denied)"),
        ("安全验证", "the site asks for a captcha"),
        ("访问验证", "the site asks for a captcha"),
        ("滑动验证", "the site asks for a captcha"),
        ("人机验证", "the site asks for a captcha"),
        ("访问拦截", "the site refuses us (firewall page)"),
        ("拦截提示", "the site refuses us (firewall page)"),
        ("网站防火墙", "the site refuses us (firewall page)"),
        ("403 forbidden", "the site refuses us (403 in a page with status 200)"),
        ("404", "there is nothing at this address (404 in a page with status 200)"),
        ("页面不存在", "there is nothing at this address (an error page with status 200)"),
        ("找不到", "there is nothing at this address (an error page with status 200)"),
        ("not found", "there is nothing at this address (an error page with status 200)"),
        ("502 bad gateway", "the site has a fault of its own (502 in a page with status 200)"),
        ("系统维护", "the site is being repaired (a page says so)"),
        ("系统错误", "the site has a fault of its own (an error page with status 200)"),
        ("出错了", "the site has a fault of its own (an error page with status 200)"),
    ];
    let lower = title.to_lowercase();
    if let Some((_, why)) = TITLES.iter().find(|(mark, _)| lower.contains(mark)) {
        return Some((*why).to_owned());
    }
    let scripts: String =
        tree.elements(0).filter(|id| tree.is(*id, &["script"])).map(|id| tree.raw(id)).take(20).collect();
    let marks = [
        "acw_sc__v2",
        "__jsl_clearance",
        "jschl",
        "_cf_chl",
        "document.cookie",
        "location.reload",
        "location.href",
        "eval(function",
        "$_ts",
    ];
    let shown: usize = tree.texts(0).map(|(_, text)| text::width(&text)).sum();
    (shown < 200 && length < 200_000 && marks.iter().any(|mark| scripts.contains(mark)))
        .then(|| "the site answers with a script for browsers instead of a page".to_owned())
}
