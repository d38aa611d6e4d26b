//! Reads `[pushes]`, `[[products]]` and `[[campaigns]]`.

use super::{
    Account, CampaignRequest, Known, brand,
    content::Reader,
    reader::{Fields, Value, Word, tables},
    saved::SavedFields,
    segment::{self, DAYS_MAX, Names},
};
use crate::{
    facts::order::TEXT_MAX,
    playbook::{
        hours::Opening,
        problem::Findings,
        pushes::{Campaign, Limits, Product, Pushes, Reminder, Usual},
        terms::Terms,
    },
    time::{Timestamp, UtcOffset},
};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::{DeTable, DeValue};

/// The most products of a playbook.
pub const PRODUCTS_MAX: usize = 500;
/// The most campaigns of a playbook.
pub const CAMPAIGNS_MAX: usize = 100;
/// The most marketing words that a playbook adds.
pub const MARKETING_WORDS_MAX: usize = 200;

/// Every group of fans keeps somebody to whom it is sent.
const HOLDOUT_MAX: i64 = 90;
pub(super) const CAMPAIGN_ID_MAX: usize = 32;
/// The highest price in cents.
pub(super) const PRICE_MAX: u64 = 10_000_000;
const MINUTES_A_DAY: u16 = 24 * 60;
/// As soon as a run comes.
const NOW: &str = "now";

/// What the products are called and what each costs in cents, by id.
pub(super) type Shop<'d> = BTreeMap<&'d str, (&'d str, Option<u64>)>;

/// Everything about pushes, and what there is to buy. `name` is the brand's.
pub(super) fn read<'d>(
    file: &mut Fields<'d, '_>,
    known: &Known<'d>,
    name: &str,
    utc_offset: UtcOffset,
) -> (Pushes, Shop<'d>) {
    let findings = file.findings;
    let help = "write [pushes] and below it quiet = \"21:30-09:00\"";
    let table = file.get("pushes").and_then(|value| Fields::of(value, "`pushes`", help, findings));
    let service = known.account != Some(Account::Subscription);
    let (limits, usual) = general(table, utc_offset, service, findings);
    let reader = PushReader::new(name, &limits, (&usual, known.saved.clone()), findings);
    let help = "write [[products]] and below it id, name and supply_days";
    let (products, ids, shop) = reader.products(tables(file.get("products"), "a product", help, findings));
    let help = "write [[campaigns]] and below it id, at, segment and way";
    let names = Names::new(known.channels.values(), ids, known.saved.clone());
    let campaigns = reader.campaigns(tables(file.get("campaigns"), "a campaign", help, findings), &names);
    let (products, campaigns) = (owned(products), owned(campaigns));
    (Pushes { name: name.to_owned(), limits, usual, products, campaigns }, shop)
}

/// A campaign that does not stand in the file.
pub(super) fn campaign<'d>(
    table: &'d DeTable<'_>,
    terms: &Terms,
    now: Timestamp,
    findings: &'d Findings<'d>,
) -> Option<CampaignRequest> {
    let pushes = &terms.pushes;
    let products = pushes.products.keys().map(String::as_str).collect();
    let names = Names::new(terms.channels.iter(), products, SavedFields::any());
    let reader = PushReader {
        now: Some(now),
        ..PushReader::new(&pushes.name, &pushes.limits, (&pushes.usual, SavedFields::any()), findings)
    };
    let mut fields = Fields::of_text(table, "a campaign", findings);
    let id = fields.require_text("id");
    if let Some(word) = &id {
        reader.campaign_id(word);
    }
    let at_once = table.get("at").and_then(|at| at.get_ref().as_str()) == Some(NOW);
    let campaign = reader.campaign(fields, &names);
    Some(CampaignRequest { id: id?.text.to_owned(), campaign: campaign?, at_once })
}

fn owned<T>(by_id: BTreeMap<&str, T>) -> BTreeMap<String, T> {
    by_id.into_iter().map(|(id, one)| (id.to_owned(), one)).collect()
}

