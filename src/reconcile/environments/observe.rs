//! Looks at everything about one environment and says it in the planner's words.

use std::net::SocketAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::base::chain;
use crate::base::clock::Clock;
use crate::base::ids::ReplicaId;
use crate::base::proof::{Answer, ProofKey};
use crate::engine::{ContainerSeen, ContainerState};
use crate::reconcile::images::{self, Wait};
use crate::reconcile::runtimes::look::{self, Look, Trouble};
use crate::reconcile::runtimes::{self, Runtime, Seen, provide};
use crate::reconcile::{Site, probe};

use super::plan::{Closed, Container, Home, Next, Rest, Route, RuntimeWorld, Template, Trial, Wanted, World};
use super::replicas::{self, Replicas};
use super::rest::{self, Ease};
use super::store::{self, Environment, RouteRow};
use super::update::{self, Under};

/// How many ended containers, with none that answers, are a crash loop.
const CRASHES: usize = 3;
/// How long ago an end still counts.
const CRASHES_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Everything about an environment at one moment.
pub struct Sight {
    /// Its row.
    pub environment: Environment,
    /// Its runtime's row.
    pub runtime: Option<Runtime>,
    /// What the planner decides on.
    pub world: World,
    /// The container that would serve.
    pub upstream: Option<Upstream>,
    /// Where its process will answer, when it runs and does not answer yet.
    pub booting: Option<SocketAddr>,
    /// Whether it waits for an image, for a start that was begun long ago.
    image: Wait,
    /// What could not be seen.
    pub troubles: Vec<Trouble>,
    /// The newest of its containers in which the kernel ended something for using too much memory, if it did.
    pub killed: Option<String>,
    /// Why the engine has nothing that could answer, as far as its containers show it.
    pub end: Option<End>,
    /// Whether it sleeps, and what wakes it.
    pub ease: Ease,
    /// Its update, if it has one.
    pub update: Option<Under>,
    /// Its further containers, if it has or wants some.
    pub replicas: Replicas,
    /// Whether the name leads to exactly what serves; true also where its state is for the first container to decide.
    pub is_led: bool,
}

/// Whose login's password a container proves itself with.
#[derive(Clone, Copy, Debug)]
pub enum PasswordOf {
    /// The runtime's own.
    Runtime,
    /// A replica's.
    Replica(ReplicaId),
}

/// Where a container is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// For HTTP.
    pub address: SocketAddr,
    /// For websockets, when Odoo has its own process for them.
    pub websocket: Option<SocketAddr>,
    /// What whoever connects there has it prove.
    pub proof: Option<ProofKey>,
}

/// How a container that would serve has ended, or that there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The engine has not started any.
    NeverBegun,
    /// The kernel ended the last one for using too much memory.
    OutOfMemory,
}

impl Upstream {
    /// Returns it without the port for websockets when nothing listens there: then they go where all requests go.
    pub async fn checked(self, host: &str) -> Self {
        let websocket = match self.websocket {
            Some(address) if probe::serves_websockets(address, host).await => Some(address),
            _ => None,
        };
        Self { websocket, ..self }
    }
}

impl Sight {
    /// Says how a start stands, as far as its image is concerned, that was begun then.
    #[must_use]
    pub fn wait_since(&self, began_at: DateTime<Utc>) -> Wait {
        match self.image {
            Wait::Since(at) => Wait::Since(at.max(began_at)),
            other => other,
        }
    }

    /// Returns the key of the sentence that says that its machine has no image to start it from, if that is so.
    #[must_use]
    pub fn absence(&self) -> Option<&'static str> {
        match self.image {
            Wait::Since(_) => None,
            Wait::Coming => Some("reason-image-coming"),
            Wait::Never => Some("reason-image-lacking"),
        }
    }

    /// Returns what is wanted now.
    #[must_use]
    pub fn wanted(&self, clock: &Clock) -> Wanted {
        let environment = &self.environment;
        match environment.wanted.as_str() {
            "deleted" => Wanted::Deleted { is_purge_due: environment.purge_after.is_some_and(|at| at <= clock.now()) },
            _ if environment.is_suspended => Wanted::Suspended,
            "running" => Wanted::Running,
            _ => Wanted::Stopped,
        }
    }
}

impl Sight {
    /// Decides what to do next about its replicas, `plain` being what was decided about the first container.
    #[must_use]
    pub fn of_replicas(&self, wanted: Wanted, plain: Next, now: DateTime<Utc>) -> replicas::plan::Next {
        let is_up = wanted == Wanted::Running && matches!(self.world.rest, Rest::Awake | Rest::Tired);
        let fleet = self.replicas.fleet(self.environment.replicas, self.is_led, now);
        replicas::plan::next(is_up, plain, &fleet)
    }
}

