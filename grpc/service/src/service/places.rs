//! Places of connections. If none is free, a new connection takes the place of one that is needed less.

use super::slots::{Slot, SlotLimits, Slots};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A client keeps at most this part of all places against others, and of those of an address, so that it cannot lock
/// them out.
const MAX_PART_OF_CLIENT: usize = 4;

/// The places of all connections.
pub struct Places {
    limits: SlotLimits,
    first_call: Duration,
    clients: Arc<Slots<String>>,
    clients_here: Arc<Slots<(IpAddr, String)>>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    n_given: u64,
    n: usize,
    by_address: HashMap<IpAddr, Connections>,
}

/// The connections of an address, by their numbers.
#[derive(Default)]
struct Connections {
    n_strangers: usize,
    all: HashMap<u64, Use>,
}

/// How a connection is used. It is a stranger's until a call of a known client, or without clients any call.
struct Use {
    client: Option<Known>,
    n_calls: usize,
    last: Instant,
    cut: CancellationToken,
}

/// Who gives its place first: the least. It tells whether the client is known, whether it has calls in flight, and its
/// last use.
type Rank = (bool, bool, Instant);

/// A known client's part of all places, and of those of its address.
struct Known {
    _all: Slot<String>,
    _here: Slot<(IpAddr, String)>,
}

impl Use {
    /// `None` for a known client with a call in flight, which never gives its place.
    fn rank(&self) -> Option<Rank> {
        let has_calls = self.n_calls > 0;
        let is_known = self.client.is_some();
        (!is_known || !has_calls).then_some((is_known, has_calls, self.last))
    }
}

impl Connections {
    /// The connection that gives its place first, with its rank.
    fn least_needed(&self) -> Option<(Rank, u64)> {
        let ranks = self.all.iter().filter_map(|(id, used)| Some((used.rank()?, *id)));
        ranks.min_by_key(|(rank, _)| *rank)
    }
}

impl Held {
    fn remove(&mut self, address: IpAddr, id: u64) -> Option<Use> {
        let connections = self.by_address.get_mut(&address)?;
        let found = connections.all.remove(&id)?;
        connections.n_strangers -= usize::from(found.client.is_none());
        if connections.all.is_empty() {
            self.by_address.remove(&address);
        }
        self.n -= 1;
        Some(found)
    }

    /// The connection that gives its place, of an address or else of all. Strangers of the address that has the most
    /// go first: whoever floods the service displaces its own connections.
    fn least_needed(&self, of: Option<IpAddr>) -> Option<(IpAddr, u64)> {
        if let Some(address) = of.or_else(|| self.with_most_strangers()) {
            let (_, id) = self.by_address.get(&address)?.least_needed()?;
            return Some((address, id));
        }
        let of_each = self.by_address.iter().filter_map(|(address, connections)| {
            let (rank, id) = connections.least_needed()?;
            Some((rank, (*address, id)))
        });
        of_each.min_by_key(|(rank, _)| *rank).map(|(_, found)| found)
    }

    fn with_most_strangers(&self) -> Option<IpAddr> {
        let most = self.by_address.iter().max_by_key(|(_, all)| all.n_strangers);
        let most = most.filter(|(_, all)| all.n_strangers > 0);
        most.map(|(address, _)| *address)
    }
}

