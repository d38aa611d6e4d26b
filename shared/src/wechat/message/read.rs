//! From [`Fields`] to [`Message`]: which field of which kind is called what.

use super::{Event, Kind, Message, NoticeChoice, NoticeSent, ParseError, PictureSource};
use crate::{
    time::Timestamp,
    wechat::fields::{Fields, Format},
};

/// Where the subscription-notice events keep their `List`. The wrapper of the popup event was once documented for the
/// change event, and JSON has none at all; so each is accepted for each.
const NOTICE_WRAPPERS: [&str; 3] = ["SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent"];

impl Message {
    /// Reads a body, XML or JSON.
    ///
    /// # Errors
    /// [`ParseError`], which never holds text of the body.
    pub fn parse(body: &[u8]) -> Result<(Format, Self), ParseError> {
        let (format, fields) = Fields::parse(body)?;
        Ok((format, Self::from_fields(fields)?))
    }

    /// Reads fields. A field of the kind's own that is absent is empty; the four that every message has must be there.
    ///
    /// # Errors
    /// [`ParseError::Missing`], [`ParseError::FromUserName`], [`ParseError::CreateTime`]
    pub fn from_fields(mut fields: Fields) -> Result<Self, ParseError> {
        let to_user_name = basic(&mut fields, "ToUserName")?;
        let from_user_name = basic(&mut fields, "FromUserName")?.try_into().map_err(|_| ParseError::FromUserName)?;
        let create_time = basic(&mut fields, "CreateTime")?.trim().parse().map_err(|_| ParseError::CreateTime)?;
        let msg_type = basic(&mut fields, "MsgType")?;
        let is_event = msg_type.eq_ignore_ascii_case("event");
        let msg_id = if is_event { None } else { one_of(&mut fields, &["MsgId", "MsgID"]) };
        let kind = if is_event { Kind::Event(event(&mut fields)?) } else { kind(msg_type, &mut fields) };
        Ok(Self { to_user_name, from_user_name, create_time: Timestamp(create_time), msg_id, kind, other: fields })
    }
}

/// A field that every message has.
fn basic(fields: &mut Fields, name: &'static str) -> Result<String, ParseError> {
    fields.take(name).filter(|text| !text.is_empty()).ok_or(ParseError::Missing(name))
}

/// A field that the kind has; empty where it is absent.
fn own(fields: &mut Fields, name: &str) -> String {
    fields.take(name).unwrap_or_default()
}

/// A field that the kind may have; an empty one counts as none.
fn optional(fields: &mut Fields, name: &str) -> Option<String> {
    fields.take(name).filter(|text| !text.is_empty())
}

/// A field whose spelling varies.
fn one_of(fields: &mut Fields, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| optional(fields, name))
}

fn kind(msg_type: String, fields: &mut Fields) -> Kind {
    match msg_type.to_ascii_lowercase().as_str() {
        "text" => Kind::Text { content: own(fields, "Content"), bizmsgmenuid: optional(fields, "bizmsgmenuid") },
        "image" => Kind::Image { pic_url: own(fields, "PicUrl"), media_id: own(fields, "MediaId") },
        "voice" => Kind::Voice {
            media_id: own(fields, "MediaId"),
            format: own(fields, "Format"),
            media_id_16k: optional(fields, "MediaId16K"),
            recognition: optional(fields, "Recognition"),
        },
        "video" => Kind::Video { media_id: own(fields, "MediaId"), thumb_media_id: own(fields, "ThumbMediaId") },
        "shortvideo" => {
            Kind::ShortVideo { media_id: own(fields, "MediaId"), thumb_media_id: own(fields, "ThumbMediaId") }
        }
        "location" => Kind::Location {
            latitude: own(fields, "Location_X"),
            longitude: own(fields, "Location_Y"),
            scale: own(fields, "Scale"),
            label: own(fields, "Label"),
        },
        "link" => {
            Kind::Link { title: own(fields, "Title"), description: own(fields, "Description"), url: own(fields, "Url") }
        }
        "miniprogrampage" => Kind::MiniProgramPage {
            title: own(fields, "Title"),
            app_id: own(fields, "AppId"),
            page_path: own(fields, "PagePath"),
            thumb_url: own(fields, "ThumbUrl"),
            thumb_media_id: own(fields, "ThumbMediaId"),
        },
        "file" => Kind::File {
            title: own(fields, "Title"),
            description: own(fields, "Description"),
            file_key: own(fields, "FileKey"),
            file_md5: own(fields, "FileMd5"),
            file_total_len: own(fields, "FileTotalLen"),
        },
        _ => Kind::Other { msg_type },
    }
}

