#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn limits(connections: usize, per_address: usize, held_bytes: usize) -> Limits {
    Limits { connections, connections_per_address: per_address, held_bytes, ..Limits::default() }
}

fn client(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

/// A server's places, and those that are not closed, by the number of their entry.
struct Clients {
    places: Arc<Places>,
    inside: BTreeMap<usize, (Place, Closed)>,
    entered: usize,
}

impl Clients {
    fn new(limits: Limits) -> Self {
        Self { places: Arc::new(Places::new(limits)), inside: BTreeMap::new(), entered: 0 }
    }

    /// Whether there was room.
    fn enter(&mut self, address: IpAddr) -> bool {
        let place = self.places.enter(address);
        let entered = place.is_some();
        self.inside.extend(place.map(|place| (self.entered, place)));
        self.entered += 1;
        entered
    }

    fn place(&self, number: usize) -> &Place {
        &self.inside[&number].0
    }

    fn closed(&mut self, number: usize) -> bool {
        self.inside.get_mut(&number).unwrap().1.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    /// Those that are not closed; the others leave, as their connections would.
    fn open(&mut self) -> Vec<usize> {
        let numbers: Vec<usize> = self.inside.keys().copied().collect();
        let closed: Vec<usize> = numbers.into_iter().filter(|number| self.closed(*number)).collect();
        closed.iter().for_each(|number| drop(self.inside.remove(number)));
        self.inside.keys().copied().collect()
    }
}

#[test]
fn a_new_connection_takes_the_place_of_the_one_that_has_waited_longest() {
    let mut clients = Clients::new(limits(3, 3, 1_000));
    (0..3).for_each(|_| assert!(clients.enter(client(1))));
    clients.place(0).has_answer();
    assert!(clients.enter(client(2)));
    assert_eq!(clients.open(), [0, 2, 3], "the first has waited since its answer only");
    clients.place(2).received(1);
    clients.place(2).has_head();
    assert!(clients.enter(client(2)));
    assert_eq!(clients.open(), [2, 3, 4], "the third began a request later than the first had its answer");
}

#[test]
fn at_work_it_makes_room_for_nobody() {
    let mut clients = Clients::new(limits(2, 2, 1_000));
    (0..2).for_each(|_| assert!(clients.enter(client(1))));
    clients.place(0).has_request();
    clients.place(1).has_request();
    assert!(!clients.enter(client(1)) && !clients.enter(client(2)));
    assert_eq!(clients.open(), [0, 1]);
    clients.place(1).has_answer();
    assert!(clients.enter(client(2)));
    assert_eq!(clients.open(), [0, 4]);
}

#[test]
fn an_address_at_its_limit_makes_room_itself() {
    let mut clients = Clients::new(limits(10, 2, 1_000));
    assert!(clients.enter(client(1)));
    (0..5).for_each(|_| assert!(clients.enter(client(2))));
    assert_eq!(clients.open(), [0, 4, 5]);
}

#[test]
fn a_network_of_ipv6_is_one_address_and_mapped_ipv4_is_ipv4() {
    let mut clients = Clients::new(limits(10, 1, 1_000));
    let address = |low: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, low / 100, 0, 0, 0, low));
    [1, 2, 101].into_iter().for_each(|low| assert!(clients.enter(address(low))));
    assert_eq!(clients.open(), [1, 2]);
    assert!(clients.enter(client(1)) && clients.enter(Ipv4Addr::new(127, 0, 0, 1).to_ipv6_mapped().into()));
    assert_eq!(clients.open(), [1, 2, 4]);
}

#[test]
fn of_too_much_that_is_half_sent_the_largest_goes() {
    let mut clients = Clients::new(limits(10, 10, 100));
    (0..4).for_each(|_| assert!(clients.enter(client(1))));
    clients.place(0).received(30);
    clients.place(1).received(40);
    clients.place(2).received(30);
    assert_eq!(clients.open(), [0, 1, 2, 3]);
    clients.place(3).received(1);
    assert_eq!(clients.open(), [0, 2, 3]);
    // A complete one counts, and stays.
    clients.place(0).received(60);
    assert_eq!(clients.open(), [2, 3], "its own");
    clients.place(2).received(40);
    assert!(clients.place(2).has_request());
    clients.place(3).received(30);
    assert_eq!(clients.open(), [2], "only what waits can go");
    clients.place(2).has_answer();
    assert!(clients.enter(client(1)));
    clients.place(4).received(100);
    assert_eq!(clients.open(), [2, 4], "an answered one counts no more");
}