impl Places {
    /// Creates free places. A stranger keeps its place for `first_call` after its last answered call.
    pub fn new(limits: SlotLimits, first_call: Duration) -> Arc<Self> {
        let part = |places: usize| (places / MAX_PART_OF_CLIENT).max(1);
        let clients = Slots::new(SlotLimits {
            per_holder: part(limits.total),
            total: limits.total,
        });
        let clients_here = Slots::new(SlotLimits {
            per_holder: part(limits.per_holder),
            total: limits.total,
        });
        Arc::new(Self {
            limits,
            first_call,
            clients,
            clients_here,
            held: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection of a known client; `None` beyond the client's part.
    fn known(&self, address: IpAddr, client: &str) -> Option<Known> {
        Some(Known {
            _here: self.clients_here.take((address, client.to_owned()))?,
            _all: self.clients.take(client.to_owned())?,
        })
    }

    /// Gives a place to a new connection of an address; `None` if all are taken by connections that are needed.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<TakenPlace> {
        let held = &mut *self.held();
        let n_here = held
            .by_address
            .get(&address)
            .map_or(0, |connections| connections.all.len());
        if n_here >= self.limits.per_holder || held.n >= self.limits.total {
            let of = (n_here >= self.limits.per_holder).then_some(address);
            let (of, id) = held.least_needed(of)?;
            let least = held.remove(of, id)?;
            tracing::debug!(address = %of, "too many connections: closing one");
            least.cut.cancel();
        }
        let cut = CancellationToken::new();
        let id = held.n_given;
        held.n_given += 1;
        held.n += 1;
        let connections = held.by_address.entry(address).or_default();
        connections.n_strangers += 1;
        connections.all.insert(
            id,
            Use {
                client: None,
                n_calls: 0,
                last: Instant::now(),
                cut: cut.clone(),
            },
        );
        Some(TakenPlace(Place {
            places: Arc::clone(self),
            address,
            id,
            cut,
        }))
    }

    /// Closes the connections of strangers that have waited for too long.
    pub fn expire(&self) {
        let held = &mut *self.held();
        let mut late = Vec::new();
        for (address, connections) in &held.by_address {
            if connections.n_strangers == 0 {
                continue;
            }
            let is_late = |used: &Use| {
                used.client.is_none() && used.n_calls == 0 && used.last.elapsed() >= self.first_call
            };
            let ids = connections.all.iter().filter(|(_, used)| is_late(used));
            late.extend(ids.map(|(id, _)| (*address, *id)));
        }
        for (address, id) in late {
            if let Some(used) = held.remove(address, id) {
                tracing::debug!(%address, "closing a connection without a call of a known client");
                used.cut.cancel();
            }
        }
    }
}

/// A connection's place. One that was given to another connection is not held any more: then nothing here does a thing.
#[derive(Clone)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    id: u64,
    cut: CancellationToken,
}

impl Place {
    /// Closes the connection when it is cancelled.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    fn change(&self, change: impl FnOnce(&mut Connections, &Places)) {
        let mut held = self.places.held();
        if let Some(connections) = held.by_address.get_mut(&self.address) {
            change(connections, &self.places);
        }
    }

    fn change_use(&self, change: impl FnOnce(&mut Use)) {
        self.change(|connections, _| {
            connections.all.get_mut(&self.id).map(change);
        });
    }

    /// Says that a known client made a call. Beyond the client's part, the connection stays a stranger's.
    pub fn is_of(&self, client: &str) {
        self.change(|connections, places| {
            let Some(used) = connections.all.get_mut(&self.id) else {
                return;
            };
            used.last = Instant::now();
            if used.client.is_none() {
                used.client = places.known(self.address, client);
                connections.n_strangers -= usize::from(used.client.is_some());
            }
        });
    }

    /// Says that no known client made the latest call: the connection is a stranger's again, for a client may have been
    /// removed.
    pub fn is_of_nobody(&self) {
        self.change(|connections, _| {
            let Some(used) = connections.all.get_mut(&self.id) else {
                return;
            };
            if used.client.take().is_some() {
                used.last = Instant::now();
                connections.n_strangers += 1;
            }
        });
    }

    /// Says that a stranger made a call that is open to all.
    pub fn is_used(&self) {
        self.change_use(|used| used.last = Instant::now());
    }

    /// A call of the connection, in flight until this is dropped.
    pub fn call(&self) -> PlaceOfCall {
        self.change_use(|used| used.n_calls += 1);
        PlaceOfCall(self.clone())
    }
}

/// The place of a connection, free when this is dropped.
pub struct TakenPlace(Place);

impl TakenPlace {
    /// The place.
    pub fn place(&self) -> &Place {
        &self.0
    }
}

impl Drop for TakenPlace {
    fn drop(&mut self) {
        self.0.places.held().remove(self.0.address, self.0.id);
    }
}

/// A call in flight.
pub struct PlaceOfCall(Place);