/// `[pushes]`: what holds for all.
fn general(
    table: Option<Fields<'_, '_>>,
    utc_offset: UtcOffset,
    service: bool,
    findings: &Findings<'_>,
) -> (Limits, Usual) {
    let (absent, usual) = (Limits { utc_offset, ..Limits::default() }, Usual { service, ..Usual::default() });
    let Some(mut fields) = table else { return (absent, usual) };
    let quiet = fields.text("quiet");
    let (quiet_from, quiet_until) =
        quiet.and_then(|word| quiet_hours(&word, findings)).unwrap_or((absent.quiet_from, absent.quiet_until));
    let limits = Limits {
        utc_offset,
        quiet_from,
        quiet_until,
        preferred_hour: number(&mut fields, "preferred_hour", 0..=23).unwrap_or(absent.preferred_hour),
        cap: number(&mut fields, "cap", 1..=100).unwrap_or(absent.cap),
        cap_days: number(&mut fields, "cap_days", 1..=365).unwrap_or(absent.cap_days),
        outcome_days: number(&mut fields, "outcome_days", 1..=90).unwrap_or(absent.outcome_days),
    };
    hour_is_not_quiet(&fields, limits.preferred_hour, &limits);
    let holdout = holdout(&mut fields).unwrap_or(usual.holdout);
    let words = marketing_words(&mut fields);
    let marketing_words = words.iter().map(|word| word.text.to_owned()).collect();
    fields.finish();
    (limits, Usual { holdout, marketing_words, ..usual })
}

fn number<T: TryFrom<i64>>(
    fields: &mut Fields<'_, '_>,
    key: &'static str,
    bounds: std::ops::RangeInclusive<i64>,
) -> Option<T> {
    fields.number(key, bounds).and_then(|number| number.try_into().ok())
}

fn holdout(fields: &mut Fields<'_, '_>) -> Option<u8> {
    number(fields, "holdout", 0..=HOLDOUT_MAX)
}

/// From and until; both 0 for none.
fn quiet_hours(word: &Word<'_>, findings: &Findings<'_>) -> Option<(u16, u16)> {
    if word.text == "none" {
        return Some((0, 0));
    }
    match word.text.parse() {
        Ok(Opening { from: 0, to: MINUTES_A_DAY }) => {
            findings.add(word.at(), "no hour is left for pushes", "write quiet = \"21:30-09:00\"");
            None
        }
        Ok(Opening { from, to }) => Some((from, if to > MINUTES_A_DAY { to - MINUTES_A_DAY } else { to })),
        Err(()) => {
            let message = format!("`{}` is no span of time", word.text);
            findings.add(word.at(), message, "write quiet = \"21:30-09:00\", or quiet = \"none\"");
            None
        }
    }
}

/// Pushes are spread over the hour, so all of it must be free.
fn hour_is_not_quiet(fields: &Fields<'_, '_>, hour: u8, limits: &Limits) {
    let first = u16::from(hour) * 60;
    if (first..first + 60).any(|minute| limits.is_quiet(minute)) {
        let message = format!("the preferred hour {hour} is within the quiet hours");
        let at = fields.place_of("preferred_hour").or(fields.place_of("quiet")).unwrap_or(fields.at);
        fields.findings.add(at, message, "write another `preferred_hour`, or other quiet hours");
    }
}

fn marketing_words<'d>(fields: &mut Fields<'d, '_>) -> Vec<Word<'d>> {
    let words = fields.texts("marketing_words");
    for (place, word) in words.iter().enumerate() {
        if place == MARKETING_WORDS_MAX {
            let message = format!("there are more than {MARKETING_WORDS_MAX} marketing words");
            fields.findings.add(word.at(), message, "write the short word that stands in the longer ones");
        }
        brand(word, fields.findings);
    }
    words
}