/// Looks.
pub async fn at(site: &Site, environment: Environment) -> anyhow::Result<Sight> {
    let mut db = site.db.acquire().await?;
    let routes = store::routes(&mut db, environment.id).await?;
    let runtime = match environment.runtime {
        Some(id) => crate::reconcile::runtimes::store::find(&mut db, id).await?,
        None => None,
    };
    let template = if runtime.is_some() {
        Template::Ready
    } else {
        let key = super::template_key(&mut db, &environment).await?;
        store::template_state(&mut db, &key).await?
    };
    drop(db);
    let host = site.public.instance_host(&environment.subdomain);
    let Some(runtime) = runtime else {
        let route = route_of(&routes, &host, None);
        let is_forgotten = environment.status == "deleted";
        let world = World {
            is_forgotten,
            template,
            rest: Rest::Awake,
            update: None,
            trial: Trial::Passed,
            runtime: None,
            route,
            others_serve: false,
        };
        return Ok(Sight {
            environment,
            runtime: None,
            world,
            upstream: None,
            booting: None,
            image: Wait::Since(DateTime::UNIX_EPOCH),
            troubles: Vec::new(),
            killed: None,
            end: None,
            ease: Ease::AWAKE,
            update: None,
            replicas: Replicas::default(),
            is_led: true,
        });
    };
    let (look, ease, replicas) = tokio::join!(
        Box::pin(look::at(site, &runtime)),
        rest::look(site, &environment, &runtime),
        Box::pin(replicas::look(site, &environment, &runtime, &routes))
    );
    let (look, ease, replicas) = (look?, ease?, replicas?);
    let (container, upstream) = judge(site, &look, (&runtime, PasswordOf::Runtime), &routes, &host).await;
    let update = Box::pin(update::look(site, &environment, &runtime)).await?;
    // A name that leads to the container is not enough: its database must know it too.
    let knows = runtime.knows(&environment.subdomain);
    let world = World {
        is_forgotten: environment.status == "deleted",
        template,
        rest: ease.rest,
        update: update.as_ref().map(|under| under.step),
        trial: trial_of(&runtime, &look, site.clock.now()),
        runtime: Some(RuntimeWorld {
            home: home_of(&runtime),
            is_outdated: runtime.restarts_done < environment.restarts,
            is_personalised: runtime.personalised_at.is_some(),
            database: look.database,
            has_role: look.has_role,
            service: look.service,
            container,
        }),
        route: route_of(&routes, &host, upstream.filter(|_| knows)),
        others_serve: knows && replicas.serve(&routes, &host),
    };
    let is_led = !knows || leads_exactly(&routes, &host, upstream, &replicas.serving());
    Ok(Sight {
        environment,
        world,
        upstream,
        booting: look.containers.iter().find(|seen| seen.state.is_alive()).and_then(|seen| seen.address),
        killed: killed_in(&look.containers),
        end: end_of(&look, &runtime),
        image: if look.saw_containers {
            let (supply, generation) = (runtime.supply, runtime.service_generation);
            images::wait_of(DateTime::UNIX_EPOCH, supply, &look.containers, generation)
        } else {
            Wait::Since(DateTime::UNIX_EPOCH)
        },
        troubles: look.troubles,
        ease,
        update,
        replicas,
        is_led,
        runtime: Some(runtime),
    })
}

/// Returns the short id of the newest container in which the kernel ended something for using too much memory.
fn killed_in(containers: &[ContainerSeen]) -> Option<String> {
    let killed = containers.iter().find(|seen| seen.was_oom_killed)?;
    Some(killed.id.chars().take(12).collect())
}

fn end_of(look: &Look, runtime: &Runtime) -> Option<End> {
    let generation = u64::try_from(runtime.service_generation).unwrap_or(0);
    let newest = look.containers.iter().find(|seen| seen.generation == generation);
    match newest {
        None => look.saw_containers.then_some(End::NeverBegun),
        Some(seen) if !seen.state.is_alive() && seen.was_oom_killed => Some(End::OutOfMemory),
        Some(_) => None,
    }
}

fn home_of(runtime: &Runtime) -> Home {
    match runtime.host {
        None => Home::None,
        Some(_) if runtime.is_lost => Home::Lost,
        Some(_) if runtime.is_rotating => Home::Unfenced,
        Some(_) => Home::Placed,
    }
}

/// Whether the image has served; if not, how long it is tried already. What was not seen to start began with its place.
fn trial_of(runtime: &Runtime, look: &Look, now: DateTime<Utc>) -> Trial {
    let Some(placed_at) = runtime.on_trial_since else { return Trial::Passed };
    let generation = u64::try_from(runtime.service_generation).unwrap_or(0);
    let tries = look.containers.iter().filter(|seen| seen.generation == generation);
    let began_at = tries.filter_map(|seen| seen.started_at).min().unwrap_or(placed_at);
    Trial::OnTrial { is_overdue: now - began_at > update::ANSWERS_WITHIN }
}

