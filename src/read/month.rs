//! The names of months in the languages of the sources, and what other calendars and scripts write instead.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text;

/// Whole words and usual short forms, in lower case, by month.
const NAMES: [&str; 12] = [
    "jan january januar januari janvier janv enero ene janeiro gennaio gen ian ianuarie styczeń stycznia sty leden ledna \
     tammikuu tammikuuta tammikuun ocak january január jaanuar siječnja января январь янв січня січень січ \
     ιανουαρίου ιανουάριος ιαν enero",
    "feb february februar februari février fevrier févr fév fev febrero fevereiro febbraio februarie luty lutego lut únor \
     února helmikuu helmikuuta helmikuun şubat subat február veebruar февраля февраль фев лютого лютий лют \
     φεβρουαρίου φεβρουάριος φεβ",
    "mar march märz mrz maart mrt mars marzo março marco martie marzec marca březen března maaliskuu maaliskuuta \
     maaliskuun mart maret március märts ožujka марта март мар березня березень бер μαρτίου μάρτιος μάρ μαρ",
    "apr april avril avr abril abr aprile aprilie kwiecień kwietnia kwi duben dubna huhtikuu huhtikuuta huhtikuun nisan \
     április aprill апреля апрель апр квітня квітень квіт απριλίου απρίλιος απρ",
    "may mai mei mayo maio maggio mag maj maja květen května toukokuu toukokuuta toukokuun mayıs mayis május svibnja мая \
     май травня травень трав μαΐου μαίου μάιος μαΐ μάι μαϊ",
    "jun june juni juin junio junho giugno giu iunie iun czerwiec czerwca cze červen června kesäkuu kesäkuuta kesäkuun \
     haziran június juuni lipnja июня июнь июн червня червень черв ιουνίου ιούνιος ιούν ιουν",
    "jul july juli juillet juil julio julho luglio lug iulie iul lipiec lipca lip červenec července heinäkuu heinäkuuta \
     heinäkuun temmuz július juuli июля июль июл липня липень ιουλίου ιούλιος ιούλ ιουλ",
    "aug august augusti augustus août aout aoû agosto ago sierpień sierpnia sie srpen srpna elokuu elokuuta elokuun \
     ağustos agustos agustus augusztus kolovoza августа август авг серпня серпень серп αυγούστου αύγουστος αύγ αυγ",
    "sep sept september septembre septiembre setiembre setembro set settembre septembrie wrzesień września wrz září \
     syyskuu syyskuuta syyskuun eylül eylul szeptember rujna сентября сентябрь сен вересня вересень вер σεπτεμβρίου \
     σεπτέμβριος σεπ",
    "oct october oktober okt octobre octubre outubro out ottobre ott octombrie październik października paź říjen října \
     lokakuu lokakuuta lokakuun ekim október oktoober listopada октября октябрь окт жовтня жовтень жовт οκτωβρίου \
     οκτώβριος οκτ",
    "nov november novembre noviembre novembro noiembrie noi listopad marraskuu marraskuuta marraskuun kasım kasim \
     studenoga ноября ноябрь ноя листопада листопад νοεμβρίου νοέμβριος νοέ νοε",
    "dec december dezember dez décembre decembre déc diciembre dic dezembro dicembre decembrie grudzień grudnia gru \
     prosinec prosince joulukuu joulukuuta joulukuun aralık aralik desember des prosinca декабря декабрь дек грудня \
     грудень груд δεκεμβρίου δεκέμβριος δεκ",
];

/// Names in scripts whose words cannot be cut at letters, by month.
const NATIVE: [&str; 12] = [
    "มกราคม|ม.ค.|जनवरी|يناير|كانون الثاني|জানুয়ারি|জানুয়ারি|ژانویه",
    "กุมภาพันธ์|ก.พ.|फ़रवरी|फरवरी|فبراير|شباط|ফেব্রুয়ারি|ফেব্রুয়ারি|فوریه",
    "มีนาคม|มี.ค.|मार्च|مارس|آذار|মার্চ",
    "เมษายน|เม.ย.|अप्रैल|أبريل|ابريل|نيسان|এপ্রিল|آوریل",
    "พฤษภาคม|พ.ค.|मई|مايو|أيار|মে ",
    "มิถุนายน|มิ.ย.|जून|يونيو|حزيران|জুন|ژوئن",
    "กรกฎาคม|ก.ค.|जुलाई|يوليو|تموز|জুলাই|ژوئیه",
    "สิงหาคม|ส.ค.|अगस्त|أغسطس|اغسطس|آب|আগস্ট|اوت",
    "กันยายน|ก.ย.|सितंबर|सितम्बर|سبتمبر|أيلول|সেপ্টেম্বর|سپتامبر",
    "ตุลาคม|ต.ค.|अक्टूबर|अक्तूबर|أكتوبر|اكتوبر|تشرين الأول|অক্টোবর|اکتبر",
    "พฤศจิกายน|พ.ย.|नवंबर|नवम्बर|نوفمبر|تشرين الثاني|নভেম্বর|نوامبر",
    "ธันวาคม|ธ.ค.|दिसंबर|दिसम्बर|ديسمبر|كانون الأول|ডিসেম্বর|دسامبر",
];

