//! The draft: of all that were made from one, one is kept, whatever the store does.

use super::publish::drive;
use futures::{FutureExt, join};
use guanxi::{
    playbook::draft::{Base, DRAFT_MAX, Draft, Unsaved, load, save},
    store::{
        Store,
        memory::{Fate, Memory},
    },
    time::Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn draft(by: &str, text: &str) -> Draft {
    Draft { by: by.into(), at: Timestamp(1_800_000_000), text: text.into() }
}

fn loaded(store: &Memory) -> (Option<Draft>, Base) {
    load(store).now_or_never().unwrap().unwrap()
}

/// None: it was stopped.
fn saved(store: &Memory, base: Base, draft: &Draft) -> Option<Result<(), Unsaved>> {
    save(store, &Never, base, draft).now_or_never()
}

#[test]
fn who_saves_over_what_another_saved_meanwhile_is_told_and_changes_nothing() {
    let store = Memory::default();
    let (none, empty) = loaded(&store);
    assert_eq!(none, None);
    let (wang, li) = (draft("小王", "one"), draft("小李", "two"));
    saved(&store, empty, &wang).unwrap().unwrap();
    for _ in 0..2 {
        assert_eq!(saved(&store, empty, &li).unwrap(), Err(Unsaved::Meanwhile));
    }
    let (kept, base) = loaded(&store);
    assert_eq!(kept, Some(wang.clone()));
    assert_eq!(base.to_string().parse::<Base>(), Ok(base), "a form carries it");
    // Knowingly.
    saved(&store, base, &li).unwrap().unwrap();
    assert_eq!(loaded(&store).0, Some(li));
    assert_eq!(saved(&store, base, &wang).unwrap(), Err(Unsaved::Meanwhile));
}

#[test]
fn of_two_who_save_at_once_one_is_kept() {
    for (slow, steps) in [(0, 1), (1, 1), (2, 1), (0, 3), (1, 3), (2, 5), (1, 0)] {
        let store = Memory::default();
        saved(&store, Base::default(), &draft("", "before")).unwrap().unwrap();
        let base = loaded(&store).1;
        store.judge_by(move |operation| Fate::Late(if operation.number % 3 == slow { steps } else { 0 }));
        let (wang, li) = (draft("小王", "one"), draft("小李", "two"));
        let both = async { join!(save(&store, &Never, base, &wang), save(&store, &Never, base, &li)) };
        let said = drive(both);
        store.judge_by(|_| Fate::Works);
        let kept = match said {
            (Ok(()), Err(Unsaved::Meanwhile)) => wang,
            (Err(Unsaved::Meanwhile), Ok(())) => li,
            other => panic!("{slow} {steps}: {other:?}"),
        };
        assert_eq!(loaded(&store).0, Some(kept), "{slow} {steps}");
        // Whose number came to nothing locks nobody out.
        let (_, base) = loaded(&store);
        saved(&store, base, &draft("", "after")).unwrap().unwrap();
    }
}

/// Nobody waits.
struct Never;

impl guanxi::store::Timer for Never {
    fn elapsed(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    async fn sleep(&self, _: std::time::Duration) {
        std::future::pending().await
    }
}

#[test]
fn wherever_a_save_fails_or_dies_there_is_one_whole_draft() {
    let (old, new) = (draft("小王", &"旧".repeat(150_000)), draft("小李", &"新".repeat(200_000)));
    let begun = || {
        let store = Memory::default();
        saved(&store, Base::default(), &old).unwrap().unwrap();
        let base = loaded(&store).1;
        (store, base)
    };
    let whole = {
        let (store, base) = begun();
        let before = store.operations();
        saved(&store, base, &new).unwrap().unwrap();
        store.operations() - before
    };
    assert!(whole > 6, "is this test blind?");
    for step in 0..whole {
        for fate in [Fate::Fails, Fate::LosesAnswer, Fate::StopsBefore, Fate::StopsAfter, Fate::StopsHalfway] {
            let (store, base) = begun();
            let bad = store.operations() + step;
            store.judge_by(move |operation| if operation.number == bad { fate } else { Fate::Works });
            let said = save(&store, &Never, base, &new).now_or_never();
            store.judge_by(|_| Fate::Works);
            let (kept, base) = loaded(&store);
            assert!(kept.as_ref() == Some(&old) || kept.as_ref() == Some(&new), "{step} {fate:?}");
            if matches!(said, Some(Ok(()))) {
                assert!(kept == Some(new.clone()), "{step} {fate:?}");
            }
            let last = draft("", "last");
            saved(&store, base, &last).unwrap().unwrap();
            assert_eq!(loaded(&store).0, Some(last), "{step} {fate:?}");
            let parts = store.values().into_keys().filter(|key| key.starts_with("playbook:draft:")).count();
            assert_eq!(parts, 1, "{step} {fate:?}: what was left behind is gone");
        }
    }
}

#[test]
fn a_draft_has_a_limit_and_a_newer_one_is_left_alone() {
    let store = Memory::default();
    let long = draft("", &"x".repeat(DRAFT_MAX + 1));
    assert_eq!(saved(&store, Base::default(), &long).unwrap(), Err(Unsaved::TooLong));
    assert_eq!(store.operations(), 0);
    saved(&store, Base::default(), &draft("", &long.text[1..])).unwrap().unwrap();
    let newer = [2, 0];
    store.set("playbook:draft", &newer).now_or_never().unwrap().unwrap();
    assert!(matches!(load(&store).now_or_never().unwrap(), Err(Unsaved::Record(_))));
    assert!(matches!(saved(&store, Base::default(), &long).unwrap(), Err(Unsaved::TooLong)));
    assert!(matches!(saved(&store, Base::default(), &draft("", "x")).unwrap(), Err(Unsaved::Record(_))));
    assert_eq!(store.values()["playbook:draft"], newer);
}

#[cfg(not(target_family = "wasm"))]
mod laws {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_saved_is_read_back_to_the_letter(texts in prop::collection::vec((any::<String>(), 0..400_000_usize), 1..4)) {
            let store = Memory::default();
            for (text, more) in texts {
                let draft = draft(&text.chars().take(64).collect::<String>(), &(text + &"猫".repeat(more / 3)));
                saved(&store, loaded(&store).1, &draft).unwrap().unwrap();
                prop_assert!(loaded(&store).0.as_ref() == Some(&draft));
            }
        }
    }
}
