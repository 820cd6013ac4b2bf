//! Official warnings: which of two titles say the same of one warning.

use super::similarity::is_over;

/// The levels of Chinese warnings, from the lowest (Measures on Meteorological Disaster Warning Signals, article 4).
const LEVELS: [&str; 4] = ["蓝色", "黄色", "橙色", "红色"];

/// Returns whether the titles of two reports with one identifier say the same of the warning: both that it is in force or
/// both that it is over, and no two levels.
pub fn is_same_step(one: &str, other: &str) -> bool {
    let level = |title: &str| LEVELS.iter().position(|level| title.contains(level));
    let is_same_level = level(one).zip(level(other)).is_none_or(|(one, other)| one == other);
    is_over(one) == is_over(other) && is_same_level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_level_or_an_end_is_another_step() {
        let red = "临河县气象台发布暴雨红色预警信号";
        assert!(is_same_step(red, "临河发布暴雨红色预警"));
        assert!(is_same_step(red, "临河发布暴雨预警，请注意防范"));
        assert!(!is_same_step(red, "临河县气象台发布暴雨蓝色预警信号"));
        assert!(!is_same_step(red, "临河县气象台解除暴雨红色预警信号"));
    }
}
