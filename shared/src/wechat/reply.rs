//! What goes back: passive replies ([protocol 3](../../docs/wechat-protocol.md#3)).

use super::{OpenId, document::Document, fields::Format};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A passive reply; names are WeChat's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// `text`
    Text {
        /// At most [`TEXT_MAX`] bytes.
        content: String,
    },
    /// `image`
    Image {
        /// Temporary or permanent material.
        media_id: String,
    },
    /// `voice`
    Voice {
        /// Temporary or permanent material.
        media_id: String,
    },
    /// `video`
    Video {
        /// Temporary or permanent material.
        media_id: String,
        /// Shown above it.
        title: Option<String>,
        /// Shown below it.
        description: Option<String>,
    },
    /// `music`
    Music {
        /// Shown above it.
        title: Option<String>,
        /// Shown below it.
        description: Option<String>,
        /// The file.
        music_url: Option<String>,
        /// The file for Wi-Fi.
        hq_music_url: Option<String>,
        /// Its picture; the one field WeChat requires.
        thumb_media_id: String,
    },
    /// `news`
    News {
        /// One where the fan sent a message, at most [`ARTICLES_MAX`] elsewhere.
        articles: Vec<Article>,
    },
    /// `transfer_customer_service`: hand the fan over to the agents. Only for messages, not for events.
    TransferCustomerService {
        /// A certain agent, `name@gh_…`; else whoever the queue gives.
        kf_account: Option<String>,
    },
}

/// One article of a `news` reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Its headline.
    pub title: String,
    /// Below the headline.
    pub description: String,
    /// Its picture, JPG or PNG.
    pub pic_url: String,
    /// Where it leads.
    pub url: String,
}

/// The longest text in bytes that WeChat shows without fail. Not documented; field reports put the edge at 2,048.
pub const TEXT_MAX: usize = 2_000;

/// The most articles of one reply; 1 where the fan sent text, image, voice, video or location.
pub const ARTICLES_MAX: usize = 8;

/// Why WeChat would not show a reply as it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// WeChat shows a fault notice for a reply without content.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// More than [`TEXT_MAX`].
    #[error("the text has {0} bytes, at most {TEXT_MAX} arrive")]
    TooLong(usize),
    /// None, or more than [`ARTICLES_MAX`].
    #[error("a news reply has 1 to {ARTICLES_MAX} articles, not {0}")]
    Articles(usize),
}

impl Reply {
    /// Whether it keeps WeChat's limits ([protocol 3.2](../../docs/wechat-protocol.md#3.2)). That only one article is
    /// shown where the fan sent a message depends on the message, so that is not asked here.
    ///
    /// # Errors
    /// [`ReplyError`] with the first limit it breaks.
    pub fn check(&self) -> Result<(), ReplyError> {
        match self {
            Self::Text { content } if content.len() > TEXT_MAX => Err(ReplyError::TooLong(content.len())),
            Self::Text { content } => filled("Content", content),
            Self::Image { media_id } | Self::Voice { media_id } | Self::Video { media_id, .. } => {
                filled("MediaId", media_id)
            }
            Self::Music { thumb_media_id, .. } => filled("ThumbMediaId", thumb_media_id),
            Self::News { articles } if !(1..=ARTICLES_MAX).contains(&articles.len()) => {
                Err(ReplyError::Articles(articles.len()))
            }
            Self::News { .. } | Self::TransferCustomerService { .. } => Ok(()),
        }
    }

    /// The document that answers a message: `to` is the fan (the message's `FromUserName`), `from` the account (its
    /// `ToUserName`), `now` our clock. In JSON the names are the same, and `Articles.item` is an array.
    pub fn render(&self, format: Format, to: &OpenId, from: &str, now: Timestamp) -> String {
        Document::write(format, 256 + self.size(), |document| {
            document.text("ToUserName", to.as_str());
            document.text("FromUserName", from);
            document.number("CreateTime", now.0);
            document.text("MsgType", self.msg_type());
            self.render_body(document);
        })
    }

    /// `MsgType`.
    pub fn msg_type(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "voice",
            Self::Video { .. } => "video",
            Self::Music { .. } => "music",
            Self::News { .. } => "news",
            Self::TransferCustomerService { .. } => "transfer_customer_service",
        }
    }

    fn render_body(&self, document: &mut Document) {
        match self {
            Self::Text { content } => document.text("Content", content),
            Self::Image { media_id } => document.group("Image", |image| image.text("MediaId", media_id)),
            Self::Voice { media_id } => document.group("Voice", |voice| voice.text("MediaId", media_id)),
            Self::Video { media_id, title, description } => document.group("Video", |video| {
                video.text("MediaId", media_id);
                video.optional("Title", title.as_deref());
                video.optional("Description", description.as_deref());
            }),
            Self::Music { title, description, music_url, hq_music_url, thumb_media_id } => {
                document.group("Music", |music| {
                    music.optional("Title", title.as_deref());
                    music.optional("Description", description.as_deref());
                    music.optional("MusicUrl", music_url.as_deref());
                    music.optional("HQMusicUrl", hq_music_url.as_deref());
                    music.text("ThumbMediaId", thumb_media_id);
                });
            }
            Self::News { articles } => {
                document.number("ArticleCount", u64::try_from(articles.len()).unwrap_or(u64::MAX));
                document.group("Articles", |list| list.groups("item", articles, render_article));
            }
            Self::TransferCustomerService { kf_account: Some(kf_account) } => {
                document.group("TransInfo", |info| info.text("KfAccount", kf_account));
            }
            Self::TransferCustomerService { kf_account: None } => {}
        }
    }

    /// Roughly how many bytes its texts take, to reserve once.
    fn size(&self) -> usize {
        match self {
            Self::Text { content } => content.len(),
            Self::News { articles } => articles.len() * 512,
            _ => 256,
        }
    }
}

fn render_article(document: &mut Document, article: &Article) {
    document.text("Title", &article.title);
    document.text("Description", &article.description);
    document.text("PicUrl", &article.pic_url);
    document.text("Url", &article.url);
}

fn filled(name: &'static str, text: &str) -> Result<(), ReplyError> {
    if text.trim().is_empty() { Err(ReplyError::Empty(name)) } else { Ok(()) }
}

/// As much of `text` as arrives: at most [`TEXT_MAX`] bytes, and no character in half.
pub fn cut_text(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or(text)
}
