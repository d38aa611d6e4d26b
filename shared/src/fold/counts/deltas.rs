//! What one chunk of entries adds to the counts.

use super::{
    Along, ChannelPage, Cohort, CohortPage, DialogDay, General, Metric, Metrics, Path, PathDay, PeopleDay,
    PeopleMetric, PushDay, PushMetrics, Question, Questions, RulesPage, Span, Stage, Tick, UNMATCHED, cohort_key,
    dialogs, dialogs_key, page_of, paths, paths_key, people_key, pushes_key, rules_key, series_name, week_of,
};
use crate::{
    facts::push::Series,
    store::record::{FoldError, Knowledge, Table, Write},
    time::{Day, Timestamp, UtcOffset},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Differences, to be added to records. Kept by hour; a day gets those of its hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deltas {
    offset: UtcOffset,
    hours: BTreeMap<u64, Hour>,
    cohorts: BTreeMap<u64, BTreeMap<String, Cohort>>,
    rules: BTreeMap<String, Timestamp>,
    questions: BTreeMap<String, Question>,
    /// Questions that were counted too often, and how often.
    unasked: BTreeMap<String, u64>,
    pushes: BTreeMap<Day, BTreeMap<String, PushMetrics>>,
    paths: BTreeMap<Day, BTreeMap<Path, Along>>,
    people: BTreeMap<Day, PeopleDay>,
    dialogs: BTreeMap<Day, BTreeMap<Tick, i64>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    general: General,
    channels: BTreeMap<String, Metrics>,
}

impl Deltas {
    pub(crate) fn new(offset: UtcOffset) -> Self {
        Self {
            offset,
            hours: BTreeMap::new(),
            cohorts: BTreeMap::new(),
            rules: BTreeMap::new(),
            questions: BTreeMap::new(),
            unasked: BTreeMap::new(),
            pushes: BTreeMap::new(),
            paths: BTreeMap::new(),
            people: BTreeMap::new(),
            dialogs: BTreeMap::new(),
        }
    }

    /// Adds what one and the same entries count too little where `counted` is what they did count and `right` what they should.
    pub(crate) fn correct(&mut self, right: Self, counted: Self) {
        for (question, asked) in &counted.questions {
            let count = right.questions.get(question).map_or(0, |right| right.count);
            let surplus = asked.count.saturating_sub(count);
            if surplus > 0 {
                *self.unasked.entry(question.clone()).or_default() += surplus;
            }
        }
        self.add_times(right, 1);
        self.add_times(counted, -1);
    }

    /// Adds the sums of another; those that become nothing go.
    fn add_times(&mut self, other: Self, times: i64) {
        for (hour, news) in other.hours {
            let mine = self.hours.entry(hour).or_default();
            mine.general.add_times(&news.general, times);
            for (channel, metrics) in news.channels {
                mine.channels.entry(channel).or_default().add_times(&metrics, times);
            }
            mine.channels.retain(|_, metrics| !metrics.is_zero());
            if *mine == Hour::default() {
                self.hours.remove(&hour);
            }
        }
        for (week, channels) in other.cohorts {
            let mine = self.cohorts.entry(week).or_default();
            for (channel, cohort) in channels {
                mine.entry(channel).or_default().add_times(&cohort, times);
            }
            mine.retain(|_, cohort| *cohort != Cohort::default());
        }
        self.cohorts.retain(|_, channels| !channels.is_empty());
        for (day, series) in other.pushes {
            let mine = self.pushes.entry(day).or_default();
            for (name, numbers) in series {
                mine.entry(name).or_default().add_times(&numbers, times);
            }
            mine.retain(|_, numbers| *numbers != PushMetrics::default());
        }
        self.pushes.retain(|_, series| !series.is_empty());
        for (day, news) in other.paths {
            let mine = self.paths.entry(day).or_default();
            news.into_iter().for_each(|(path, along)| paths::add(mine, path, along, times));
        }
        self.paths.retain(|_, paths| !paths.is_empty());
        for (day, news) in other.people {
            self.people.entry(day).or_default().add_times(&news, times);
        }
        self.people.retain(|_, people| !people.0.is_empty());
        for (day, news) in other.dialogs {
            let mine = self.dialogs.entry(day).or_default();
            news.into_iter().for_each(|(tick, count)| dialogs::add(mine, tick, count.saturating_mul(times)));
        }
        self.dialogs.retain(|_, ticks| !ticks.is_empty());
    }

    pub(crate) fn add(&mut self, at: Timestamp, channel: &str, metric: Metric, count: i64) {
        if count == 0 {
            return;
        }
        let hour = self.hour(at);
        hour.general.total.add(metric, count);
        match hour.channels.get_mut(channel) {
            Some(metrics) => metrics.add(metric, count),
            None => hour.channels.entry(channel.to_owned()).or_default().add(metric, count),
        }
    }

    /// Books what a fan of a cohort did; `origin` is that fan's first follow.
    pub(crate) fn cohort(&mut self, (origin, channel): (Timestamp, &str), stage: Stage, at: Timestamp, count: i64) {
        let week = week_of(origin, self.offset);
        let weeks = week_of(at, self.offset).saturating_sub(week);
        self.cohorts.entry(week).or_default().entry(channel.to_owned()).or_default().add(stage, weeks, count);
    }

    /// What belongs to no channel.
    pub(crate) fn general(&mut self, at: Timestamp) -> &mut General {
        &mut self.hour(at).general
    }

    pub(crate) fn rule(&mut self, rule: &str, at: Timestamp) {
        *self.general(at).rules.entry(rule.to_owned()).or_default() += 1;
        let last = self.rules.entry(rule.to_owned()).or_default();
        *last = at.max(*last);
    }

    pub(crate) fn unanswered(&mut self, question: String, openid: &str, at: Timestamp) {
        let slot = self.questions.entry(question.clone()).or_default();
        slot.asked(&question, openid, at);
    }

    /// Books the numbers of a push, `times` times; without a series those of a delivery event that belongs to none.
    pub(crate) fn push(&mut self, due: Timestamp, series: Option<&Series>, numbers: &PushMetrics, times: i64) {
        let day = self.pushes.entry(self.offset.local(due).day).or_default();
        let name = series.map_or_else(|| UNMATCHED.to_owned(), series_name);
        day.entry(name).or_default().add_times(numbers, times);
    }

    /// Books what an order is worth from its first to its last touch, `times` times.
    pub(crate) fn path(&mut self, at: Timestamp, path: Path, along: Along, times: i64) {
        paths::add(self.paths.entry(self.offset.local(at).day).or_default(), path, along, times);
    }

    /// Books what happens between a fan and the agents.
    pub(crate) fn people(&mut self, at: Timestamp, metric: PeopleMetric, count: i64) {
        let local = self.offset.local(at);
        let hour = u8::try_from(local.minute / 60).unwrap_or_default();
        self.people.entry(local.day).or_default().add(hour, metric, count);
    }

    /// Books something of a dialog, `times` times.
    pub(crate) fn dialog(&mut self, at: Timestamp, tick: Tick, times: i64) {
        dialogs::add(self.dialogs.entry(self.offset.local(at).day).or_default(), tick, times);
    }

    fn hour(&mut self, at: Timestamp) -> &mut Hour {
        self.hours.entry(at.0 / 3_600).or_default()
    }

    /// What an hour is part of.
    fn spans(&self, hour: u64) -> [Span; 3] {
        let day = self.offset.local(Timestamp(hour.saturating_mul(3_600))).day;
        [Span::Hour(hour), Span::Day(day), Span::All]
    }

    /// Adds everything to what is known.
    pub(crate) async fn apply(self, known: &dyn Knowledge) -> Result<Vec<Write>, FoldError> {
        let (mut generals, mut pages) = (Table::<General>::default(), Table::<ChannelPage>::default());
        let spans = || self.hours.iter().flat_map(|(hour, news)| self.spans(*hour).map(|span| (span, news)));
        generals.find(spans().map(|(span, _)| span.key()), known).await?;
        let page_keys = |(span, news): (Span, &Hour)| {
            let pages: BTreeSet<u8> = news.channels.keys().map(|channel| page_of(channel)).collect();
            pages.into_iter().map(move |page| span.page_key(page))
        };
        pages.find(spans().flat_map(page_keys), known).await?;
        for (hour, news) in &self.hours {
            for span in self.spans(*hour) {
                generals.get(span.key(), known).await?.add_all(&news.general);
                for (channel, metrics) in &news.channels {
                    pages.get(span.page_key(page_of(channel)), known).await?.add(channel, metrics);
                }
            }
        }
        let mut cohorts = Table::<CohortPage>::default();
        for (week, channels) in &self.cohorts {
            for (channel, cohort) in channels {
                cohorts.get(cohort_key(*week, page_of(channel)), known).await?.add(channel, cohort);
            }
        }
        let mut rules = Table::<RulesPage>::default();
        for (rule, at) in &self.rules {
            rules.get(rules_key(page_of(rule)), known).await?.hit(rule, *at);
        }
        let mut questions = Table::<Questions>::default();
        if !self.questions.is_empty() {
            questions.get(Questions::key(), known).await?.add_all(&self.questions);
        }
        for (question, times) in &self.unasked {
            questions.get(Questions::key(), known).await?.take_back(question, *times);
        }
        let mut pushes = Table::<PushDay>::default();
        for (day, series) in &self.pushes {
            let record = pushes.get(pushes_key(*day), known).await?;
            series.iter().for_each(|(name, numbers)| record.add(name, numbers));
        }
        let mut paths = Table::<PathDay>::default();
        for (day, news) in &self.paths {
            let record = paths.get(paths_key(*day), known).await?;
            news.iter().for_each(|(path, along)| record.add(path, *along));
        }
        let mut people = Table::<PeopleDay>::default();
        for (day, news) in &self.people {
            people.get(people_key(*day), known).await?.add_times(news, 1);
        }
        let mut dialogs = Table::<DialogDay>::default();
        for (day, news) in &self.dialogs {
            let record = dialogs.get(dialogs_key(*day), known).await?;
            news.iter().for_each(|(tick, count)| record.add(tick, *count));
        }
        let counts = generals.writes().chain(pages.writes()).chain(cohorts.writes()).chain(rules.writes());
        let counts = counts.chain(questions.writes()).chain(pushes.writes()).chain(paths.writes());
        Ok(counts.chain(people.writes()).chain(dialogs.writes()).collect())
    }
}
