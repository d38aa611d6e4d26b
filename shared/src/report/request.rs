//! What a request asks for: `/reports/<name>?…` and `/fans/<openid>`.

use super::{Ask, DAYS_MAX, Days, HOURLY_DAYS_MAX, ReportError, Step};
use crate::{
    fold::Settings,
    time::{Day, Timestamp},
};

/// Days of a report when the request names none.
const DAYS: u64 = 30;
/// Weeks of a report on cohorts when the request names none.
const WEEKS: u64 = 8;

/// How to write a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `format=json`
    #[default]
    Json,
    /// `format=csv`
    Csv,
}

/// Why a request is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No report of that name.
    #[error(
        "there is no report `{0}`; there are overview, channels, channel, channel-days, trend, cohorts, paths, dialogs, questions, pushes, people, requests, given-up, account, publications, rules and stale-rules"
    )]
    Name(String),
    /// A parameter that is none.
    #[error("unknown parameter `{0}`; there are id, days, from, to, step, weeks and format")]
    Parameter(String),
    /// A parameter's value.
    #[error("{name}={value}: {expected}")]
    Value {
        /// The name of the parameter.
        name: &'static str,
        /// As it came.
        value: String,
        /// What to write instead.
        expected: &'static str,
    },
    /// The days.
    #[error(transparent)]
    Days(#[from] ReportError),
}

/// The parameters, each as it came.
#[derive(Default)]
struct Parameters {
    id: Option<String>,
    days: Option<String>,
    from: Option<String>,
    to: Option<String>,
    step: Option<String>,
    weeks: Option<String>,
    format: Option<String>,
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, RequestError> {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "id" => &mut parameters.id,
                "days" => &mut parameters.days,
                "from" => &mut parameters.from,
                "to" => &mut parameters.to,
                "step" => &mut parameters.step,
                "weeks" => &mut parameters.weeks,
                "format" => &mut parameters.format,
                _ => return Err(RequestError::Parameter(name.into_owned())),
            };
            *place = Some(value.into_owned());
        }
        Ok(parameters)
    }

    fn days(&self, now: Timestamp, settings: &Settings, max: u64) -> Result<Days, RequestError> {
        let last = match &self.to {
            Some(to) => day("to", to)?,
            None => settings.utc_offset.local(now).day,
        };
        let first = match (&self.from, &self.days) {
            (Some(from), _) => day("from", from)?,
            (None, days) => {
                let days = days.as_ref().map_or(Ok(DAYS), |days| number("days", days))?;
                Day(last.0.saturating_sub(days.saturating_sub(1)))
            }
        };
        Ok(Days::new(first, last, max)?)
    }

    fn step(&self) -> Result<Step, RequestError> {
        match self.step.as_deref() {
            None | Some("day") => Ok(Step::Day),
            Some("hour") => Ok(Step::Hour),
            Some(other) => Err(value("step", other, "write hour or day")),
        }
    }

    fn days_by_step(&self, now: Timestamp, settings: &Settings) -> Result<(Days, Step), RequestError> {
        let step = self.step()?;
        let max = if step == Step::Hour { HOURLY_DAYS_MAX } else { DAYS_MAX };
        Ok((self.days(now, settings, max)?, step))
    }

    fn form(&self) -> Result<Form, RequestError> {
        match self.format.as_deref() {
            None | Some("json") => Ok(Form::Json),
            Some("csv") => Ok(Form::Csv),
            Some(other) => Err(value("format", other, "write json or csv")),
        }
    }
}

fn value(name: &'static str, value: &str, expected: &'static str) -> RequestError {
    RequestError::Value { name, value: value.to_owned(), expected }
}

fn number(name: &'static str, text: &str) -> Result<u64, RequestError> {
    text.parse().map_err(|_| value(name, text, "write a number"))
}

fn day(name: &'static str, text: &str) -> Result<Day, RequestError> {
    text.parse().map_err(|_| value(name, text, "write a day as 2026-03-31"))
}

impl Ask {
    /// What `/reports/<name>?<query>` asks for, and how to write it.
    ///
    /// # Errors
    /// [`RequestError`], which says what to write instead.
    pub fn from_request(
        name: &str,
        query: &str,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<(Self, Form), RequestError> {
        let parameters = Parameters::parse(query)?;
        let ask = match name {
            "overview" => Self::Overview,
            "channels" => Self::Channels(parameters.days(now, settings, DAYS_MAX)?),
            "channel" => {
                let id = parameters.id.clone().ok_or_else(|| value("id", "", "write the id of a channel"))?;
                let (days, step) = parameters.days_by_step(now, settings)?;
                Self::Channel(id, days, step)
            }
            "channel-days" => Self::ChannelDays(parameters.days(now, settings, DAYS_MAX)?),
            "trend" => {
                let (days, step) = parameters.days_by_step(now, settings)?;
                Self::Trend(days, step)
            }
            "cohorts" => Self::Cohorts(parameters.weeks.as_ref().map_or(Ok(WEEKS), |weeks| number("weeks", weeks))?),
            "paths" => Self::Paths(parameters.days(now, settings, DAYS_MAX)?),
            "dialogs" => Self::Dialogs(parameters.days(now, settings, DAYS_MAX)?),
            "questions" => Self::Questions,
            "pushes" => Self::Pushes(parameters.days(now, settings, DAYS_MAX)?),
            "people" => Self::People(parameters.days(now, settings, DAYS_MAX)?),
            "requests" => Self::Requests(parameters.days(now, settings, DAYS_MAX)?),
            "given-up" => Self::GivenUp,
            "account" => Self::Account,
            "publications" => Self::Publications,
            "rules" => Self::Rules(parameters.days(now, settings, DAYS_MAX)?),
            "stale-rules" => Self::StaleRules,
            _ => return Err(RequestError::Name(name.to_owned())),
        };
        Ok((ask, parameters.form()?))
    }
}
