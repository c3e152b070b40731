//! The simulator as its users see it: opened on a folder or in memory, driven in process or over loopback.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::app::App;
use super::books::Books;
use super::clock::Clock;
use super::config::Config;
use super::effect::{Effect, Entry};
use super::faults::FaultRule;
use super::log::{Log, SimulatorError};
use super::world::World;
use super::{router, socket};

/// A simulated workspace of the API. Clones share it.
#[derive(Debug, Clone)]
pub struct Simulator {
    app: Arc<App>,
}

impl Simulator {
    /// Opens the world kept in `dir`, or begins one there; without a folder the world is kept in memory only.
    ///
    /// A reopened world keeps its money: `config.balance_cents` is what a new one begins with. Its time goes on from
    /// [`Simulator::recorded_until`] at the earliest, whatever the clock shows.
    ///
    /// # Errors
    /// When the folder cannot be read or written, is in use by another process, or holds a damaged log. A torn last
    /// line is no damage: nothing in it was ever answered.
    pub fn open(config: Config, clock: Clock, dir: Option<&Path>) -> Result<Self, SimulatorError> {
        let (log, entries) = match dir {
            Some(dir) => Log::open(dir)?,
            None => (Log::Memory, Vec::new()),
        };
        let mut world = World::new(Arc::new(config));
        let epoch = entries.len() as u64;
        for entry in entries {
            if let Some(bucket) = entry.effect.bucket() {
                world.gate.count(&world.config, bucket, entry.at_ms);
            }
            if let Some(bucket) = entry.effect.refused_bucket() {
                world.gate.refused(&world.config, bucket, entry.at_ms);
            }
            world.apply(entry);
        }
        if epoch == 0 {
            let effect = Effect::ToppedUp {
                cents: world.config.balance_cents,
            };
            let at_ms = clock.now_ms();
            let begin = Entry { at_ms, effect };
            log.append(&begin);
            world.apply(begin);
        }
        let app = App::new(world, clock, log, epoch);
        Ok(Self { app: Arc::new(app) })
    }

    /// The time of the last effect kept in `dir`, in milliseconds since the Unix epoch: where a clock for it should
    /// go on. `None` if nothing is kept there.
    ///
    /// # Errors
    /// As [`Simulator::open`].
    pub fn recorded_until(dir: &Path) -> Result<Option<i64>, SimulatorError> {
        let (_, entries) = Log::open(dir)?;
        Ok(entries.last().map(|entry| entry.at_ms))
    }

    /// The time of the last effect, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn last_ms(&self) -> Option<i64> {
        self.app.look(|turn| turn.world.last_ms)
    }

    /// What happened so far.
    #[must_use]
    pub fn books(&self) -> Books {
        self.app.look(|turn| Books::of(turn.world, turn.now))
    }

    /// Has faults happen, behind those that do already.
    pub fn add_faults(&self, rules: impl IntoIterator<Item = FaultRule>) {
        self.app.faults().add(rules);
    }

    /// How often each rule's fault has happened.
    #[must_use]
    pub fn fault_hits(&self) -> Vec<u64> {
        let rules = self.app.faults().list();
        rules.iter().map(|rule| rule.hits).collect()
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.app.faults().clear();
    }

    /// The service, to be driven in process, storage included: signed URLs lead to the port behind the one the client
    /// knows the service by. An answer with [`Severed`](super::Severed) among its extensions stands for
    /// a connection that closed without one.
    pub fn router(&self) -> Router {
        router::router(Arc::clone(&self.app))
    }

    /// A listener for [`Simulator::serve`], on loopback only.
    ///
    /// # Errors
    /// When the address is not a loopback one or cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<TcpListener, SimulatorError> {
        if !address.ip().is_loopback() {
            return Err(SimulatorError::NotLoopback(address));
        }
        TcpListener::bind(address)
            .await
            .map_err(|source| SimulatorError::Bind { address, source })
    }

    /// Serves until `stop` is ready and the requests in flight are answered. The storage that downloads lead to has a
    /// port of its own, any that is free: it is another origin, as it is at the real service.
    ///
    /// # Errors
    /// When the listener is not a loopback one or fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), SimulatorError> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err(SimulatorError::NotLoopback(address));
        }
        let storage = Self::bind(SocketAddr::new(address.ip(), 0)).await?;
        self.app.store_at(Some(storage.local_addr()?));
        self.app.faults().start();
        let app = Arc::clone(&self.app);
        let stop = async move {
            stop.await;
            // What hangs would keep the others waiting.
            app.faults().stop();
        };
        let (serving, ended) = oneshot::channel::<()>();
        let api = socket::serve(listener, router::api_router(Arc::clone(&self.app)), stop);
        let api = async move {
            let served = api.await;
            drop(serving);
            served
        };
        let files = router::storage_router(Arc::clone(&self.app));
        let files = socket::serve(storage, files, async {
            // The storage outlives the API: a link that was handed out can still be followed.
            let _ = ended.await;
        });
        let served = tokio::try_join!(api, files);
        self.app.store_at(None);
        served?;
        Ok(())
    }
}
