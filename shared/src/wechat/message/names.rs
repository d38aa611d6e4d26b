//! What a [`Message`] is called, and what identifies it.

use super::{Event, Kind, Message, PictureSource};

impl Message {
    /// What is the same in every retry of this message and in no other:
    /// `ToUserName|FromUserName|CreateTime|MsgType|` and then `MsgId`, or `Event|EventKey|MsgID`. A part that the message
    /// does not have is empty. Names are in WeChat's spelling, however they were written.
    ///
    /// Source: [protocol 1.9](../../../docs/wechat-protocol.md#1.9), where it says why no shorter key will do.
    pub fn identity(&self) -> String {
        let Self { to_user_name, from_user_name, create_time, msg_id, kind, other } = self;
        let basics = format!("{to_user_name}|{from_user_name}|{create_time}|{}", kind.msg_type());
        match kind {
            Kind::Event(event) => {
                let event_key = event.event_key().or_else(|| other.text("EventKey")).unwrap_or_default();
                let job_id = event.msg_id().or_else(|| other.text("MsgID")).unwrap_or_default();
                format!("{basics}|{}|{event_key}|{job_id}", event.name())
            }
            _ => format!("{basics}|{}", msg_id.as_deref().unwrap_or_default()),
        }
    }
}

impl Kind {
    /// `MsgType` in WeChat's spelling; of an unknown kind, as it was written.
    pub fn msg_type(&self) -> &str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "voice",
            Self::Video { .. } => "video",
            Self::ShortVideo { .. } => "shortvideo",
            Self::Location { .. } => "location",
            Self::Link { .. } => "link",
            Self::MiniProgramPage { .. } => "miniprogrampage",
            Self::File { .. } => "file",
            Self::Event(_) => "event",
            Self::Other { msg_type } => msg_type,
        }
    }
}

impl Event {
    /// `Event` in WeChat's spelling; of an unknown one, as it was written.
    pub fn name(&self) -> &str {
        match self {
            Self::Subscribe { .. } => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Scan { .. } => "SCAN",
            Self::Location { .. } => "LOCATION",
            Self::Click { .. } => "CLICK",
            Self::View { .. } => "VIEW",
            Self::ViewMiniProgram { .. } => "view_miniprogram",
            Self::ScancodePush { .. } => "scancode_push",
            Self::ScancodeWaitmsg { .. } => "scancode_waitmsg",
            Self::Pictures { source, .. } => source.event_name(),
            Self::LocationSelect { .. } => "location_select",
            Self::TemplateSendJobFinish { .. } => "TEMPLATESENDJOBFINISH",
            Self::MassSendJobFinish { .. } => "MASSSENDJOBFINISH",
            Self::PublishJobFinish { .. } => "PUBLISHJOBFINISH",
            Self::SubscribeMsgPopup(_) => "subscribe_msg_popup_event",
            Self::SubscribeMsgChange(_) => "subscribe_msg_change_event",
            Self::SubscribeMsgSent(_) => "subscribe_msg_sent_event",
            Self::KfCreateSession { .. } => "kf_create_session",
            Self::KfCloseSession { .. } => "kf_close_session",
            Self::KfSwitchSession { .. } => "kf_switch_session",
            Self::UserInfoModified { .. } => "user_info_modified",
            Self::UserAuthorizationRevoke { .. } => "user_authorization_revoke",
            Self::UserAuthorizationCancellation { .. } => "user_authorization_cancellation",
            Self::Verified { event, .. } | Self::VerifyFailed { event, .. } | Self::Other { event } => event,
            Self::UserEnterTempsession { .. } => "user_enter_tempsession",
        }
    }

    /// `EventKey`, of the kinds that have one.
    pub fn event_key(&self) -> Option<&str> {
        match self {
            Self::Subscribe { event_key, .. }
            | Self::Unsubscribe { event_key }
            | Self::Scan { event_key, .. }
            | Self::Click { event_key }
            | Self::View { event_key, .. }
            | Self::ViewMiniProgram { event_key, .. }
            | Self::ScancodePush { event_key, .. }
            | Self::ScancodeWaitmsg { event_key, .. }
            | Self::Pictures { event_key, .. }
            | Self::LocationSelect { event_key, .. } => Some(event_key),
            _ => None,
        }
    }

    /// `MsgID` (of a publish job, `publish_id`): the call that this event is the result of.
    pub fn msg_id(&self) -> Option<&str> {
        match self {
            Self::TemplateSendJobFinish { msg_id, .. } | Self::MassSendJobFinish { msg_id, .. } => Some(msg_id),
            Self::PublishJobFinish { publish_id, .. } => Some(publish_id),
            Self::SubscribeMsgSent(sent) => sent.first().map(|first| first.msg_id.as_str()),
            _ => None,
        }
    }
}

impl PictureSource {
    fn event_name(self) -> &'static str {
        match self {
            Self::SysPhoto => "pic_sysphoto",
            Self::PhotoOrAlbum => "pic_photo_or_album",
            Self::Weixin => "pic_weixin",
        }
    }
}