/// Finds the container that would serve: the newest of the right generation that answers, else an older one that does.
pub async fn judge(
    site: &Site,
    look: &Look,
    (runtime, password): (&Runtime, PasswordOf),
    routes: &[RouteRow],
    host: &str,
) -> (Seen<Container>, Option<Upstream>) {
    if !look.saw_containers {
        return (Seen::Unknown, None);
    }
    let generation = u64::try_from(runtime.service_generation).unwrap_or(0);
    let mut is_there = false;
    let mut old: Option<Upstream> = None;
    for seen in &look.containers {
        let Some(address) = seen.address.filter(|_| seen.state.is_alive()) else { continue };
        let is_current = seen.generation == generation;
        is_there |= is_current;
        let upstream = Upstream { address, websocket: seen.websocket_address, proof: None };
        // An old one serves on only while the name leads there, during a restart. One that was closed is about to end,
        // although it may still answer.
        if !is_current && !routes.iter().any(|route| serves(route, upstream)) {
            continue;
        }
        // A container that the public is sent to already is asked by the engine's own health check.
        let led = routes.iter().find(|route| route.hostname == host && serves(route, upstream));
        let serving = match led.filter(|_| seen.state == ContainerState::Running) {
            Some(route) => Some(Upstream { proof: route.proofs.get(&address.to_string()).copied(), ..upstream }),
            None => answers(site, (runtime, password), upstream, host).await,
        };
        let Some(upstream) = serving else { continue };
        if is_current {
            return (Seen::Known(Container::Serves), Some(upstream));
        }
        old = old.or(Some(upstream));
    }
    if let Some(old) = old {
        return (Seen::Known(Container::OldServes), Some(old));
    }
    let lately = site.clock.now() - CRASHES_WITHIN;
    let has_crashed = |seen: &&ContainerSeen| {
        seen.generation == generation
            && seen.state == ContainerState::Exited
            && seen.started_at.is_none_or(|started_at| started_at > lately)
    };
    let ended = look.containers.iter().filter(has_crashed).count();
    let container = match (is_there, ended) {
        (_, CRASHES..) => Container::Crashing,
        (true, _) => Container::Starting,
        (false, _) => Container::Missing,
    };
    (Seen::Known(container), None)
}

/// Asks a container whether it serves, and whether it is the one that is meant. Returns it with what it proved, if its image
/// can.
async fn answers(
    site: &Site,
    (runtime, password): (&Runtime, PasswordOf),
    upstream: Upstream,
    host: &str,
) -> Option<Upstream> {
    if !probe::is_ready(upstream.address, host).await {
        return None;
    }
    match proven(site, (runtime, password), upstream).await {
        Ok(upstream) => upstream,
        Err(cause) => {
            tracing::warn!(runtime = %runtime.id, cause = chain::of_any(&cause), "a container could not be asked for its proof");
            None
        }
    }
}

async fn proven(
    site: &Site,
    (runtime, password): (&Runtime, PasswordOf),
    upstream: Upstream,
) -> anyhow::Result<Option<Upstream>> {
    let password = match password {
        PasswordOf::Runtime => provide::password(site, runtime.id).await?,
        PasswordOf::Replica(id) => replicas::act::password(site, id).await?,
    };
    let key = ProofKey::of_password(&password);
    let answer = probe::proof(upstream.address, key).await;
    let mut db = site.db.acquire().await?;
    let must_prove = runtimes::store::image_proves(&mut db, &runtime.image).await?;
    Ok(match answer {
        Answer::Proven => {
            if !must_prove {
                runtimes::store::set_image_proves(&mut db, &runtime.image).await?;
            }
            Some(Upstream { proof: Some(key), ..upstream })
        }
        Answer::Unaware if !must_prove => Some(upstream),
        Answer::Unaware | Answer::Another => {
            let address = upstream.address;
            tracing::warn!(runtime = %runtime.id, %address, ?answer, "somebody else answers where a container was said to be");
            None
        }
    })
}

fn serves(route: &RouteRow, upstream: Upstream) -> bool {
    route.state == "serving" && route.upstreams.contains(&upstream.address.to_string())
}

/// Whether the environment's one name leads to all that serves and nowhere else.
pub(super) fn leads_exactly(routes: &[RouteRow], host: &str, first: Option<Upstream>, others: &[Upstream]) -> bool {
    let mut wanted: Vec<String> = first.iter().chain(others).map(|upstream| upstream.address.to_string()).collect();
    let [route] = routes else { return true };
    if wanted.is_empty() || route.hostname != host {
        return true;
    }
    let mut actual = route.upstreams.clone();
    wanted.sort();
    actual.sort();
    route.state == "serving" && actual == wanted
}

fn route_of(routes: &[RouteRow], host: &str, upstream: Option<Upstream>) -> Route {
    match routes {
        [] => Route::None,
        [route] if route.hostname == host => match route.state.as_str() {
            "serving" if upstream.is_some_and(|upstream| serves(route, upstream)) => Route::Serving,
            "starting" => Route::Closed(Closed::Starting),
            "stopped" => Route::Closed(Closed::Stopped),
            "suspended" => Route::Closed(Closed::Suspended),
            "asleep" => Route::Closed(Closed::Asleep),
            _ => Route::Stale,
        },
        _ => Route::Stale,
    }
}
