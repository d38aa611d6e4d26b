//! What fans and WeChat send: every message and event of the reference ([protocol 2](../../docs/wechat-protocol.md#2)).
//!
//! Names are WeChat's. `MsgType` and `Event` are compared without regard to case, because both spellings occur. Nothing
//! is lost: a field that a kind does not name stays in [`Message::other`], and so does all of an unknown kind.

mod names;
mod read;

use super::{
    OpenId,
    fields::{Fields, FieldsError},
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a body is not a message. Never holds text of the body, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It has no fields at all.
    #[error(transparent)]
    Fields(#[from] FieldsError),
    /// A field that every message has is absent or empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// `FromUserName` is no [`OpenId`].
    #[error("FromUserName is not an openid")]
    FromUserName,
    /// `CreateTime` is not a number of seconds.
    #[error("CreateTime is not a number")]
    CreateTime,
}

/// One message or event that WeChat posts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The account's original id, `gh_…`.
    pub to_user_name: String,
    /// The fan who sent it or whom it is about.
    pub from_user_name: OpenId,
    /// When it happened, by WeChat's clock; the same in every retry.
    pub create_time: Timestamp,
    /// `MsgId` of a message: usually a 64-bit number, but not always a number at all.
    pub msg_id: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// The fields that `kind` does not name: `MsgDataId`, `Idx`, `URL` of the debug tool, whatever is new.
    pub other: Fields,
}

/// `MsgType`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `text`
    Text {
        /// What the fan wrote.
        content: String,
        /// The entry of a menu message (`msgmenu`) that the fan tapped.
        bizmsgmenuid: Option<String>,
    },
    /// `image`
    Image {
        /// Where WeChat keeps the picture.
        pic_url: String,
        /// Temporary material, three days.
        media_id: String,
    },
    /// `voice`
    Voice {
        /// Temporary material.
        media_id: String,
        /// `amr` or `speex`.
        format: String,
        /// The 16 kHz copy.
        media_id_16k: Option<String>,
        /// What WeChat understood, where recognition is on.
        recognition: Option<String>,
    },
    /// `video`
    Video {
        /// Temporary material.
        media_id: String,
        /// Its still picture.
        thumb_media_id: String,
    },
    /// `shortvideo`
    ShortVideo {
        /// Temporary material.
        media_id: String,
        /// Its still picture.
        thumb_media_id: String,
    },
    /// `location`: a place the fan chose to send. (Not [`Event::Location`], which the client reports by itself.)
    Location {
        /// `Location_X`, the latitude, as it was written.
        latitude: String,
        /// `Location_Y`, the longitude.
        longitude: String,
        /// Map scale.
        scale: String,
        /// The place in words.
        label: String,
    },
    /// `link`
    Link {
        /// Of the page.
        title: String,
        /// Of the page.
        description: String,
        /// Of the page.
        url: String,
    },
    /// `miniprogrampage`
    MiniProgramPage {
        /// Of the card.
        title: String,
        /// The mini program.
        app_id: String,
        /// The page within it.
        page_path: String,
        /// Its picture.
        thumb_url: String,
        /// Its picture as temporary material.
        thumb_media_id: String,
    },
    /// `file`
    File {
        /// The file's name.
        title: String,
        /// Of the file.
        description: String,
        /// WeChat's key for it.
        file_key: String,
        /// MD5 of the content.
        file_md5: String,
        /// Bytes.
        file_total_len: String,
    },
    /// `event`
    Event(Event),
    /// Any other `MsgType`, as it was written; its fields are in [`Message::other`].
    Other {
        /// As it was written.
        msg_type: String,
    },
}

