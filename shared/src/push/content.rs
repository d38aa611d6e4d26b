//! What a push says, and by which call it goes.

use super::{
    head::Head,
    ledger::{Entry, Subject},
};
use crate::{
    facts::push::{Echo, PushId},
    fold::fan,
    playbook::{Content, Filled, Pushes, Values, Ways},
    time::Timestamp,
    wechat::{
        OpenId,
        api::{
            Api, Request, message,
            notice::Notice,
            template::{self, Data, MiniProgram},
        },
    },
};

/// The calls that reach a fan, in the order of what is kept of each.
pub(super) const WAYS: [Api; 3] = [Api::Template, Api::Notice, Api::Message];

/// The ways that a push about this may go now; none: the playbook no longer has it.
pub(super) fn ways_of(pushes: &Pushes, head: &Head, subject: &Subject) -> Option<Ways> {
    match subject {
        Subject::Reminder { product, .. } => Some(pushes.products.get(product)?.reminder.as_ref()?.ways.clone()),
        Subject::Campaign(id) => Some(head.campaigns.get(id)?.campaign.ways.clone()),
    }
}

impl Content {
    /// The call that it goes out by.
    pub fn api(&self) -> Api {
        match self {
            Self::Template(_) => Api::Template,
            Self::Notice(_) => Api::Notice,
            Self::Message { .. } => Api::Message,
        }
    }

    /// The event by which WeChat tells what became of it; none: there is no such.
    pub fn echo(&self) -> Option<Echo> {
        match self {
            Self::Template(_) => Some(Echo::Template),
            Self::Notice(form) => Some(Echo::Notice(form.template_id.clone())),
            Self::Message { .. } => None,
        }
    }
}

/// The call that sends it.
pub(super) fn request(
    pushes: &Pushes,
    content: &Content,
    touser: &OpenId,
    entry: &Entry,
    fan: Option<&fan::State>,
    now: Timestamp,
) -> Request {
    let saved = |name: &str| fan.and_then(|fan| fan.dialogs.value(name, now));
    let values = values(pushes, &entry.subject, fan, now);
    request_of(touser, entry.id, &content.render_for(&pushes.name, values.as_ref(), &saved))
}

/// What the placeholders of a reminder become.
fn values<'a>(pushes: &'a Pushes, subject: &Subject, fan: Option<&fan::State>, now: Timestamp) -> Option<Values<'a>> {
    let Subject::Reminder { product, basis, run_out } = subject else { return None };
    let day = |at| pushes.limits.utc_offset.local(at).day;
    Some(Values {
        product: &pushes.products.get(product)?.name,
        quantity: fan.and_then(|fan| fan.products.get(product)).map_or(1, fan::Product::last_quantity),
        bought_on: day(*basis),
        run_out: day(*run_out),
        today: day(now),
    })
}

fn request_of(touser: &OpenId, id: PushId, filled: &Filled) -> Request {
    match filled {
        Filled::Template { template_id, fields, url, miniprogram } => template::Message {
            touser,
            template_id,
            url: url.as_deref(),
            miniprogram: mini_program(miniprogram),
            data: Data(fields),
            client_msg_id: &id.to_string(),
        }
        .request(),
        Filled::Notice { template_id, fields, url, miniprogram } => {
            let (page, miniprogram) = (url.as_deref(), mini_program(miniprogram));
            Notice { touser, template_id, page, miniprogram, data: Data(fields) }.request()
        }
        Filled::Message { text } => message::Text { touser, content: text }.request(),
    }
}

fn mini_program(miniprogram: &Option<(String, String)>) -> Option<MiniProgram<'_>> {
    miniprogram.as_ref().map(|(appid, pagepath)| MiniProgram { appid, pagepath })
}
