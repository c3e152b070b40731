//! Which service a session talks to: the real one, or the simulator in this process.

use std::net::{Ipv4Addr, SocketAddr};

use crate::adapters::clock::{SimulatorClock, SystemClock, wall_now_ms};
use crate::adapters::private_folder::make_private;
use crate::adapters::state_folder::StateFolder;
use crate::api::{ApiKey, BaseUrl, Client, HttpTransport};
use crate::execute::ports::Clock;
use crate::plan::remote::Timestamp;
use crate::simulator::{self, Config, SIM_API_KEY, Simulator, SimulatorError};

use super::open::SessionError;

/// How fast the simulator's clock runs unless told otherwise.
pub const SIMULATOR_SPEED: f64 = 30.0;

/// A service, and what it takes to talk to it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The simulator, in this process, over loopback HTTP. It has a world of its own for each family.
    Simulator {
        /// How fast the clock runs that it shares with the engine.
        speed: f64,
    },
    /// A service at an address.
    Remote {
        /// Its address.
        base_url: BaseUrl,
        /// The key; `None` for what needs no request.
        key: Option<ApiKey>,
    },
}

impl Origin {
    /// The origin's name: scheme, host and port, or `sim`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Simulator { .. } => "sim".to_owned(),
            Self::Remote { base_url, .. } => base_url.origin(),
        }
    }
}

/// A service that answers, and the clock that goes with it.
pub(super) struct Service {
    pub(super) client: Client,
    pub(super) clock: Box<dyn Clock>,
}

impl Service {
    /// Reaches the service of `origin`, starting the simulator when it is that. `last_at` is the last moment in the
    /// journal: no clock goes back behind it, and a simulator's stands still between two processes.
    pub(super) async fn reach(
        origin: &Origin,
        state: &StateFolder,
        last_at: Timestamp,
    ) -> Result<Self, SessionError> {
        match origin {
            Origin::Remote { base_url, key } => {
                let key = key.clone().ok_or(SessionError::NoKey)?;
                let transport = HttpTransport::new(base_url)?;
                Ok(Self {
                    client: Client::new(transport, base_url.clone(), key),
                    clock: Box::new(SystemClock::new(last_at)),
                })
            }
            Origin::Simulator { speed } => {
                let world = state.world();
                make_private(&world)?;
                let recorded = Simulator::recorded_until(&world)?.map(Timestamp);
                let start = recorded.map_or_else(wall_now_ms, |recorded| recorded.max(last_at).0);
                let clock = simulator::Clock::new(start, *speed);
                let simulator = Simulator::open(Config::default(), clock, Some(&world))?;
                let listener = Simulator::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
                let address = listener.local_addr().map_err(SimulatorError::from)?;
                tokio::spawn(simulator.serve(listener, std::future::pending()));
                let base_url: BaseUrl = format!("http://{address}")
                    .parse()
                    .expect("an address of this machine is a base URL");
                let key = ApiKey::new(SIM_API_KEY).expect("the simulator's key is a key");
                let client = Client::new(HttpTransport::new(&base_url)?, base_url, key);
                Ok(Self {
                    client,
                    clock: Box::new(SimulatorClock::new(clock)),
                })
            }
        }
    }
}
