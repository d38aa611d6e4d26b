//! The generated types of the contract, and ours from and to them.

wit_bindgen::generate!({
    world: "auto-reply-component",
    path: "../../shared/wit",
    pub_export_macro: true,
    generate_all,
});

pub(crate) use exports::guanxi::replies::auto_reply as bot;

use bot::Kind;
use guanxi::{
    facts::{FanStatus, PushChoice, Touch},
    playbook::{Action, Answer, Inbound, InboundKind},
    time::Timestamp,
    wechat::reply::{Article, Reply},
};

impl From<bot::Message> for Inbound {
    fn from(message: bot::Message) -> Self {
        Self {
            account: message.account,
            fan: message.fan,
            create_time: Timestamp(message.create_time),
            identity: message.identity,
            kind: message.kind.into(),
            text: message.text,
            attached: message.attached,
        }
    }
}

impl From<Kind> for InboundKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text,
            Kind::Image => Self::Image,
            Kind::Voice => Self::Voice,
            Kind::Video => Self::Video,
            Kind::Shortvideo => Self::ShortVideo,
            Kind::Location => Self::Location,
            Kind::Link => Self::Link,
            Kind::Subscribe => Self::Subscribe,
            Kind::Scan => Self::Scan,
            Kind::Click => Self::Click,
            Kind::ScancodeWaitmsg => Self::ScancodeWaitmsg,
            Kind::LocationReport => Self::LocationReport,
            Kind::EnterTempsession => Self::EnterTempsession,
            Kind::Miniprogrampage => Self::MiniProgramPage,
            Kind::File => Self::File,
        }
    }
}

impl From<bot::Touch> for Touch {
    fn from(touch: bot::Touch) -> Self {
        let fan = match touch.fan {
            bot::FanStatus::New => FanStatus::New,
            bot::FanStatus::Returning => FanStatus::Returning,
            bot::FanStatus::Follower => FanStatus::Follower,
        };
        Self { channel: touch.channel, fan }
    }
}

impl From<Answer> for bot::Answer {
    fn from(answer: Answer) -> Self {
        let pushes = answer.pushes.map(|choice| match choice {
            PushChoice::Stop => bot::PushChoice::Stop,
            PushChoice::Resume => bot::PushChoice::Resume,
        });
        let Answer { action, rule, pushes: _, conversation, left } = answer;
        Self { action: action.into(), rule, pushes, conversation, left }
    }
}

impl From<Action> for bot::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Reply(reply) => reply.into(),
            Action::Nothing => Self::Nothing,
            Action::HandOver { kf_account } => Self::HandOver(bot::HandOver { kf_account }),
            Action::Ask { service, question, fallback, lookup } => {
                Self::Ask(bot::Ask { service, question, fallback, lookup })
            }
        }
    }
}

impl From<Reply> for bot::Action {
    fn from(reply: Reply) -> Self {
        Self::Reply(match reply {
            Reply::Text { content } => bot::Reply::Text(content),
            Reply::Image { media_id } => bot::Reply::Image(media_id),
            Reply::Voice { media_id } => bot::Reply::Voice(media_id),
            Reply::Video { media_id, title, description } => {
                bot::Reply::Video(bot::Video { media_id, title, description })
            }
            Reply::Music { title, description, music_url, hq_music_url, thumb_media_id } => {
                bot::Reply::Music(bot::Music { title, description, music_url, hq_music_url, thumb_media_id })
            }
            Reply::News { articles } => bot::Reply::News(articles.into_iter().map(Into::into).collect()),
            // To WeChat a reply like any other, to callback a decision of its own.
            Reply::TransferCustomerService { kf_account } => return Self::HandOver(bot::HandOver { kf_account }),
        })
    }
}

impl From<Article> for bot::Article {
    fn from(Article { title, description, pic_url, url }: Article) -> Self {
        Self { title, description, pic_url, url }
    }
}