/// The English short names, which what is written otherwise is turned into.
const ENGLISH: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Each name with its month; of a name that means two, the earlier.
static MONTHS: LazyLock<HashMap<&str, i64>> = LazyLock::new(|| {
    let mut months = HashMap::new();
    for (names, at) in NAMES.iter().zip(1..) {
        for name in names.split_ascii_whitespace() {
            months.entry(name).or_insert(at);
        }
    }
    months
});

/// The most bytes of a name.
static LONGEST: LazyLock<usize> = LazyLock::new(|| MONTHS.keys().map(|name| name.len()).max().unwrap_or(0));

/// The month that a whole word in lower case names.
pub(super) fn named(word: &str) -> Option<i64> {
    MONTHS.get(word).copied()
}

/// The same of a word that may be cut off or misspelt behind its beginning, as feeds write it.
pub(super) fn begun(word: &str) -> Option<i64> {
    // Czech June is the beginning of its July, so the longest name wins.
    let word = text::head(word, *LONGEST);
    word.char_indices().rev().find_map(|(at, c)| named(word.get(..at + c.len_utf8())?))
}

/// May the text hold digits, months or years that [`translate`] turns into ours?
pub(super) fn is_foreign(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{0600}'..='\u{0fff}' | '令' | '平' | '民')) || text.contains("tháng")
}

/// Digits of other scripts, months that are not cut at letters, the years of Japan's eras (令和6年), of the Republic of
/// China (民國113年) and the Vietnamese words for day, month and year in the form that the rules know.
pub(super) fn translate(text: &str) -> String {
    let mut out: String = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    for (names, english) in NATIVE.iter().zip(ENGLISH) {
        for name in names.split('|').filter(|name| !name.is_empty()) {
            if out.contains(name) {
                out = out.replace(name, &format!(" {english} "));
            }
        }
    }
    if out.contains("tháng") {
        out = out.replace("ngày", " ").replace("tháng", ".").replace("năm", ".");
    }
    for (era, before) in [("令和", 2018), ("平成", 1988), ("民國", 1911), ("民国", 1911)] {
        out = era_years(&out, era, before);
    }
    out
}

fn digit(c: char) -> Option<char> {
    let zero = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50]
        .into_iter()
        .find(|zero| (*zero..*zero + 10).contains(&u32::from(c)))?;
    char::from_digit(u32::from(c) - zero, 10)
}

fn era_years(text: &str, era: &str, before: u32) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(era);
    out.push_str(parts.next().unwrap_or(""));
    for part in parts {
        let rest = part.trim_start();
        let digits: String =
            rest.chars().take_while(|c| c.is_ascii_digit() || ('０'..='９').contains(c) || *c == '元').collect();
        let plain: String = digits.chars().map(|c| if c == '元' { '1' } else { ascii(c) }).collect();
        match plain.parse::<u32>() {
            Ok(year) if year < 200 => {
                out.push_str(&(before + year).to_string());
                out.push_str(rest.strip_prefix(&*digits).unwrap_or(rest));
            }
            _ => {
                out.push_str(era);
                out.push_str(part);
            }
        }
    }
    out
}

fn ascii(c: char) -> char {
    match c {
        '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_languages() {
        for (word, month) in [
            ("maart", 3),
            ("września", 9),
            ("července", 7),
            ("června", 6),
            ("ağustos", 8),
            ("marzo", 3),
            ("березня", 3),
        ] {
            assert_eq!(named(word), Some(month), "{word}");
        }
        assert_eq!(named("market"), None);
        assert_eq!(begun("marcch"), Some(3));
        assert_eq!(translate("令和６年3月9日"), "2024年3月9日");
    }
}
