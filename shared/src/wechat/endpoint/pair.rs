//! What is in force, and what takes its place.

/// Which of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Which {
    /// `wechat_token`, `wechat_encoding_aes_key`
    #[default]
    Current,
    /// `wechat_token_next`, `wechat_encoding_aes_key_next`
    Next,
}

/// One secret, or two of a kind while one takes the place of the other.
#[derive(Clone)]
pub(super) struct Pair<T> {
    pub(super) current: T,
    pub(super) next: Option<T>,
}

impl<T> Pair<T> {
    /// One alone.
    pub(super) fn new(current: T) -> Self {
        Self { current, next: None }
    }

    /// That one; where there is no next, the current one.
    pub(super) fn get(&self, which: Which) -> &T {
        match (which, &self.next) {
            (Which::Next, Some(next)) => next,
            _ => &self.current,
        }
    }

    /// What comes of the current one or, where that fails, of the next; and of which.
    ///
    /// # Errors
    /// Where both fail, the current one's.
    pub(super) fn first<R, E>(&self, attempt: impl Fn(&T) -> Result<R, E>) -> Result<(Which, R), E> {
        match (attempt(&self.current), &self.next) {
            (Err(error), Some(next)) => attempt(next).map(|done| (Which::Next, done)).map_err(|_| error),
            (done, _) => done.map(|done| (Which::Current, done)),
        }
    }
}
