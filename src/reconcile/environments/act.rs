//! Takes one step for one environment. Every step may be repeated and may be cut off anywhere.

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::base::ids::RuntimeId;
use crate::base::proof::ProofKeys;
use crate::base::secret::new_code;
use crate::db;
use crate::hosts;
use crate::hosts::placement::{Need, Tenant};
use crate::hosts::{Cause, ReserveError};
use crate::reconcile::lease::{Fenced, Lease};
use crate::reconcile::runtimes::store::NewRuntime;
use crate::reconcile::runtimes::{self, Runtime, Seen, provide};
use crate::reconcile::store::nudge;
use crate::reconcile::{Site, crash, instance, pool, templates};

use super::observe::{self, Sight, Upstream};
use super::plan::{Closed, Container, Step};
use super::status::{self, Told};
use super::store::{self, Environment, RouteRow};
use super::update;
use super::{replicas, rest, troubles};
use crate::reconcile::store::ONLY_SUBJECT;

/// How long a freed name rests before another account can have it.
const NAME_RESTS_FOR: TimeDelta = TimeDelta::days(30);

/// Takes the step.
pub async fn take(site: &Site, lease: &Lease, sight: &Sight, step: Step) -> anyhow::Result<()> {
    // A worker that was held up must not act on what it saw long ago.
    lease.hold(&site.db, &site.clock).await?;
    let environment = &sight.environment;
    match (step, &sight.runtime) {
        (Step::OrderTemplate, _) => order_template(site, lease, environment).await,
        (Step::Begin, _) => begin(site, lease, sight).await,
        (Step::Close(page), _) => close(site, lease, environment, page).await,
        (Step::Unroute, _) => {
            let mut tx = lease.begin(&site.db).await?;
            store::delete_routes(&mut tx, environment.id).await?;
            rest::store::forget(&mut tx, environment.id).await?;
            Ok(tx.commit().await?)
        }
        (Step::Forget, runtime) => forget(site, lease, environment, runtime.as_ref()).await,
        (_, None) => anyhow::bail!("{step:?} needs a runtime"),
        (step, Some(runtime)) => Box::pin(with_runtime(site, lease, sight, runtime, step)).await,
    }
}

async fn with_runtime(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime, step: Step) -> anyhow::Result<()> {
    let environment = &sight.environment;
    match step {
        Step::Place => place(site, lease, sight, runtime).await,
        Step::Flee => flee(site, lease, sight, runtime).await,
        Step::Rotate => rotate(site, lease, runtime).await,
        Step::Renew => {
            let mut tx = lease.begin(&site.db).await?;
            runtimes::store::renew(&mut tx, runtime.id, environment.restarts).await?;
            if let Some(after) = environment.sleep_after() {
                // Whoever asks for a restart wants to use it, although no request has come yet.
                rest::store::set_awake(&mut tx, runtime.id, site.clock.now() + after).await?;
            }
            Ok(tx.commit().await?)
        }
        Step::Provide(missing) => {
            Box::pin(provide::provide(site, lease, runtime, missing)).await?;
            if environment.first_ready_at.is_none() {
                let mut tx = lease.begin(&site.db).await?;
                add_steps(site, &mut tx, environment, &["database.done", "settings.started"]).await?;
                tx.commit().await?;
            }
            Ok(())
        }
        Step::Personalise => personalise(site, lease, environment, runtime).await,
        Step::Open => {
            let upstream = sight.upstream.context("opened without a container")?;
            let is_new = sight.world.runtime.is_some_and(|world| world.container == Seen::Known(Container::Serves));
            open(site, lease, sight, (runtime, is_new), upstream).await
        }
        Step::BeginUpdate => update::begin(site, lease, sight, runtime).await,
        Step::ProvideUpdate => Box::pin(update::provide(site, lease, sight, runtime)).await,
        Step::Switch => update::switch(site, lease, sight, runtime).await,
        Step::RemoveOld => update::remove_old(site, lease, sight, runtime).await,
        Step::GiveUp => update::leave(site, lease, sight, true).await,
        Step::Withdraw => update::leave(site, lease, sight, false).await,
        Step::RemoveNew => update::remove_new(site, lease, sight, runtime).await,
        Step::Adopt => update::adopt(site, lease, sight, runtime).await,
        Step::PutBack => update::put_back(site, lease, sight, runtime).await,
        Step::FallAsleep => rest::fall_asleep(site, lease, sight, runtime).await,
        Step::PutToRest => rest::put_to_rest(site, lease, runtime).await,
        Step::WakeUp => rest::wake_up(site, lease, sight, runtime).await,
        Step::RemoveService => remove_service(site, lease, runtime).await,
        Step::Fence => fence(site, lease, runtime).await,
        Step::Release => {
            let mut tx = lease.begin(&site.db).await?;
            if runtime.is_lost {
                // Its containers may go on there: they are let in no more when it is started again elsewhere.
                begin_rotation(site, &mut tx, runtime).await?;
            }
            runtimes::store::set_stopped(&mut tx, runtime.id).await?;
            Ok(tx.commit().await?)
        }
        Step::DropDatabase => drop_database(site, lease, environment, runtime).await,
        Step::OrderTemplate | Step::Begin | Step::Close(_) | Step::Unroute | Step::Forget => {
            unreachable!("taken without a runtime")
        }
    }
}

