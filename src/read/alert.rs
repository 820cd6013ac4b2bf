//! Official warnings (预警) are identified only by the identifier under which they were issued: their texts come from one
//! template and differ in a word.

use crate::model::Draft;

/// Number of digits in the issuer's code: a GB/T 2260 region, then the office.
const OFFICE: std::ops::RangeInclusive<usize> = 12..=16;
/// Number of digits in the time of issue.
const TIME: usize = 14;

/// Sets the warning identifier of an item and the code of the region that issued it. If the source holds nothing but
/// warnings (`is_alert`), the guid or the link is the identifier, whatever its form.
pub fn mark_alert(draft: &mut Draft, is_alert: bool) {
    let found = [&draft.guid, &draft.link].into_iter().flatten().find_map(|text| identifier(text));
    draft.code = found.and_then(|found| found.get(..6)).map(str::to_owned);
    draft.alert = found
        .map(str::to_owned)
        .or_else(|| draft.guid.clone().or_else(|| draft.link.clone()).filter(|_| is_alert && draft.code.is_none()));
}

/// Finds an identifier such as `14030041600000_20230309083015` (office and time, as China's early-warning network
/// writes it) in a guid or a link.
fn identifier(text: &str) -> Option<&str> {
    text.match_indices('_').find_map(|(at, _)| {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let before = text.get(..at)?;
        let office = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let time = text.get(at + 1..).map_or(0, digits);
        (OFFICE.contains(&office) && time == TIME).then(|| text.get(at - office..at + 1 + TIME)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(guid: Option<&str>, link: &str, is_alert: bool) -> (Option<String>, Option<String>) {
        let mut draft = Draft { guid: guid.map(Into::into), link: Some(link.to_owned()), ..Draft::default() };
        mark_alert(&mut draft, is_alert);
        (draft.alert, draft.code)
    }

    #[test]
    fn an_identifier_is_found_in_guid_and_address() {
        let whole = "14030041600000_20230309083015";
        let expected = (Some(whole.to_owned()), Some("140300".to_owned()));
        assert_eq!(marked(Some(whole), "http://a.example/1", false), expected);
        let link = format!("http://a.example/alarm?alertid={whole}&x=1");
        assert_eq!(marked(Some("7"), &link, false), expected);
        assert_eq!(marked(None, "http://a.example/202303/t20230309_20230309083015.html", false), (None, None));
        assert_eq!(marked(Some("urn:oid:2.49.0.1.756"), "http://a.example/1", false), (None, None));
    }

    #[test]
    fn of_a_source_of_alerts_everything_is_one() {
        assert_eq!(marked(Some("urn:oid:2.49.0.1.756"), "http://a.example/1", true).0.unwrap(), "urn:oid:2.49.0.1.756");
    }
}
