//! How the sources fared: when one fell ill or recovered, and a summary of each week. What is told of a week that is over
//! never changes.

use std::collections::BTreeMap;

use super::{Health, Moment, SourceId, Zone};

/// Maximum number of turns that are kept.
const MAX_TURNS: usize = 200;
/// Maximum number of weeks that are kept.
const MAX_WEEKS: usize = 26;
/// Maximum number of sources that a week names.
const MAX_NAMED: usize = 50;

const DAY: i64 = 86_400;

/// How a source fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The source.
    pub source: SourceId,
    /// Its title.
    pub title: String,
    /// Its health.
    pub health: Health,
    /// Why it is not well, as a sentence; empty if it is.
    pub reason: String,
    /// Time since which it is so.
    pub since: Moment,
}

/// A source fell ill or recovered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When that was seen.
    pub at: Moment,
    /// Whether it fell ill.
    pub is_ill: bool,
    /// How it fares since then.
    pub condition: Condition,
}

/// A week that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its first moment: a Monday.
    pub began: Moment,
    /// The moment after its last one.
    pub ended: Moment,
    /// Number of sources at its end.
    pub sources: u32,
    /// How many sources fell ill in it.
    pub fell: u32,
    /// How many recovered in it.
    pub recovered: u32,
    /// The sources that were ill at its end; the longest first.
    pub ill: Vec<Condition>,
    /// Number of further ones that were ill.
    pub more: u32,
}

/// How the sources fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chronicle {
    /// The last turns, oldest first.
    pub turns: Vec<Turn>,
    /// The last weeks, oldest first.
    pub weeks: Vec<Week>,
    /// The week that is not over yet: `began`, `sources`, `fell` and `recovered` are of it.
    pub current: Option<Week>,
    /// The sources that are ill.
    pub ill: BTreeMap<SourceId, Condition>,
}

impl Chronicle {
    /// Returns when something new was last told.
    pub fn changed(&self) -> Moment {
        let turns = self.turns.iter().map(|turn| turn.at);
        turns.chain(self.weeks.iter().map(|week| week.ended)).max().unwrap_or_default()
    }

    /// Takes note of how all sources fare, each with whether it is ill. `zone` decides when a week begins.
    pub fn note(&mut self, all: &[(bool, Condition)], now: Moment, zone: &Zone) {
        self.end_week(now, zone);
        let (mut fell, mut recovered) = (0, 0);
        let mut ill = BTreeMap::new();
        for (is_ill, condition) in all {
            let was_ill = self.ill.contains_key(&condition.source);
            if *is_ill {
                ill.insert(condition.source.clone(), condition.clone());
            }
            if *is_ill != was_ill {
                *(if *is_ill { &mut fell } else { &mut recovered }) += 1;
                self.turns.push(Turn { at: now, is_ill: *is_ill, condition: condition.clone() });
            }
        }
        self.ill = ill;
        if let Some(current) = &mut self.current {
            current.fell += fell;
            current.recovered += recovered;
            current.sources = u32::try_from(all.len()).unwrap_or(u32::MAX);
        }
        self.turns.drain(..self.turns.len().saturating_sub(MAX_TURNS));
    }

    /// Ends the current week if it is over. Of weeks in which nobody looked nothing is told.
    fn end_week(&mut self, now: Moment, zone: &Zone) {
        let monday = monday(now, zone);
        let next = Week { began: monday, ended: monday, sources: 0, fell: 0, recovered: 0, ill: Vec::new(), more: 0 };
        let Some(current) = self.current.take() else {
            self.current = Some(next);
            return;
        };
        // If the clock was set back, the week goes on.
        if current.began >= monday {
            self.current = Some(current);
            return;
        }
        let mut ill: Vec<Condition> = self.ill.values().cloned().collect();
        ill.sort_by(|a, b| (a.since, &a.source).cmp(&(b.since, &b.source)));
        let more = u32::try_from(ill.len().saturating_sub(MAX_NAMED)).unwrap_or(u32::MAX);
        ill.truncate(MAX_NAMED);
        let ended = self::monday(current.began.plus_seconds(7 * DAY + DAY / 2), zone);
        self.weeks.push(Week { ended, ill, more, ..current });
        self.weeks.drain(..self.weeks.len().saturating_sub(MAX_WEEKS));
        self.current = Some(next);
    }
}