async fn order_template(site: &Site, lease: &Lease, environment: &Environment) -> anyhow::Result<()> {
    let now = site.clock.now();
    let mut tx = lease.begin(&site.db).await?;
    let key = super::template_key(&mut tx, environment).await?;
    templates::store::order(&mut tx, &key, &new_code(20), now).await?;
    tell_of_template(site, &mut tx, environment).await?;
    db::wake(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Tells people that the template they need is being built already.
pub async fn begin_to_wait(site: &Site, lease: &Lease, environment: &Environment) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    tell_of_template(site, &mut tx, environment).await?;
    Ok(tx.commit().await?)
}

async fn tell_of_template(site: &Site, tx: &mut Fenced, environment: &Environment) -> anyhow::Result<()> {
    const BEGINS: &str = "step.template.started";
    add_steps(site, tx, environment, &["queued.done"]).await?;
    if !store::has_event(tx, environment.id, BEGINS).await? {
        let detail = template_detail(templates::store::expected_seconds(tx).await?);
        store::add_event(tx, environment.id, BEGINS, &detail, site.clock.now()).await?;
    }
    Ok(())
}

/// What the event of a template says: how long it takes, when one was built here before.
fn template_detail(seconds: Option<i64>) -> Value {
    seconds.map_or_else(|| json!({}), |seconds| json!({ "seconds_expected": seconds }))
}

/// Takes a spare, or else begins a runtime of its own, in one transaction.
async fn begin(site: &Site, lease: &Lease, sight: &Sight) -> anyhow::Result<()> {
    let environment = &sight.environment;
    let now = site.clock.now();
    crash::point("begin:before");
    let mut tx = lease.begin(&site.db).await?;
    let key = super::template_key(&mut tx, environment).await?;
    let template = templates::store::find(&mut tx, &key).await?.context("the template has gone")?;
    templates::store::set_used(&mut tx, template.id, now).await?;
    let mut steps = vec!["queued.done"];
    if store::has_event(&mut tx, environment.id, "step.template.started").await? {
        steps.push("template.done");
    }
    let crowded = hosts::crowded(&mut tx).await?;
    if store::claim_spare(&mut tx, environment, template.id, &crowded, now).await?.is_some() {
        steps.extend(["database.started", "database.done", "container.started", "container.done", "settings.started"]);
        nudge(&mut tx, pool::NAME, ONLY_SUBJECT, now + pool::REPLENISH_AFTER).await?;
    } else {
        let need = Need {
            cpu_millis: environment.cpu_millis,
            memory_mb: environment.memory_mb,
            tenant: Tenant::of_kind(Some(&environment.kind)),
            not_on: None,
            image: Some(template.image),
        };
        let placement = match hosts::take_room(&mut tx, need).await {
            Ok(placement) => placement,
            Err(ReserveError::NoRoom(why)) => return make_room(site, tx, sight, why).await,
            Err(error) => return Err(error.into()),
        };
        let id = RuntimeId::new(now);
        let password = provide::new_password();
        let new = NewRuntime {
            id,
            code: &new_code(20),
            environment: Some(environment.id),
            image: template.image,
            template: template.id,
            database_server: template.database_server,
            placement: &placement,
            cpu_millis: environment.cpu_millis,
            memory_mb: environment.memory_mb,
            restarts: environment.restarts,
            password_sealed: &provide::seal(&site.key, id, &password),
            now,
        };
        runtimes::store::insert(&mut tx, &new).await?;
        steps.extend(["database.started", "container.started"]);
    }
    add_steps(site, &mut tx, environment, &steps).await?;
    set_closed(site, &mut tx, environment, Closed::Starting).await?;
    say(site, &mut tx, environment, &Told { status: "preparing", reason: None }).await?;
    crash::point("begin:middle");
    tx.commit().await?;
    crash::point("begin:after");
    Ok(())
}

/// Keeps why there is no room, gives up the spares that are in the way, and fails so that the next turn finds the room.
pub async fn make_room(site: &Site, mut tx: Fenced, sight: &Sight, why: hosts::NoRoom) -> anyhow::Result<()> {
    troubles::note_no_room(site, &mut tx, sight, &why).await?;
    tx.commit().await?;
    Err(why.into())
}

async fn place(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    match hosts::reserve(&mut tx, runtime.id, Cause::Started, site.clock.now()).await {
        Ok(_placement) => {}
        Err(ReserveError::NoRoom(why)) => return make_room(site, tx, sight, why).await,
        Err(error) => return Err(error.into()),
    }
    runtimes::store::set_placed(&mut tx, runtime.id).await?;
    Ok(tx.commit().await?)
}

/// Gives a runtime whose machine is lost another one. The public is told that it starts; the database learns of it next.
async fn flee(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let now = site.clock.now();
    crash::point("flee:before");
    let mut tx = lease.begin(&site.db).await?;
    match hosts::reserve(&mut tx, runtime.id, Cause::Lost, now).await {
        Ok(_placement) => {}
        Err(ReserveError::NoRoom(why)) => {
            lead_to_the_others(site, &mut tx, sight).await?;
            return make_room(site, tx, sight, why).await;
        }
        Err(error) => return Err(error.into()),
    }
    runtimes::store::set_placed(&mut tx, runtime.id).await?;
    begin_rotation(site, &mut tx, runtime).await?;
    close_for_loss(site, &mut tx, sight).await?;
    tx.commit().await?;
    crash::point("flee:after");
    Ok(())
}

/// While there is no other place for it, nobody is sent to a lost container that has others beside it.
async fn lead_to_the_others(site: &Site, tx: &mut Fenced, sight: &Sight) -> anyhow::Result<()> {
    let environment = &sight.environment;
    let (host, serving) = (site.public.instance_host(&environment.subdomain), sight.replicas.serving());
    let routes = store::routes(tx, environment.id).await?;
    if sight.world.others_serve && !observe::leads_exactly(&routes, &host, None, &serving) {
        replicas::act::write_route(site, tx, sight, &serving).await?;
    }
    Ok(())
}

/// Tells the public that it starts, unless other containers of it serve, and its people why.
pub async fn close_for_loss(site: &Site, tx: &mut Fenced, sight: &Sight) -> anyhow::Result<()> {
    let environment = &sight.environment;
    if sight.world.others_serve {
        replicas::act::write_route(site, tx, sight, &sight.replicas.serving()).await?;
    } else {
        set_closed(site, tx, environment, Closed::Starting).await?;
    }
    if environment.first_ready_at.is_some() {
        let detail = json!({ "reason": "reason-host-lost" });
        store::add_event(tx, environment.id, "relocated", &detail, site.clock.now()).await?;
    }
    Ok(())
}

/// Puts the password that is kept in force, under a new generation: a worker that was held up right here does not end the
/// sessions of what another one has started since.
async fn rotate(site: &Site, lease: &Lease, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    let service_generation = runtimes::store::bump(&mut tx, runtime.id).await?;
    tx.commit().await?;
    provide::rotate(site, &Runtime { service_generation, ..runtime.clone() }).await?;
    let mut tx = lease.begin(&site.db).await?;
    runtimes::store::end_rotation(&mut tx, runtime.id).await?;
    Ok(tx.commit().await?)
}

/// Seals another password for the runtime's login role, which gets it with the next step.
pub async fn begin_rotation(site: &Site, tx: &mut Fenced, runtime: &Runtime) -> anyhow::Result<()> {
    let sealed = provide::seal(&site.key, runtime.id, &provide::new_password());
    Ok(runtimes::store::begin_rotation(tx, runtime.id, &sealed).await?)
}

async fn personalise(site: &Site, lease: &Lease, environment: &Environment, runtime: &Runtime) -> anyhow::Result<()> {
    let password = provide::password(site, runtime.id).await?;
    let statements = instance::personal_statements(site, environment);
    crash::point("personalise:before");
    site.tenants
        .run_as_tenant(&runtime.database()?, &runtime.role()?, &password, &statements)
        .await
        .context("make the database the customer's own")?;
    crash::point("personalise:after");
    let now = site.clock.now();
    let mut tx = lease.begin(&site.db).await?;
    runtimes::store::set_personalised(&mut tx, runtime.id, &environment.subdomain, now).await?;
    // Whoever made the database may have died before it could say so.
    add_steps(site, &mut tx, environment, &["database.done", "settings.started", "settings.done", "address.started"])
        .await?;
    Ok(tx.commit().await?)
}

async fn open(
    site: &Site,
    lease: &Lease,
    sight: &Sight,
    (runtime, is_new): (&Runtime, bool),
    upstream: Upstream,
) -> anyhow::Result<()> {
    let environment = &sight.environment;
    if !runtime.knows(&environment.subdomain) {
        // From here on nobody can tell which address the database has, until the new one is written down: a renaming that is
        // taken back half way makes it learn the old one again.
        let mut tx = lease.begin(&site.db).await?;
        runtimes::store::set_known_as(&mut tx, runtime.id, None).await?;
        tx.commit().await?;
        crash::point("address:before");
        let password = provide::password(site, runtime.id).await?;
        let statements = instance::address_statements(site, environment);
        site.tenants
            .run_as_tenant(&runtime.database()?, &runtime.role()?, &password, &statements)
            .await
            .context("tell the database its address")?;
        crash::point("address:after");
    }
    let upstream = upstream.checked(&site.public.instance_host(&environment.subdomain)).await;
    let now = site.clock.now();
    crash::point("open:before");
    let mut tx = lease.begin(&site.db).await?;
    replicas::act::write_route(site, &mut tx, sight, &sight.replicas.beside(upstream)).await?;
    runtimes::store::set_known_as(&mut tx, runtime.id, Some(&environment.subdomain)).await?;
    runtimes::store::set_ready(&mut tx, runtime.id).await?;
    if is_new {
        hosts::store::set_served(&mut tx, runtime.id, now).await?;
        runtimes::store::end_trial(&mut tx, runtime.id).await?;
    }
    if environment.first_ready_at.is_none() {
        add_steps(site, &mut tx, environment, &["container.done", "address.done", "ready.started", "ready.done"])
            .await?;
    }
    store::add_restarted(&mut tx, environment.id, now).await?;
    say(site, &mut tx, environment, &Told { status: "running", reason: None }).await?;
    crash::point("open:middle");
    tx.commit().await?;
    crash::point("open:after");
    Ok(())
}

/// Leads the environment's name to containers.
pub async fn lead_to(
    site: &Site,
    tx: &mut Fenced,
    environment: &Environment,
    upstreams: &[Upstream],
) -> anyhow::Result<()> {
    // What could not be seen now serves on as it was.
    let known = store::routes(tx, environment.id).await?;
    let known = known.first().map(|route| &route.proofs);
    let proofs = upstreams.iter().flat_map(|upstream| {
        let proof = upstream.proof.or_else(|| known?.get(&upstream.address.to_string()).copied());
        let ports = [Some(upstream.address), upstream.websocket];
        ports.into_iter().flatten().filter_map(move |port| Some((port.to_string(), proof?)))
    });
    let route = RouteRow {
        hostname: site.public.instance_host(&environment.subdomain),
        state: "serving".to_owned(),
        upstreams: upstreams.iter().map(|upstream| upstream.address.to_string()).collect(),
        proofs: proofs.collect(),
    };
    let websockets: Vec<String> =
        upstreams.iter().filter_map(|upstream| upstream.websocket).map(|address| address.to_string()).collect();
    store::set_route(tx, environment, &route, &websockets, site.clock.now()).await?;
    Ok(())
}

async fn close(site: &Site, lease: &Lease, environment: &Environment, page: Closed) -> anyhow::Result<()> {
    crash::point("close:before");
    let mut tx = lease.begin(&site.db).await?;
    set_closed(site, &mut tx, environment, page).await?;
    if matches!(page, Closed::Stopped | Closed::Suspended) {
        rest::store::forget(&mut tx, environment.id).await?;
    }
    tx.commit().await?;
    crash::point("close:after");
    Ok(())
}

/// Leads the name to a page that says why the instance does not answer.
pub async fn set_closed(site: &Site, tx: &mut Fenced, environment: &Environment, page: Closed) -> anyhow::Result<()> {
    let state = match page {
        Closed::Starting => "starting",
        Closed::Stopped => "stopped",
        Closed::Suspended => "suspended",
        Closed::Asleep => "asleep",
    };
    let route = RouteRow {
        hostname: site.public.instance_host(&environment.subdomain),
        state: state.to_owned(),
        upstreams: Vec::new(),
        proofs: ProofKeys::new(),
    };
    store::set_route(tx, environment, &route, &[], site.clock.now()).await?;
    Ok(())
}

/// Removes the service, under a new generation: what is made from now on is newer than what is removed, so that a worker
/// that was held up cannot remove it later.
async fn remove_service(site: &Site, lease: &Lease, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    let next = runtimes::store::bump(&mut tx, runtime.id).await?;
    tx.commit().await?;
    provide::remove_service(site, &Runtime { service_generation: next - 1, ..runtime.clone() }).await
}

/// Locks the login role out. Whatever starts later gets it back by force, also from a worker that was held up right here.
async fn fence(site: &Site, lease: &Lease, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    runtimes::store::set_rotating(&mut tx, runtime.id).await?;
    tx.commit().await?;
    provide::fence(site, runtime).await
}

/// Drops the database, once it is certain that the deletion is taken back no more.
async fn drop_database(site: &Site, lease: &Lease, environment: &Environment, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    if !store::begin_purge(&mut tx, environment.id, site.clock.now()).await? {
        return Ok(());
    }
    tx.commit().await?;
    provide::drop_database(site, runtime).await
}

async fn forget(
    site: &Site,
    lease: &Lease,
    environment: &Environment,
    runtime: Option<&Runtime>,
) -> anyhow::Result<()> {
    if let Some(runtime) = runtime {
        provide::drop_roles(site, runtime).await?;
    }
    let now = site.clock.now();
    crash::point("forget:before");
    let mut tx = lease.begin(&site.db).await?;
    if let Some(runtime) = runtime {
        runtimes::store::set_gone(&mut tx, runtime.id, now).await?;
    }
    update::store::cancel_all(&mut tx, environment.id, now).await?;
    store::free_name(&mut tx, environment.id, now, now + NAME_RESTS_FOR).await?;
    say(site, &mut tx, environment, &Told { status: "deleted", reason: None }).await?;
    tx.commit().await?;
    crash::point("forget:after");
    Ok(())
}

/// Tells people, when it is something else than what they were told before.
pub async fn say(site: &Site, tx: &mut Fenced, environment: &Environment, told: &Told) -> anyhow::Result<()> {
    let reason = told.reason_value();
    if environment.status == told.status && environment.status_reason == reason {
        return Ok(());
    }
    let now = site.clock.now();
    let has_changed = store::set_status(tx, environment.id, told.status, reason.as_ref(), now).await?;
    let event = status::event_of(&environment.status, told.status, environment.first_ready_at.is_some());
    if let Some(event) = event.filter(|_| has_changed) {
        let detail = told.reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        store::add_event(tx, environment.id, event, &detail, now).await?;
    }
    Ok(())
}

/// Adds steps of the creation to the history; after the first time that it was ready there are none.
async fn add_steps(site: &Site, tx: &mut Fenced, environment: &Environment, steps: &[&str]) -> anyhow::Result<()> {
    if environment.first_ready_at.is_some() {
        return Ok(());
    }
    let kinds: Vec<String> = steps.iter().map(|step| format!("step.{step}")).collect();
    store::add_steps(tx, environment.id, &kinds, site.clock.now()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_template_is_told_once_one_was_built() {
        assert_eq!(template_detail(None), json!({}));
        assert_eq!(template_detail(Some(35)), json!({ "seconds_expected": 35 }));
    }
}
