//! What each of WeChat's error codes means for us. Nobody else knows a code.
//!
//! Source: [protocol 4.4, with 4.1 and 8.2](../../../docs/wechat-protocol.md#4.4). Not there, but in WeChat's public
//! tables of return codes, and about one template rather than the account: 40036, 40039, 40048, 40066, 40165, 40166,
//! 45168; about notices: 43107, 43108.

use super::Api;

/// What a code means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// WeChat took it, now or when the same id came before.
    Done,
    /// The token is no longer valid: fetch a new one, once for all calls in flight, and make this call once more.
    RefreshToken,
    /// This fan does not get this push, now or later: it is refused for good.
    FanNever,
    /// This fan cannot get it now: it is refused, and a later push to the fan may well arrive.
    FanLater,
    /// This call does not reach this fan now: it is refused, and another way may well reach the fan.
    WayClosed,
    /// The template, or what the playbook puts into it, is wrong for everybody: stop this template and raise one alarm.
    TemplateBroken,
    /// The quota of this call is used up: make it no more until the next Beijing day.
    QuotaUsedUp,
    /// The quota of this minute is used up: wait for the next one, and go on slower.
    SlowDown,
    /// WeChat or the way to it is in trouble: make the same request, with the same id, again after a growing pause.
    BackOff,
    /// It may have happened, and a second call could be a second copy: never repeat it; only an event tells.
    Unknown,
    /// The configuration, the account or this program is wrong, or the code is new to us: stop, and raise one alarm with the
    /// code; a person must act.
    Alarm,
}

/// The text for a code that is not in [`CODES`].
const NEW_TO_US: &str = "a code that Guanxi does not know";

/// Code, meaning, and what a report says. In the order of codes.
const CODES: &[(i64, Meaning, &str)] = {
    use Meaning::*;
    &[
        (-1, BackOff, "WeChat is busy"),
        (0, Done, "ok"),
        (40001, RefreshToken, "the secret is wrong, or the token is not the latest"),
        (40002, Alarm, "wrong grant_type"),
        (40003, FanNever, "no such openid for this account, or not a follower"),
        (40008, Alarm, "no such type of message"),
        (40013, Alarm, "the AppID is wrong"),
        (40014, RefreshToken, "the token is not valid"),
        (40033, Alarm, "the body has \\u escapes"),
        (40035, Alarm, "a parameter is wrong"),
        (40036, TemplateBroken, "the template_id has a wrong length"),
        (40037, TemplateBroken, "the template_id is not one of this account for this call"),
        (40039, TemplateBroken, "the link has a wrong length"),
        (40048, TemplateBroken, "the link's domain is not allowed"),
        (40066, TemplateBroken, "the link is wrong"),
        (40097, Alarm, "the arguments are wrong"),
        (40125, Alarm, "the AppSecret is wrong"),
        (40164, Alarm, "our IP address is not in the account's white list"),
        (40165, TemplateBroken, "no such page in the mini program"),
        (40166, TemplateBroken, "no such mini program, or not one of this account"),
        (40243, Alarm, "the AppSecret is frozen"),
        (41001, Alarm, "the token is missing"),
        (41030, TemplateBroken, "no such page"),
        (42001, RefreshToken, "the token has expired"),
        (42010, FanLater, "the same to the same fan too quickly"),
        (43002, Alarm, "it must be a POST"),
        (43003, Alarm, "it must be HTTPS"),
        (43004, FanNever, "the fan does not follow"),
        (43019, FanNever, "the fan is on the account's blacklist"),
        (43101, WayClosed, "the fan refused, or has no subscription left"),
        (43107, Alarm, "the account may not send notices"),
        (43108, FanLater, "two notices to the fan at once"),
        (43116, TemplateBroken, "the template is banned or disabled"),
        (44002, Alarm, "the body is empty"),
        (45002, TemplateBroken, "the content is too long"),
        (45009, QuotaUsedUp, "the day's quota is used up"),
        (45011, SlowDown, "the minute's quota is used up"),
        (45015, WayClosed, "the fan has not written within 48 hours, or does not follow"),
        (45047, WayClosed, "the messages that the fan's last action allowed are used up"),
        (45065, Done, "this id was taken before"),
        (45066, BackOff, "the same id again within a minute"),
        (45067, Alarm, "the id is too long"),
        (45168, TemplateBroken, "the content has words that WeChat does not allow"),
        (46004, FanNever, "no such user"),
        (47001, Alarm, "the body is not JSON"),
        (47003, TemplateBroken, "a field is empty or breaks the rule of its type"),
        (48001, Alarm, "the account has no right to this call"),
        (48002, FanNever, "the fan refuses messages"),
        (48004, Alarm, "the account is banned from this call"),
        (48008, Alarm, "the account has no right to this type of message"),
        (49003, FanNever, "the openid belongs to another account"),
        (50002, Alarm, "the account is limited or frozen"),
        (50004, Alarm, "the account may not fetch tokens"),
        (50005, FanNever, "the fan does not follow"),
        (50007, Alarm, "the account is frozen"),
        (61450, BackOff, "WeChat's customer service is busy"),
        (65400, Alarm, "customer service is not switched on"),
        (76021, Alarm, "no such path in the quota query"),
        (76022, Alarm, "the path of the quota query is not ours"),
        (89503, Alarm, "the administrator must confirm our IP address"),
        (89504, Alarm, "the administrator has been asked and has not answered"),
        (89505, Alarm, "the administrator did not confirm in time"),
        (89506, Alarm, "the administrator refused our IP address for 24 hours"),
        (89507, Alarm, "the administrator refused our IP address for an hour"),
    ]
};

impl Api {
    /// What a code means when this call answers it, and what a report says. A code that we do not know is an alarm.
    pub fn meaning(self, code: i64) -> (Meaning, &'static str) {
        let known = CODES.binary_search_by_key(&code, |entry| entry.0).ok().and_then(|at| CODES.get(at));
        let (meaning, text) = known.map_or((Meaning::Alarm, NEW_TO_US), |(_, meaning, text)| (*meaning, text));
        match (self, meaning) {
            // There the same code speaks of the secret, and a new token would be asked for without end.
            (Self::StableToken, Meaning::RefreshToken) => (Meaning::Alarm, text),
            (_, Meaning::BackOff) if !self.may_repeat() => (Meaning::Unknown, text),
            _ => (meaning, text),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_codes_are_in_order_so_that_a_search_finds_each() {
        assert!(super::CODES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