fn event(fields: &mut Fields) -> Result<Event, ParseError> {
    let event = basic(fields, "Event")?;
    let name = event.to_ascii_lowercase();
    let known = fan_event(&name, fields).or_else(|| menu_event(&name, fields)).or_else(|| result_event(&name, fields));
    Ok(known.or_else(|| account_event(&name, fields)).unwrap_or(Event::Other { event }))
}

/// Follows, scans and what the client reports by itself.
fn fan_event(name: &str, fields: &mut Fields) -> Option<Event> {
    Some(match name {
        "subscribe" => Event::Subscribe { event_key: own(fields, "EventKey"), ticket: optional(fields, "Ticket") },
        "unsubscribe" => Event::Unsubscribe { event_key: own(fields, "EventKey") },
        "scan" => Event::Scan { event_key: own(fields, "EventKey"), ticket: optional(fields, "Ticket") },
        "location" => Event::Location {
            latitude: own(fields, "Latitude"),
            longitude: own(fields, "Longitude"),
            precision: own(fields, "Precision"),
        },
        "user_enter_tempsession" => Event::UserEnterTempsession { session_from: own(fields, "SessionFrom") },
        _ => return None,
    })
}

fn menu_event(name: &str, fields: &mut Fields) -> Option<Event> {
    Some(match name {
        "click" => Event::Click { event_key: own(fields, "EventKey") },
        "view" => Event::View { event_key: own(fields, "EventKey"), menu_id: menu_id(fields) },
        "view_miniprogram" => Event::ViewMiniProgram { event_key: own(fields, "EventKey"), menu_id: menu_id(fields) },
        "scancode_push" => {
            let (scan_type, scan_result) = scan_code_info(fields);
            Event::ScancodePush { event_key: own(fields, "EventKey"), scan_type, scan_result }
        }
        "scancode_waitmsg" => {
            let (scan_type, scan_result) = scan_code_info(fields);
            Event::ScancodeWaitmsg { event_key: own(fields, "EventKey"), scan_type, scan_result }
        }
        "pic_sysphoto" => pictures(PictureSource::SysPhoto, fields),
        "pic_photo_or_album" => pictures(PictureSource::PhotoOrAlbum, fields),
        "pic_weixin" => pictures(PictureSource::Weixin, fields),
        "location_select" => location_select(fields),
        _ => return None,
    })
}

fn menu_id(fields: &mut Fields) -> Option<String> {
    one_of(fields, &["MenuId", "MenuID"])
}

fn scan_code_info(fields: &mut Fields) -> (String, String) {
    let info = fields.read_groups("ScanCodeInfo", |info| (own(info, "ScanType"), own(info, "ScanResult")));
    info.into_iter().next().unwrap_or_default()
}

fn pictures(source: PictureSource, fields: &mut Fields) -> Event {
    let mut count = String::new();
    let mut md5_sums = Vec::new();
    fields.read_groups("SendPicsInfo", |info| {
        count = own(info, "Count");
        info.read_groups("PicList", |list| {
            list.read_groups("item", |item| md5_sums.extend(item.take("PicMd5Sum")));
            md5_sums.extend(list.take_all("PicMd5Sum"));
        });
    });
    Event::Pictures { source, event_key: own(fields, "EventKey"), count, md5_sums }
}

fn location_select(fields: &mut Fields) -> Event {
    let event_key = own(fields, "EventKey");
    let place = |info: &mut Fields| Event::LocationSelect {
        event_key: event_key.clone(),
        latitude: own(info, "Location_X"),
        longitude: own(info, "Location_Y"),
        scale: own(info, "Scale"),
        label: own(info, "Label"),
        poiname: own(info, "Poiname"),
    };
    let places = fields.read_groups("SendLocationInfo", place);
    places.into_iter().next().unwrap_or_else(|| place(&mut Fields::default()))
}