/// Returns the first moment of the week.
fn monday(now: Moment, zone: &Zone) -> Moment {
    let local = now.seconds() + i64::from(zone.offset(now));
    let day = local.div_euclid(DAY);
    // 1 January 1970 was a Thursday.
    let monday = (day - (day + 3).rem_euclid(7)) * DAY;
    let guess = Moment::from_seconds(monday - i64::from(zone.offset(now)));
    // Summer time may have begun or ended since.
    Moment::from_seconds(monday - i64::from(zone.offset(guess)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str, health: Health, since: Moment) -> (bool, Condition) {
        let source = SourceId::new(id).unwrap();
        let condition = Condition { source, title: id.to_owned(), health, reason: String::new(), since };
        (health != Health::Ok, condition)
    }

    #[test]
    fn a_week_is_told_once_it_is_over_and_stays_as_it_was() {
        let zone = Zone::shanghai();
        // Wednesday, 25 November 2026.
        let wednesday = Moment::from_rfc3339("2026-11-25T12:00:00+08:00").unwrap();
        let mut chronicle = Chronicle::default();
        chronicle.note(&[of("a", Health::Ok, wednesday), of("b", Health::Degraded, wednesday)], wednesday, &zone);
        let later = wednesday.plus_seconds(3600);
        chronicle.note(&[of("a", Health::Stale, later), of("b", Health::Ok, later)], later, &zone);
        let turns: Vec<(&str, bool)> =
            chronicle.turns.iter().map(|turn| (turn.condition.source.as_str(), turn.is_ill)).collect();
        assert_eq!(turns, [("b", true), ("a", true), ("b", false)]);
        assert!(chronicle.weeks.is_empty());
        let sunday = Moment::from_rfc3339("2026-11-29T23:59:00+08:00").unwrap();
        chronicle.note(&[of("a", Health::Stale, later), of("b", Health::Ok, later)], sunday, &zone);
        assert!(chronicle.weeks.is_empty());
        let monday = Moment::from_rfc3339("2026-11-30T00:01:00+08:00").unwrap();
        chronicle.note(&[of("a", Health::Ok, monday), of("b", Health::Ok, later)], monday, &zone);
        let told = chronicle.weeks.clone();
        let [week] = &told[..] else { panic!("{told:?}") };
        assert_eq!(
            (week.began.day(), week.ended.to_the_minute(&zone)),
            ("2026-11-22".to_owned(), "2026-11-30 00:00".to_owned())
        );
        assert_eq!((week.sources, week.fell, week.recovered, week.ill.len(), week.more), (2, 2, 1, 1, 0));
        // The clock is set back, and forward again: nothing is told twice.
        for now in [sunday, monday] {
            chronicle.note(&[of("a", Health::Ok, monday)], now, &zone);
        }
        assert_eq!(chronicle.weeks, told);
    }

    #[test]
    fn a_thousand_sources_that_come_and_go_take_bounded_room() {
        let zone = Zone::utc();
        let mut chronicle = Chronicle::default();
        for week in 0..60 {
            for health in [Health::Degraded, Health::Ok, Health::Blocked] {
                let now = Moment::from_seconds(1_700_000_000 + week * 7 * DAY);
                let all: Vec<_> = (0..1000).map(|at| of(&format!("s{at}"), health, now)).collect();
                chronicle.note(&all, now, &zone);
            }
        }
        assert_eq!((chronicle.turns.len(), chronicle.weeks.len()), (MAX_TURNS, MAX_WEEKS));
        let last = chronicle.weeks.last().unwrap();
        assert_eq!((last.ill.len(), last.more, last.sources), (MAX_NAMED, 950, 1000));
    }
}
