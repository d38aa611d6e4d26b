//! Access tokens ([protocol 4.1](../../../../shared/docs/wechat-protocol.md#4.1)).

use super::{MINUTE, SECOND, answer::Refusal, beijing_day};
use rand::{Rng, SeedableRng, distr::Alphanumeric};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// How long a token lives.
const LIFETIME: u64 = 7_200 * SECOND;

/// How long the old token and the new one are both good; also how long before its end a stable one is renewed.
const OVERLAP: u64 = 5 * MINUTE;

/// The least time between two refreshes by force.
const FORCE_GAP: u64 = 30 * SECOND;

/// Refreshes by force in a day.
const FORCED_MAX: u32 = 20;

/// As long as a sender has to reckon with.
const TOKEN_LENGTH: usize = 512;

/// How many tokens are remembered; older ones are as unknown ones.
const REMEMBERED: usize = 64;

/// The tokens get numbers of their own of the seed: streams of requests are hashes, and not this one.
const TOKEN_STREAM: u64 = 0;

/// All tokens of the account, both kinds.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    issued: VecDeque<Token>,
    /// How many there ever were.
    serial: u64,
    forced_at: Option<u64>,
    forced_day: u64,
    forced: u32,
    /// When the scripted kills were last looked at.
    looked: u64,
}

#[derive(Debug)]
struct Token {
    value: String,
    stable: bool,
    expires: u64,
    killed: bool,
}

impl Token {
    fn lives(&self, now: u64) -> bool {
        !self.killed && now < self.expires
    }
}

impl Tokens {
    /// A stable token and the seconds it has left. By force it is a new one, and those before are
    /// dead.
    pub(super) fn stable(&mut self, seed: u64, now: u64, force: bool) -> Result<(&str, u64), Refusal> {
        let force = force && self.forced_at.is_none_or(|at| at + FORCE_GAP <= now);
        if force {
            let today = beijing_day(now);
            if self.forced_day != today {
                (self.forced_day, self.forced) = (today, 0);
            }
            if self.forced >= FORCED_MAX {
                return Err(Refusal::DailyQuota);
            }
            self.forced += 1;
            self.forced_at = Some(now);
            self.kill();
        }
        let current = self.issued.iter().rposition(|token| token.stable && token.lives(now));
        match current.and_then(|at| self.issued.get_mut(at)) {
            Some(token) if token.expires - now < OVERLAP => token.expires = now + OVERLAP,
            Some(_) => return Ok(self.nth(current, now)),
            None => {}
        }
        Ok(self.issue(seed, now, true))
    }

    /// A token of the older kind: a new one each time, and the one before lives on for 5 minutes at most.
    pub(super) fn legacy(&mut self, seed: u64, now: u64) -> (&str, u64) {
        for token in self.issued.iter_mut().filter(|token| !token.stable) {
            token.expires = token.expires.min(now + OVERLAP);
        }
        self.issue(seed, now, false)
    }

    /// Whether a call may be made with it.
    pub(super) fn check(&self, value: &str, now: u64) -> Result<(), Refusal> {
        match self.issued.iter().rev().find(|token| token.value == value) {
            Some(token) if token.killed => Err(Refusal::TokenNotLatest),
            Some(token) if token.lives(now) => Ok(()),
            Some(_) => Err(Refusal::TokenExpired),
            None if value.len() == TOKEN_LENGTH => Err(Refusal::TokenNotLatest),
            None => Err(Refusal::TokenMalformed),
        }
    }

    /// Kills if one of these moments has come since the last look.
    pub(super) fn kill_at(&mut self, moments: &[u64], now: u64) {
        let since = std::mem::replace(&mut self.looked, now);
        if moments.iter().any(|moment| since < *moment && *moment <= now) {
            self.kill();
        }
    }

    /// All stable tokens up to now are dead.
    pub(super) fn kill(&mut self) {
        self.issued.iter_mut().filter(|token| token.stable).for_each(|token| token.killed = true);
    }

    /// How many were ever issued.
    pub(super) fn count(&self) -> u64 {
        self.serial
    }

    fn issue(&mut self, seed: u64, now: u64, stable: bool) -> (&str, u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(TOKEN_STREAM);
        rng.set_word_pos(u128::from(self.serial) << 16);
        self.serial += 1;
        let value = (0..TOKEN_LENGTH).map(|_| char::from(rng.sample(Alphanumeric))).collect();
        self.issued.push_back(Token { value, stable, expires: now + LIFETIME, killed: false });
        if self.issued.len() > REMEMBERED {
            self.issued.pop_front();
        }
        self.nth(self.issued.len().checked_sub(1), now)
    }

    fn nth(&self, at: Option<usize>, now: u64) -> (&str, u64) {
        let token = at.and_then(|at| self.issued.get(at));
        token.map_or(("", 0), |token| (&token.value, (token.expires - now) / SECOND))
    }
}
