//! WeChat as the sender reaches it: the access token, fetched and renewed once for all calls in flight, and calls that have
//! an end.

use crate::{
    store::{
        Store, Timer,
        lease::{Run, WORK_LIMIT},
    },
    time::Timestamp,
    wechat::api::{
        AccessToken, Answer, Api, ApiUrl, AppSecret, CallError, Calls, Failure, HttpAnswer, Meaning, Method, Request,
        quota::{self, Quota},
        token,
        vault::{Forced, KeptToken, NONCE_LEN, Vault},
    },
};
use futures::{
    future::{Either, select},
    lock::Mutex,
};
use std::{cell::RefCell, convert::Infallible, pin::pin, time::Duration};

/// Where the token rests.
pub const TOKEN: &str = "token";
/// A call that has no answer by then counts as lost.
pub const CALL_LIMIT: Duration = Duration::from_secs(5);
/// A token that ends sooner is not used, in seconds.
const SPARE_SECONDS: u64 = 120;

/// What it takes to call WeChat.
pub struct Credentials {
    /// `wechat_api_url`
    pub url: ApiUrl,
    /// `wechat_app_id`
    pub app_id: String,
    /// `wechat_app_secret`
    pub secret: AppSecret,
}

/// The account, during a run.
pub(super) struct Account<'a, S, T, C> {
    run: &'a Run<'a, S, T>,
    calls: Limited<'a, T, C>,
    credentials: &'a Credentials,
    vault: Vault,
    nonce: &'a dyn Fn() -> [u8; NONCE_LEN],
    token: RefCell<Option<KeptToken>>,
    renewing: Mutex<()>,
    /// Why the last fetch failed, and how many did.
    failed: RefCell<(u64, Option<Failure>)>,
}

impl<'a, S: Store, T: Timer, C: Calls> Account<'a, S, T, C> {
    pub(super) fn new(
        run: &'a Run<'a, S, T>,
        calls: &'a C,
        credentials: &'a Credentials,
        nonce: &'a dyn Fn() -> [u8; NONCE_LEN],
    ) -> Self {
        Self {
            run,
            calls: Limited { calls, timer: run.timer() },
            credentials,
            vault: Vault::new(&credentials.secret, credentials.app_id.clone()),
            nonce,
            token: RefCell::default(),
            renewing: Mutex::default(),
            failed: RefCell::default(),
        }
    }

    /// Makes a call with the token; once more with a new one where WeChat says that it is the token. Each time it asks the gate,
    /// as the last thing before the call leaves.
    ///
    /// # Errors
    /// Outside: why the gate is closed, and the call was not made. Inside: [`Failure`].
    pub(super) async fn call<G>(
        &self,
        request: &Request,
        gate: impl AsyncFn() -> Result<(), G>,
    ) -> Result<Result<Answer, Failure>, G> {
        let mut bad = None;
        loop {
            let token = match self.token(bad.as_ref()).await {
                Ok(token) => token,
                Err(failure) => return Ok(Err(failure)),
            };
            gate().await?;
            match request.send(&self.calls, &self.credentials.url, Some(&token)).await {
                Err(failure) if failure.meaning == Meaning::RefreshToken && bad.is_none() => bad = Some(token),
                result => return Ok(result),
            }
        }
    }

    /// What is left of the quota of a call.
    pub(super) async fn quota(&self, of: Api) -> Result<Quota, Failure> {
        match self.call(&quota::request(of), async || Ok::<(), Infallible>(())).await {
            Ok(answer) => Ok(quota::read(&answer?)?),
        }
    }

    /// Since when there is the token in use, and until when.
    pub(super) fn standing(&self) -> Option<(Timestamp, Timestamp)> {
        self.token.borrow().as_ref().map(|kept| (kept.fetched_at, kept.expires_at))
    }

    /// The token; another than `bad`, which WeChat no longer takes. Whoever comes while it is fetched waits for it, and
    /// shares the failure too: 64 who try in turn would outlast the run.
    async fn token(&self, bad: Option<&AccessToken>) -> Result<AccessToken, Failure> {
        let failed = self.failed.borrow().0;
        let _turn = self.renewing.lock().await;
        match &*self.failed.borrow() {
            (now, Some(failure)) if *now != failed => return Err(failure.clone()),
            _ => {}
        }
        if self.token.borrow().is_none() {
            // One that cannot be read or opened is as good as none.
            let stored = self.run.get(TOKEN).await.ok().flatten();
            let opened = stored.and_then(|bytes| self.vault.open(&bytes).ok());
            self.token.replace(opened);
        }
        let now = self.run.now();
        let kept = self.token.borrow().clone();
        match &kept {
            Some(kept) if kept.left(now) > SPARE_SECONDS && bad != Some(&kept.token) => return Ok(kept.token.clone()),
            _ => {}
        }
        let last = kept.and_then(|kept| kept.forced);
        let mut new = KeptToken::new(self.fetch(false).await?, now, last);
        // Around a renewal the old one may be what is given out; if WeChat insists on it, only force helps.
        if bad == Some(&new.token)
            && let Some(forced) = Forced::again(last, now)
        {
            new = KeptToken::new(self.fetch(true).await?, now, Some(forced));
        }
        let token = new.token.clone();
        // Not stored is not lost: the next run asks again.
        let _ = self.run.set(TOKEN, &self.vault.seal(&new, (self.nonce)())).await;
        self.token.replace(Some(new));
        Ok(token)
    }

    async fn fetch(&self, force_refresh: bool) -> Result<token::Granted, Failure> {
        let Credentials { url, app_id, secret } = self.credentials;
        let answer = token::request(app_id, secret, force_refresh).send(&self.calls, url, None).await;
        answer.and_then(|answer| Ok(token::read(&answer)?)).map_err(|failure| {
            // Whatever became of it: the call that it was for has not been made.
            let failure = Failure { uncertain: false, ..failure };
            let mut failed = self.failed.borrow_mut();
            *failed = (failed.0 + 1, Some(failure.clone()));
            failure
        })
    }
}

/// Calls that end, and within the run's time.
struct Limited<'a, T, C> {
    calls: &'a C,
    timer: &'a T,
}

impl<T: Timer, C: Calls> Calls for Limited<'_, T, C> {
    async fn call(&self, url: &str, method: Method, body: &str) -> Result<HttpAnswer, CallError> {
        if self.timer.elapsed() + CALL_LIMIT > WORK_LIMIT {
            return Err(CallError::NotSent("the run's time is up".into()));
        }
        match select(pin!(self.calls.call(url, method, body)), pin!(self.timer.sleep(CALL_LIMIT))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(CallError::Lost(format!("no answer in {} s", CALL_LIMIT.as_secs()))),
        }
    }
}
