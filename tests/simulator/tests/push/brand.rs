//! The brand: what its playbook says of pushes, and WeChat's side of it.

use guanxi::{
    playbook::{Campaign, Content, Form, Limits, Product, Pushes, Reminder, Segment},
    time::Timestamp,
};
use guanxi_simulator::api::{Api, Kind, Quota, Rules};

/// A product by its way to the fan; its template has the same name.
pub(crate) const CAT: &str = "cat";
/// Another template.
pub(crate) const DOG: &str = "dog";
/// A third one, the name of which comes before the others'.
pub(crate) const BIRD: &str = "bird";
/// A notice.
pub(crate) const NOTICE: &str = "notice";
/// A customer message.
pub(crate) const MESSAGE: &str = "message";
/// Each of these ways, the first that can reach the fan. Its notice is [`ANY_NOTICE`].
pub(crate) const ANY: &str = "any";
/// The notice of [`ANY`].
pub(crate) const ANY_NOTICE: &str = "any notice";

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 86_400;

/// 2026-03-01 00:00 in Beijing.
pub(crate) const MIDNIGHT: u64 = 1_772_294_400;

pub(crate) fn form(template_id: &str) -> Form {
    let fields = vec![("thing1".to_owned(), "{product}".to_owned())];
    Form { template_id: template_id.to_owned(), fields, url: None, miniprogram: None }
}

fn product(id: &str) -> Product {
    let message = || Content::Message { text: "{product} 快吃完了".to_owned() };
    let ways = match id {
        NOTICE => Content::Notice(form(id)).into(),
        MESSAGE => message().into(),
        ANY => [Content::Notice(form(ANY_NOTICE)), message(), Content::Template(form(ANY))].into_iter().collect(),
        _ => Content::Template(form(id)).into(),
    };
    let reminder = Reminder { lead_days: 5, gap_days: 7, preferred_hour: None, holdout: 0, ways };
    Product { name: format!("成猫全价粮 {id}"), supply_days: 30, reminder: Some(reminder) }
}

/// Reminders for all products at 10 o'clock, no quiet hours, and a cap that nobody meets.
pub(crate) fn pushes() -> Pushes {
    let limits = Limits { quiet_from: 0, quiet_until: 0, preferred_hour: 10, cap: 20, ..Limits::default() };
    let products = [CAT, DOG, BIRD, NOTICE, MESSAGE, ANY].map(|id| (id.to_owned(), product(id)));
    Pushes { name: "喵".to_owned(), limits, products: products.into(), ..Pushes::default() }
}

/// One to all fans.
pub(crate) fn campaign(at: u64, template_id: &str) -> Campaign {
    Campaign {
        at: Timestamp(at),
        segment: Segment::default(),
        holdout: 0,
        ways: Content::Template(Form { fields: vec![("thing1".into(), "周年庆".into())], ..form(template_id) }).into(),
    }
}

/// A good day at WeChat's.
pub(crate) fn rules(seed: u64) -> Rules {
    let mut rules = Rules { seed, ..Rules::default() };
    for template in [CAT, DOG, BIRD, ANY, "party"] {
        rules.template(template, Kind::Template, &["thing1"]);
    }
    for notice in [NOTICE, ANY_NOTICE] {
        rules.template(notice, Kind::Notice, &["thing1"]);
    }
    for api in [Api::Template, Api::Notice, Api::Message] {
        rules.quotas.insert(api, Quota::per_day(10_000_000));
    }
    rules
}
