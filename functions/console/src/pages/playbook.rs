//! The playbook's page: everything it does is decided by [`desk`].

use super::{Guest, HTML, see_other};
use crate::{
    instance::{BUILT_IN, Instance},
    set,
};
use guanxi::{
    console::{
        self, Page, Posted, Told, Versions, View,
        desk::{self, BuiltIn, Desk, Done, Form},
        session::Session,
    },
    report::Moment,
};
use guanxi_spin::{
    Response, Stopwatch, now, random, respond,
    shell::{Refused, publication},
};

/// The playbook that was compiled into this component.
const BUILT: BuiltIn = BuiltIn { source: include_str!("../../../playbook.toml"), compiled: BUILT_IN };

/// The page as its address asks for it.
pub(crate) async fn show(
    guest: &Guest,
    session: &Session,
    asked: Versions,
    watch: &Stopwatch,
) -> Result<Response, Refused> {
    let instance = Instance::get(watch).await?;
    let desk = desk::shown(&instance.store, asked, BUILT).await.map_err(Refused::unavailable)?;
    page(guest, session, (200, asked), &desk, watch).await
}

/// Does what a form of the session wants.
pub(crate) async fn post(guest: &Guest, session: &Session, posted: &Posted) -> Result<Response, Refused> {
    // The store's time does not depend on how long the form took.
    let (watch, now) = (Stopwatch::start(), now());
    let instance = Instance::get(&watch).await?;
    let done = desk::posted(&instance.store, &watch, Form::of(posted), &session.name, BUILT, (random(), now)).await;
    let told = match done.map_err(Refused::unavailable)? {
        Done::Page(status, desk) => return page(guest, session, (status, Versions::default()), &desk, &watch).await,
        Done::Saved => Told::Saved,
        Done::Published(published) => {
            publication(published.number);
            Told::Published
        }
    };
    Ok(see_other(&Page::Playbook(Versions { done: Some(told), ..Versions::default() }), None))
}

async fn page(
    guest: &Guest,
    session: &Session,
    (status, asked): (u16, Versions),
    desk: &Desk,
    watch: &Stopwatch,
) -> Result<Response, Refused> {
    let playbook = Instance::get(watch).await?.playbook(watch).await?;
    let (page, moment) = (Page::Playbook(asked), Moment { now: now(), backlog: None });
    let view = View { language: guest.language, csrf: &session.csrf, page: &page, brand: &playbook.brand, moment };
    let mut response = respond(status, HTML, console::playbook(&view, desk));
    set(&mut response, "content-security-policy", console::SCRIPTED);
    Ok(response)
}