#[test]
fn a_request_that_was_closed_just_now_is_not_run() {
    let mut clients = Clients::new(limits(1, 1, 100));
    assert!(clients.enter(client(1)));
    assert!(clients.enter(client(2)));
    assert!(!clients.place(0).has_request());
    assert!(clients.place(1).has_request());
}

#[test]
fn a_sweep_closes_what_has_waited_too_long_and_nothing_else() {
    let short = Duration::from_millis(1);
    let (idle, head) =
        (Limits { idle_time: short, ..limits(9, 9, 100) }, Limits { head_time: short, ..limits(9, 9, 100) });
    for (limits, left) in [(idle, [1, 2, 3]), (head, [0, 2, 3])] {
        let mut clients = Clients::new(limits);
        (0..4).for_each(|_| assert!(clients.enter(client(1))));
        (1..4).for_each(|number| clients.place(number).received(1));
        clients.place(2).has_head();
        clients.place(3).has_request();
        std::thread::sleep(5 * short);
        clients.places.sweep();
        assert_eq!(clients.open(), left);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Enter(u8),
    Received(usize, usize),
    Head(usize),
    Request(usize),
    Answer(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..64_usize;
    prop_oneof![
        3 => (0..4_u8).prop_map(Step::Enter),
        3 => (any.clone(), 0..40_usize).prop_map(|(who, bytes)| Step::Received(who, bytes)),
        1 => any.clone().prop_map(Step::Head),
        2 => any.clone().prop_map(Step::Request),
        1 => any.clone().prop_map(Step::Answer),
        1 => any.prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn whatever_clients_do_the_limits_and_the_sums_hold(steps in prop::collection::vec(step(), 0..200)) {
        let mut clients = Clients::new(limits(8, 3, 200));
        for step in steps {
            let inside: Vec<usize> = clients.inside.keys().copied().collect();
            let who = |number: usize| inside.get(number % inside.len().max(1)).copied();
            let place = |number| who(number).map(|who| clients.place(who));
            match step {
                Step::Enter(address) => _ = clients.enter(client(address)),
                Step::Received(who, bytes) => _ = place(who).map(|place| place.received(bytes)),
                Step::Head(who) => _ = place(who).map(Place::has_head),
                Step::Request(who) => _ = place(who).map(Place::has_request),
                Step::Answer(who) => _ = place(who).map(Place::has_answer),
                Step::Leave(number) => _ = who(number).map(|who| clients.inside.remove(&who)),
            }
            clients.open();
            let table = clients.places.table();
            prop_assert_eq!(table.entries.len(), clients.inside.len());
            prop_assert!(table.entries.len() <= 8);
            prop_assert_eq!(table.held, table.entries.values().map(|entry| entry.bytes).sum::<usize>());
            prop_assert!(table.held <= 200 || table.waiting.is_empty());
            let waits = table.entries.iter().filter(|(_, entry)| entry.stage != Stage::Work);
            let mut turns: Vec<(u64, u64)> = waits.clone().map(|(id, entry)| (entry.turn, *id)).collect();
            turns.sort_unstable();
            prop_assert_eq!(&turns, &table.waiting.clone().into_iter().collect::<Vec<_>>());
            let sizes: BTreeSet<(usize, u64)> = waits.map(|(id, entry)| (entry.bytes, *id)).collect();
            prop_assert_eq!(&sizes, &table.sizes);
            prop_assert_eq!(table.addresses.values().map(|address| address.count).sum::<usize>(), table.entries.len());
            prop_assert!(table.addresses.values().all(|address| (1..=3).contains(&address.count)));
            prop_assert_eq!(table.addresses.values().map(|address| address.waiting.len()).sum::<usize>(), turns.len());
        }
    }
}