struct PushReader<'r, 'd> {
    findings: &'d Findings<'d>,
    limits: &'r Limits,
    usual: &'r Usual,
    ways: Reader<'r>,
    /// Of a campaign that is asked for.
    now: Option<Timestamp>,
}

impl<'r, 'd> PushReader<'r, 'd> {
    fn new(
        name: &'r str,
        limits: &'r Limits,
        (usual, saved): (&'r Usual, SavedFields<'r>),
        findings: &'d Findings<'d>,
    ) -> Self {
        Self { findings, limits, usual, ways: Reader::new(name, usual, saved), now: None }
    }

    /// The products that run out, the ids of all, of those too that could not be read, and what they cost.
    fn products(&self, list: Vec<Fields<'d, '_>>) -> (BTreeMap<&'d str, Product>, BTreeSet<&'d str>, Shop<'d>) {
        if let Some(fields) = list.get(PRODUCTS_MAX) {
            let message = format!("there are more than {PRODUCTS_MAX} products");
            self.findings.add(fields.at, message, "keep those that fans buy again");
        }
        let mut ids = BTreeMap::new();
        let (mut products, mut shop) = (BTreeMap::new(), Shop::new());
        for fields in list {
            if let Some((id, product)) = self.product(fields, &mut ids, &mut shop) {
                products.insert(id, product);
            }
        }
        (products, ids.into_keys().collect(), shop)
    }

    /// None: it does not run out, or could not be read.
    fn product(
        &self,
        mut fields: Fields<'d, '_>,
        ids: &mut BTreeMap<&'d str, usize>,
        shop: &mut Shop<'d>,
    ) -> Option<(&'d str, Product)> {
        let id = fields.require_text("id");
        if let Some(word) = &id {
            let sane = !word.text.chars().any(char::is_control);
            if !(1..=TEXT_MAX).contains(&word.text.len()) || !sane {
                let message = format!("a product's id has 1 to {TEXT_MAX} bytes and no line breaks");
                self.findings.add(word.at(), message, "write it as the shop's orders name it");
            }
            self.unique(word, "product", ids);
        }
        let name = fields.require_text("name").map(|word| brand(&word, self.findings)).unwrap_or_default();
        let price = fields.get("price").and_then(|value| self.price(value));
        if price.is_none() || fields.place_of("reminder").is_some() {
            fields.require("supply_days", "write how many days one piece lasts");
        }
        let supply_days: Option<u32> = number(&mut fields, "supply_days", 1..=DAYS_MAX);
        let help = "write [products.reminder] below the product";
        let reminder = fields.get("reminder").and_then(|value| Fields::of(value, "a reminder", help, self.findings));
        let reminder = reminder.and_then(|fields| self.reminder(fields, name, supply_days));
        fields.finish();
        let id = id?.text;
        shop.insert(id, (name, price));
        Some((id, Product { name: name.to_owned(), supply_days: supply_days?, reminder }))
    }