impl Drop for PlaceOfCall {
    fn drop(&mut self) {
        self.0.change_use(|used| {
            used.n_calls -= 1;
            if used.client.is_some() {
                used.last = Instant::now();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn places(per_holder: usize, total: usize, first_call: Duration) -> Arc<Places> {
        Places::new(SlotLimits { per_holder, total }, first_call)
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    fn is_closed(taken: &TakenPlace) -> bool {
        taken.place().cut().is_cancelled()
    }

    #[test]
    fn who_floods_displaces_its_own_connections() {
        let places = places(6, 8, Duration::MAX);
        let friend = places.take(address(1)).unwrap();
        let flood: Vec<_> = (0..20).map(|_| places.take(address(2)).unwrap()).collect();
        let more: Vec<_> = (0..20).map(|_| places.take(address(3)).unwrap()).collect();
        assert!(!is_closed(&friend), "it has had no time for a call yet");
        let n_open = flood
            .iter()
            .chain(&more)
            .filter(|taken| !is_closed(taken))
            .count();
        assert_eq!(n_open, 7);
        drop((friend, flood, more));
        let held = places.held();
        assert!(held.n == 0 && held.by_address.is_empty());
    }

    #[test]
    fn a_client_does_not_lock_others_out_of_its_address() {
        let places = places(8, 1000, Duration::MAX);
        let busy: Vec<_> = (0..8)
            .map(|_| {
                let taken = places.take(address(1)).unwrap();
                taken.place().is_of("greedy");
                let call = taken.place().call();
                (taken, call)
            })
            .collect();
        let other = places.take(address(1)).expect("a place");
        other.place().is_of("other");
        let n_closed = busy.iter().filter(|(taken, _)| is_closed(taken)).count();
        assert_eq!(n_closed, 1);
    }

    #[test]
    fn an_idle_client_gives_its_place_and_a_busy_one_does_not() {
        let places = places(8, 8, Duration::MAX);
        let known: Vec<_> = (0..8)
            .map(|n| {
                let taken = places.take(address(n)).unwrap();
                taken.place().is_of(&n.to_string());
                taken
            })
            .collect();
        let calls: Vec<_> = known[1..].iter().map(|taken| taken.place().call()).collect();
        let stranger = places.take(address(9)).unwrap();
        assert!(is_closed(&known[0]) && known[1..].iter().all(|taken| !is_closed(taken)));
        let watching = stranger.place().call();
        let next = places.take(address(10)).unwrap();
        assert!(is_closed(&stranger), "even with a call in flight");
        next.place().is_of("next");
        let call = next.place().call();
        assert!(places.take(address(11)).is_none(), "all are needed");
        drop((calls, watching));
        let last = places.take(address(11)).unwrap();
        assert!(is_closed(&known[1]), "whose last call ended first");
        drop((call, last));
    }

    #[test]
    fn a_client_has_its_part() {
        let places = places(8, 8, Duration::MAX);
        let take = || {
            let taken = places.take(address(1)).unwrap();
            taken.place().is_of("greedy");
            let call = taken.place().call();
            (taken, call)
        };
        let greedy: Vec<_> = (0..8).map(|_| take()).collect();
        let n_strangers = places.held().by_address[&address(1)].n_strangers;
        assert_eq!(n_strangers, 8 - 8 / MAX_PART_OF_CLIENT);
        assert!(
            places.take(address(2)).is_some(),
            "of which others take the places"
        );
        assert_eq!(greedy.iter().filter(|(taken, _)| is_closed(taken)).count(), 1);
    }

    #[test]
    fn strangers_are_closed_unless_they_call() {
        let places = places(8, 8, Duration::ZERO);
        let [silent, watching, known] = [1, 2, 3].map(|n| places.take(address(n)).unwrap());
        let call = watching.place().call();
        known.place().is_of("known");
        places.expire();
        assert!(is_closed(&silent) && !is_closed(&watching) && !is_closed(&known));
        drop(call);
        places.expire();
        assert!(is_closed(&watching) && !is_closed(&known));
        assert_eq!(places.held().n, 1);
    }

    #[test]
    fn a_call_that_is_open_to_all_keeps_a_stranger() {
        let hour = Duration::from_secs(3600);
        let places = places(8, 8, hour);
        let [silent, calling] = [1, 2].map(|n| places.take(address(n)).unwrap());
        let begun = Instant::now().checked_sub(2 * hour).unwrap();
        for taken in [&silent, &calling] {
            taken.place().change_use(|used| used.last = begun);
        }
        calling.place().is_used();
        places.expire();
        assert!(is_closed(&silent) && !is_closed(&calling));
    }

    #[test]
    fn a_client_that_is_not_known_any_more_is_a_stranger() {
        let places = places(8, 8, Duration::ZERO);
        let taken = places.take(address(1)).unwrap();
        let n_strangers = || places.held().by_address[&address(1)].n_strangers;
        taken.place().is_of("revoked");
        assert_eq!(
            (n_strangers(), places.clients.held(&"revoked".to_owned())),
            (0, 1)
        );
        for _ in 0..2 {
            taken.place().is_of_nobody();
            assert_eq!(
                (n_strangers(), places.clients.held(&"revoked".to_owned())),
                (1, 0)
            );
        }
        taken.place().is_of("revoked");
        assert_eq!(n_strangers(), 0);
        taken.place().is_of_nobody();
        places.expire();
        assert!(is_closed(&taken));
    }
}