/// `Event` of a message with `MsgType` `event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// `subscribe`: followed.
    Subscribe {
        /// `EventKey` as it came: empty, `qrscene_…`, `last_trade_no_…`, `scanbarcode|…`.
        event_key: String,
        /// The QR code's ticket.
        ticket: Option<String>,
    },
    /// `unsubscribe`: unfollowed.
    Unsubscribe {
        /// Usually empty.
        event_key: String,
    },
    /// `SCAN`: a follower scanned a QR code.
    Scan {
        /// The scene, without prefix.
        event_key: String,
        /// The QR code's ticket.
        ticket: Option<String>,
    },
    /// `LOCATION`: the client reports where the fan is.
    Location {
        /// Decimal degrees, as written.
        latitude: String,
        /// Decimal degrees.
        longitude: String,
        /// Metres.
        precision: String,
    },
    /// `CLICK` on a menu button.
    Click {
        /// The button's key.
        event_key: String,
    },
    /// `VIEW`: a menu button opened a page.
    View {
        /// The page.
        event_key: String,
        /// The conditional menu it stood in.
        menu_id: Option<String>,
    },
    /// `view_miniprogram`
    ViewMiniProgram {
        /// The page within the mini program.
        event_key: String,
        /// The conditional menu it stood in.
        menu_id: Option<String>,
    },
    /// `scancode_push`: a menu button scanned a code and showed the result.
    ScancodePush {
        /// The button's key.
        event_key: String,
        /// `qrcode` or `barcode`.
        scan_type: String,
        /// What the code says.
        scan_result: String,
    },
    /// `scancode_waitmsg`: the same, and the fan waits for an answer.
    ScancodeWaitmsg {
        /// The button's key.
        event_key: String,
        /// `qrcode` or `barcode`.
        scan_type: String,
        /// What the code says.
        scan_result: String,
    },
    /// `pic_sysphoto`, `pic_photo_or_album`, `pic_weixin`: a menu button sends pictures.
    Pictures {
        /// Which of the three.
        source: PictureSource,
        /// The button's key.
        event_key: String,
        /// `Count` as stated; may differ from the number of sums.
        count: String,
        /// `PicMd5Sum` of each.
        md5_sums: Vec<String>,
    },
    /// `location_select`: a menu button sends a place.
    LocationSelect {
        /// The button's key.
        event_key: String,
        /// `Location_X`.
        latitude: String,
        /// `Location_Y`.
        longitude: String,
        /// Map scale.
        scale: String,
        /// The place in words.
        label: String,
        /// Its name as a point of interest.
        poiname: String,
    },
    /// `TEMPLATESENDJOBFINISH`: what became of a template message.
    TemplateSendJobFinish {
        /// `MsgID`, the `msgid` of the send call.
        msg_id: String,
        /// As written.
        status: String,
    },
    /// `MASSSENDJOBFINISH`: what became of a mass message.
    MassSendJobFinish {
        /// `msg_id` of the job.
        msg_id: String,
        /// `send success`, `send fail`, `err(n)`, old forms without the space.
        status: String,
        /// `TotalCount`
        total_count: Option<u64>,
        /// `FilterCount`
        filter_count: Option<u64>,
        /// `SentCount`
        sent_count: Option<u64>,
        /// `ErrorCount`
        error_count: Option<u64>,
    },
    /// `PUBLISHJOBFINISH` or `FREEPUBLISHJOBFINISH`; the details stay in [`Message::other`].
    PublishJobFinish {
        /// `publish_id`
        publish_id: String,
        /// `publish_status`
        publish_status: String,
    },
    /// `subscribe_msg_popup_event`: what the fan chose in the dialog.
    SubscribeMsgPopup(Vec<NoticeChoice>),
    /// `subscribe_msg_change_event`: what the fan changed in the settings.
    SubscribeMsgChange(Vec<NoticeChoice>),
    /// `subscribe_msg_sent_event`: what became of a subscription notice.
    SubscribeMsgSent(Vec<NoticeSent>),
    /// `kf_create_session`
    KfCreateSession {
        /// The agent.
        kf_account: String,
    },
    /// `kf_close_session`
    KfCloseSession {
        /// The agent.
        kf_account: String,
        /// Who closed it.
        close_type: Option<String>,
    },
    /// `kf_switch_session`
    KfSwitchSession {
        /// From this agent …
        from_kf_account: String,
        /// … to this one.
        to_kf_account: String,
    },
    /// `user_info_modified`: the fan changed an authorised profile.
    UserInfoModified {
        /// `OpenID`
        open_id: String,
        /// `RevokeInfo`
        revoke_info: String,
    },
    /// `user_authorization_revoke`: the fan's data must go.
    UserAuthorizationRevoke {
        /// `OpenID`
        open_id: String,
        /// `RevokeInfo`
        revoke_info: String,
    },
    /// `user_authorization_cancellation`: the fan's WeChat account is gone.
    UserAuthorizationCancellation {
        /// `OpenID`
        open_id: String,
    },
    /// `qualification_verify_success`, `naming_verify_success`, `annual_renew`, `verify_expired`.
    Verified {
        /// Which of the four, in WeChat's spelling.
        event: String,
        /// `ExpiredTime`, seconds since 1970.
        expired_time: Option<u64>,
    },
    /// `qualification_verify_fail`, `naming_verify_fail`.
    VerifyFailed {
        /// Which of the two, in WeChat's spelling.
        event: String,
        /// `FailTime`, seconds since 1970.
        fail_time: Option<u64>,
        /// `FailReason`
        fail_reason: String,
    },
    /// `user_enter_tempsession`: opened a talk with the account.
    UserEnterTempsession {
        /// Where from.
        session_from: String,
    },
    /// Any other `Event`, as it was written; its fields are in [`Message::other`].
    Other {
        /// As it was written.
        event: String,
    },
}

/// The three menu buttons that send pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureSource {
    /// `pic_sysphoto`: the camera.
    SysPhoto,
    /// `pic_photo_or_album`: camera or album.
    PhotoOrAlbum,
    /// `pic_weixin`: WeChat's album.
    Weixin,
}

/// One entry of `SubscribeMsgPopupEvent/List` or `SubscribeMsgChangeEvent/List`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeChoice {
    /// `TemplateId`
    pub template_id: String,
    /// `SubscribeStatusString` is `accept`.
    pub accepted: bool,
    /// `PopupScene`: 1 a page, 2 an article, 0 a mini program.
    pub popup_scene: Option<String>,
}

/// One entry of `SubscribeMsgSentEvent/List`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSent {
    /// `TemplateId`
    pub template_id: String,
    /// `MsgID`
    pub msg_id: String,
    /// `ErrorCode`, 0 when it arrived.
    pub error_code: String,
    /// `ErrorStatus`
    pub error_status: String,
}