    /// Yuan, perhaps with a point and two digits, in cents.
    fn price(&self, value: &Value<'_>) -> Option<u64> {
        let text = match value.get_ref() {
            DeValue::Integer(digits) if digits.radix() == 10 => digits.as_str(),
            DeValue::Float(digits) => digits.as_str(),
            _ => "",
        };
        let (yuan, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let cents = match part.len() {
            0..=2 if digits(part) && digits(yuan) => format!("{yuan}{part:0<2}").parse().ok(),
            _ => None,
        };
        let cents = cents.filter(|cents| (1..=PRICE_MAX).contains(cents));
        if cents.is_none() {
            let message = format!("a price is 0.01 to {} yuan", PRICE_MAX / 100);
            self.findings.add(value.span().start, message, "write price = 168 or price = 168.50");
        }
        cents
    }

    fn reminder(&self, mut fields: Fields<'d, '_>, product: &str, supply_days: Option<u32>) -> Option<Reminder> {
        fields.require("lead_days", "write how many days before the end it goes out");
        // What does not end cannot be late: days are compared only where both are known.
        let most = supply_days.map_or(DAYS_MAX, |days| i64::from(days) - 1);
        let lead_days = number(&mut fields, "lead_days", 0..=most);
        let gap_days = number(&mut fields, "gap_days", 0..=most).unwrap_or(u32::from(most > 0));
        let preferred_hour = number(&mut fields, "preferred_hour", 0..=23);
        if let Some(hour) = preferred_hour {
            hour_is_not_quiet(&fields, hour, self.limits);
        }
        let holdout = holdout(&mut fields).unwrap_or(self.usual.holdout);
        let ways = self.ways.read(&mut fields, Some(product));
        fields.finish();
        Some(Reminder { lead_days: lead_days?, gap_days, preferred_hour, holdout, ways: ways? })
    }

    fn campaigns(&self, list: Vec<Fields<'d, '_>>, names: &Names<'_>) -> BTreeMap<&'d str, Campaign> {
        if let Some(fields) = list.get(CAMPAIGNS_MAX) {
            let message = format!("there are more than {CAMPAIGNS_MAX} campaigns");
            self.findings.add(fields.at, message, "drop those that are over");
        }
        let mut ids = BTreeMap::new();
        let mut campaigns = BTreeMap::new();
        for mut fields in list {
            let id = fields.require_text("id");
            if let Some(word) = &id {
                self.campaign_id(word);
                self.unique(word, "campaign", &mut ids);
            }
            let campaign = self.campaign(fields, names);
            if let (Some(id), Some(campaign)) = (id, campaign) {
                campaigns.insert(id.text, campaign);
            }
        }
        campaigns
    }

    fn campaign(&self, mut fields: Fields<'d, '_>, names: &Names<'_>) -> Option<Campaign> {
        let at = fields.require_text("at").and_then(|word| self.moment(&word));
        let segment = segment::read(&mut fields, names);
        let holdout = holdout(&mut fields).unwrap_or(self.usual.holdout);
        let ways = self.ways.read(&mut fields, None);
        fields.finish();
        Some(Campaign { at: at?, segment: segment?, holdout, ways: ways? })
    }

    fn campaign_id(&self, word: &Word<'_>) {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if !(1..=CAMPAIGN_ID_MAX).contains(&word.text.len()) || !word.text.bytes().all(plain) {
            let message = format!("a campaign's id has 1 to {CAMPAIGN_ID_MAX} characters of a-z 0-9 _ -");
            self.findings.add(word.at(), message, "write a short name that reports can show");
        }
    }

    /// A moment on the playbook's clock.
    fn moment(&self, word: &Word<'_>) -> Option<Timestamp> {
        if word.text == NOW && self.now.is_some() {
            return self.now;
        }
        let hours = i8::from(self.limits.utc_offset);
        let whole = (word.text.len() == "2026-12-01T20:00".len()).then(|| format!("{}:00{hours:+03}:00", word.text));
        let moment: Option<Timestamp> = whole.and_then(|whole| whole.parse().ok());
        if moment.is_none() {
            let message = format!("`{}` is no moment", word.text);
            self.findings.add(word.at(), message, "write at = \"2026-12-01T20:00\", by the playbook's clock");
        }
        if let (Some(moment), Some(now)) = (moment, self.now)
            && now.0.saturating_sub(moment.0) >= Campaign::LATE
        {
            let message = format!("`{}` is more than 24 hours ago, so the campaign would not begin", word.text);
            self.findings.add(word.at(), message, "write a later moment, or at = \"now\"");
        }
        moment
    }

    fn unique(&self, id: &Word<'d>, what: &str, ids: &mut BTreeMap<&'d str, usize>) {
        let first = *ids.entry(id.text).or_insert(id.at());
        if first != id.at() {
            let line = self.findings.line(first);
            let message = format!("the id `{}` is taken by the {what} on line {line}", id.text);
            self.findings.add(id.at(), message, format!("give each {what} an id of its own"));
        }
    }
}