/// What became of something the account sent, and what fans chose about it.
fn result_event(name: &str, fields: &mut Fields) -> Option<Event> {
    Some(match name {
        "templatesendjobfinish" => {
            Event::TemplateSendJobFinish { msg_id: job_id(fields), status: own(fields, "Status") }
        }
        "masssendjobfinish" => Event::MassSendJobFinish {
            msg_id: job_id(fields),
            status: own(fields, "Status"),
            total_count: fields.take_number("TotalCount"),
            filter_count: fields.take_number("FilterCount"),
            sent_count: fields.take_number("SentCount"),
            error_count: fields.take_number("ErrorCount"),
        },
        "publishjobfinish" | "freepublishjobfinish" => publish_job_finish(fields),
        "subscribe_msg_popup_event" => Event::SubscribeMsgPopup(notices(fields, notice_choice)),
        "subscribe_msg_change_event" => Event::SubscribeMsgChange(notices(fields, notice_choice)),
        "subscribe_msg_sent_event" => Event::SubscribeMsgSent(notices(fields, notice_sent)),
        _ => return None,
    })
}

fn job_id(fields: &mut Fields) -> String {
    one_of(fields, &["MsgID", "MsgId"]).unwrap_or_default()
}

fn publish_job_finish(fields: &mut Fields) -> Event {
    let info = fields.read_groups("PublishEventInfo", |info| (own(info, "publish_id"), own(info, "publish_status")));
    let (publish_id, publish_status) = info.into_iter().next().unwrap_or_default();
    Event::PublishJobFinish { publish_id, publish_status }
}

/// Every `List` of a subscription-notice event, in its wrapper or without one.
fn notices<T>(fields: &mut Fields, read: fn(&mut Fields) -> T) -> Vec<T> {
    let mut all = Vec::new();
    for wrapper in NOTICE_WRAPPERS {
        all.extend(fields.read_groups(wrapper, |group| group.read_groups("List", read)).into_iter().flatten());
    }
    all.extend(fields.read_groups("List", read));
    all
}

fn notice_choice(item: &mut Fields) -> NoticeChoice {
    NoticeChoice {
        template_id: own(item, "TemplateId"),
        accepted: own(item, "SubscribeStatusString").eq_ignore_ascii_case("accept"),
        popup_scene: optional(item, "PopupScene"),
    }
}

fn notice_sent(item: &mut Fields) -> NoticeSent {
    NoticeSent {
        template_id: own(item, "TemplateId"),
        msg_id: job_id(item),
        error_code: own(item, "ErrorCode"),
        error_status: own(item, "ErrorStatus"),
    }
}

/// Agents' sessions, privacy, and the account's own verification.
fn account_event(name: &str, fields: &mut Fields) -> Option<Event> {
    Some(match name {
        "kf_create_session" => Event::KfCreateSession { kf_account: own(fields, "KfAccount") },
        "kf_close_session" => {
            Event::KfCloseSession { kf_account: own(fields, "KfAccount"), close_type: optional(fields, "CloseType") }
        }
        "kf_switch_session" => Event::KfSwitchSession {
            from_kf_account: own(fields, "FromKfAccount"),
            to_kf_account: own(fields, "ToKfAccount"),
        },
        "user_info_modified" => {
            Event::UserInfoModified { open_id: open_id(fields), revoke_info: own(fields, "RevokeInfo") }
        }
        "user_authorization_revoke" => {
            Event::UserAuthorizationRevoke { open_id: open_id(fields), revoke_info: own(fields, "RevokeInfo") }
        }
        "user_authorization_cancellation" => Event::UserAuthorizationCancellation { open_id: open_id(fields) },
        "qualification_verify_success" | "naming_verify_success" | "annual_renew" | "verify_expired" => {
            Event::Verified { event: name.to_owned(), expired_time: fields.take_number("ExpiredTime") }
        }
        "qualification_verify_fail" | "naming_verify_fail" => Event::VerifyFailed {
            event: name.to_owned(),
            fail_time: fields.take_number("FailTime"),
            fail_reason: own(fields, "FailReason"),
        },
        _ => return None,
    })
}

fn open_id(fields: &mut Fields) -> String {
    one_of(fields, &["OpenID", "openid", "OpenId"]).unwrap_or_default()
}
