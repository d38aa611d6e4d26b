//! The fans, as WeChat knows them.

use super::{HOUR, MINUTE};
use crate::scenario::Act;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// All people that the account knows, by openid. A setter adds one that it does not know; that one does not follow yet.
#[derive(Clone, Debug, Default)]
pub struct Audience {
    places: HashMap<Arc<str>, usize>,
    fans: Vec<Fan>,
}

/// One person.
#[derive(Clone, Debug)]
pub struct Fan {
    /// WeChat's name for this person in this account.
    pub openid: Arc<str>,
    /// Follows; otherwise template messages get 43004 and customer messages 45015.
    pub following: bool,
    /// On the account's blacklist: 43019.
    pub blacklisted: bool,
    /// Restricted by WeChat: 50002.
    pub limited: bool,
    /// Refuses the account's messages: a template message is accepted and ends as `failed:user block`.
    pub refuses: bool,
    /// When this fan last followed.
    pub followed_at: u64,
    /// The QR code that brought the fan, then.
    pub scene: Option<Box<str>>,
    /// Messages that the fan's own last message allows …
    talk: Window,
    /// … and those that the last follow, scan or tap allows.
    touch: Window,
    /// Notices allowed, by template.
    permissions: BTreeMap<Arc<str>, u32>,
}

/// A time in which so many customer messages may be sent
/// ([protocol 8.4](../../../../shared/docs/wechat-protocol.md#8.4)).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// The first moment at which it is closed.
    closes: u64,
    left: u8,
}

impl Window {
    const fn talk(now: u64) -> Self {
        Self { closes: now + 48 * HOUR, left: 5 }
    }

    const fn touch(now: u64) -> Self {
        Self { closes: now + MINUTE, left: 3 }
    }

    const fn is_open(&self, now: u64) -> bool {
        now < self.closes
    }
}

impl Audience {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.fans.len()
    }

    /// Nobody was ever here.
    pub fn is_empty(&self) -> bool {
        self.fans.is_empty()
    }

    /// All of them, in the order in which they came.
    pub fn fans(&self) -> impl Iterator<Item = &Fan> {
        self.fans.iter()
    }

    /// One of them.
    pub fn get(&self, openid: &str) -> Option<&Fan> {
        self.fans.get(*self.places.get(openid)?)
    }

    /// One of them, added if unknown.
    pub fn fan(&mut self, openid: &str) -> &mut Fan {
        let place = self.places.get(openid).copied().unwrap_or_else(|| {
            let openid: Arc<str> = openid.into();
            self.places.insert(openid.clone(), self.fans.len());
            self.fans.push(Fan::new(openid));
            self.fans.len() - 1
        });
        // It is there: places are only made together with fans.
        #[allow(clippy::indexing_slicing)]
        &mut self.fans[place]
    }

    /// Like [`Self::fan`], but nobody is added.
    pub(super) fn known(&mut self, openid: &str) -> Option<&mut Fan> {
        self.fans.get_mut(*self.places.get(openid)?)
    }

    /// What `act` of this fan changes here: following, windows, permissions.
    pub fn act(&mut self, openid: &str, act: &Act, now: u64) {
        let fan = self.fan(openid);
        match act {
            Act::Follow { scene } => {
                fan.follow(now);
                fan.scene = scene.as_deref().map(Box::from);
            }
            Act::Unfollow => fan.unfollow(),
            Act::Scan { .. } | Act::Click { .. } => fan.touch(now),
            Act::Popup { template_id, accept: true } => fan.permit(template_id, 1),
            act if act.is_message() => fan.write(now),
            _ => {}
        }
    }
}

impl Fan {
    fn new(openid: Arc<str>) -> Self {
        Self {
            openid,
            following: false,
            blacklisted: false,
            limited: false,
            refuses: false,
            followed_at: 0,
            scene: None,
            talk: Window::default(),
            touch: Window::default(),
            permissions: BTreeMap::new(),
        }
    }

    /// Follows, which allows 3 customer messages within a minute.
    pub fn follow(&mut self, now: u64) {
        self.following = true;
        self.followed_at = now;
        self.touch(now);
    }

    /// Unfollows, which closes all windows. Permissions for notices stay.
    pub fn unfollow(&mut self) {
        self.following = false;
        (self.talk, self.touch) = (Window::default(), Window::default());
    }

    /// Writes, which allows 5 customer messages within 48 hours.
    pub fn write(&mut self, now: u64) {
        self.talk = Window::talk(now);
    }

    /// Scans a code or taps the menu, which allows 3 customer messages within a minute.
    pub fn touch(&mut self, now: u64) {
        self.touch = Window::touch(now);
    }

    /// Allows so many more notices of this template.
    pub fn permit(&mut self, template_id: &str, notices: u32) {
        match self.permissions.get_mut(template_id) {
            Some(left) => *left += notices,
            None => _ = self.permissions.insert(template_id.into(), notices),
        }
    }

    /// How many notices of this template are allowed.
    pub fn permissions(&self, template_id: &str) -> u32 {
        self.permissions.get(template_id).copied().unwrap_or_default()
    }

    /// Uses one permission up, if there is one.
    pub(super) fn take_permission(&mut self, template_id: &str) -> bool {
        match self.permissions.get_mut(template_id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Uses one customer message of an open window up, of the one that closes first if both have any. `Err`: whether any
    /// window is open.
    pub(super) fn take_message(&mut self, now: u64) -> Result<(), bool> {
        let [touch, talk] = [&mut self.touch, &mut self.talk];
        let open = touch.is_open(now) || talk.is_open(now);
        let usable = [touch, talk].into_iter().filter(|window| window.is_open(now) && window.left > 0);
        let first = usable.min_by_key(|window| window.closes).ok_or(open)?;
        first.left -= 1;
        Ok(())
    }
}
