//! Lets a history happen to an installation on a simulated outside world, and compares it with the model.

use std::time::Duration;

use chrono::TimeDelta;
use sayoo::base::faults::{Call, Fault, Kind};
use sayoo::base::ids::{EnvironmentId, HostId};
use sayoo::engine::ServiceName;
use sayoo::portal::Portal;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::environments::Environments;
use sayoo::reconcile::hosts::{Nodes, Pulse};
use sqlx::{AssertSqlSafe, PgPool, Row};
use uuid::Uuid;

use super::again::{InTurn, told};
use super::people::People;
use super::reference::{Answer, Environment, Event, HOSTS, Model, PLANS, Sleep, number_of};
use crate::matrix::world::{A_WHILE, LONG, Shop, WHILES, World};

const NODES: [&str; HOSTS] = ["alpha", "beta", "gamma"];
/// Calls that accidents happen to.
const CHANGES: [&str; 12] = [
    "create",
    "apply",
    "update",
    "remove",
    "create_role",
    "clone_template",
    "hand_over",
    "run_as_tenant",
    "fence",
    "rotate",
    "drop_database",
    "drop_role",
];
const LOOKS: [&str; 5] = ["observe", "containers", "look", "role_exists", "nodes"];
/// A turn may wait a moment for a container, by the real clock.
const AT_MOST: Duration = Duration::from_secs(60);

/// An installation with everything that was ordered in it.
pub struct Installation {
    world: World,
    people: People,
    shops: Vec<Shop>,
    /// What each environment's people read when all was settled last.
    seen: Vec<Seen>,
    how: How,
}

/// How the worker gives its turns to environments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// One after the other, so that the same history happens in the same way each time.
    InTurn,
    /// Beside each other, as in earnest: which of them an accident meets is chance.
    AtOnce,
}

/// What people have read, and numbers that never go down.
#[derive(Clone, Default)]
struct Seen {
    status: String,
    events: Vec<String>,
    wanted_generation: i64,
    service_generation: i64,
}

impl Installation {
    /// Makes an installation in a control database that may have held another one.
    pub async fn new(db: PgPool, how: How) -> Self {
        forget_everything(&db).await;
        let world = World::with(db.clone(), &NODES, 0).await;
        let portal = Portal { db, clock: world.site.clock.clone(), public: world.site.public.clone() };
        let people = People::new(portal, world.account).await;
        Self { world, people, shops: Vec::new(), seen: Vec::new(), how }
    }

    /// Lets one thing happen. Says what is different from the model.
    pub async fn happens(&mut self, model: &mut Model, event: Event) -> Result<(), String> {
        // What is made in one moment has no order.
        self.world.pass(TimeDelta::milliseconds(1));
        if Model::takes_hours(event) && model.is_calm() {
            self.settles(model).await?;
        }
        let before = model.clone();
        let answer = model.happens(event);
        if answer == Answer::Impossible {
            return Ok(());
        }
        let number = number_of(event);
        match event {
            Event::Order => {
                let name = format!("shop-{}-0", self.shops.len());
                let id = self.people.order(&name).await;
                self.shops.push(Shop { id, name, is_bare: false });
                self.seen.push(Seen { status: "ordered".to_owned(), ..Seen::default() });
            }
            Event::Update(_) => {
                let digest = format!("sha256:{:064x}", model.images);
                self.update(number, &digest, model.environments[number].plan).await;
            }
            Event::BadUpdate(_) => {
                self.world.engine.set_bad_image("sha256:bad");
                self.update(number, "sha256:bad", model.environments[number].plan).await;
                return self.settles(model).await;
            }
            Event::Visit(_) => {
                let id = self.shops[number].id;
                if before.environments[number].sleep == Sleep::Yes {
                    self.world
                        .run(&format!(
                            "INSERT INTO wake_requests VALUES ('{id}', 'request', $now) ON CONFLICT DO NOTHING"
                        ))
                        .await;
                }
            }
            Event::Leave(_) | Event::Week => {
                self.pass(model, if event == Event::Week { TimeDelta::days(8) } else { LONG }).await;
                return self.settles(model).await;
            }
            Event::Drain(_) | Event::Reopen(_) => {
                // Emptying is refused while somebody would find no room, as when the others were lost a moment ago.
                self.settles(model).await?;
                let mut tries = 0;
                // A machine that was found again takes nothing before it was looked at.
                while !self.people.steer(event == Event::Drain(number), self.host(number).await).await {
                    tries += 1;
                    assert!(tries < WHILES, "there is room somewhere");
                    self.pass(model, A_WHILE).await;
                    self.settles(model).await?;
                }
            }
            Event::Lose(_) | Event::Find(_) => self.world.engine.set_lost(NODES[number], event == Event::Lose(number)),
            Event::EngineAway | Event::EngineBack | Event::TenantsAway | Event::TenantsBack => {
                self.world.engine.set_away(model.is_engine_away);
                self.world.tenants.set_away(model.is_server_away);
                // What was done meanwhile is looked at before anybody asks for more.
                if model.is_calm() {
                    return self.settles(model).await;
                }
            }
            Event::RemoveByHand(_) | Event::KillContainers(_) => self.by_hand(event).await,
            Event::Accident(call, count, fault) => self.world.faults.plan(Some(accident(call, count, fault))),
            Event::Settle if model.is_calm() => return self.settles(model).await,
            Event::Settle => self.work_unhindered(model).await,
            _ => return self.ask(&before, event, answer).await,
        }
        Ok(())
    }

    async fn ask(&mut self, before: &Model, event: Event, answer: Answer) -> Result<(), String> {
        let number = number_of(event);
        let was = &before.environments[number];
        let shop = &mut self.shops[number];
        let address = match event {
            Event::Rename(_) => format!("shop-{number}-{}", was.renamings + 1),
            _ => shop.name.clone(),
        };
        let is_granted = self.people.ask(event, shop.id, &address, (was.plan + 1) % PLANS.len()).await;
        if is_granted != Some(answer == Answer::Done) {
            return Err(format!("{event:?} was answered {is_granted:?} instead of {answer:?}"));
        }
        if answer == Answer::Done {
            shop.name = address;
        }
        Ok(())
    }

    /// Brings an environment another image, as a rollout for it alone does.
    async fn update(&self, number: usize, digest: &str, plan: usize) {
        let (id, code) = (self.shops[number].id, PLANS[plan]);
        self.world
            .run(&format!(
                "INSERT INTO images SELECT gen_random_uuid(), 'odoo', '{digest}', '19.0', 'retired', $now
                  WHERE NOT EXISTS (SELECT FROM images WHERE digest = '{digest}');
                 INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
                 SELECT gen_random_uuid(), '{id}', images.id, plan_versions.cpu_millis, plan_versions.memory_mb, 'Sam', $now
                   FROM images, plan_versions JOIN plans ON plans.id = plan_versions.plan_id
                  WHERE digest = '{digest}' AND plans.code = '{code}';"
            ))
            .await;
    }

    async fn by_hand(&mut self, event: Event) {
        let shop = &mut self.shops[number_of(event)];
        let id = shop.id;
        shop.is_bare |= matches!(event, Event::RemoveByHand(_));
        for code in self.world.texts_of("SELECT code FROM runtimes WHERE environment_id = $1", id).await {
            for slot in ["", "-b"] {
                let name = ServiceName::parse(&format!("matrix-{code}{slot}")).unwrap();
                if matches!(event, Event::KillContainers(_)) {
                    self.world.engine.kill_containers(&name);
                } else {
                    self.world.truth.engine.remove(&name, u64::MAX).await.unwrap();
                }
            }
        }
    }

    async fn host(&self, number: usize) -> HostId {
        let ids = self.world.texts(&format!("SELECT id::text FROM hosts WHERE node = '{}'", NODES[number])).await;
        ids[0].parse().unwrap()
    }

    /// Lets time go by. What people use is used all the time.
    async fn pass(&self, model: &Model, time: TimeDelta) {
        self.world.pass(time);
        let used = model.environments.iter().zip(&self.shops).filter(|(it, _)| it.runs() && it.is_used);
        let ids: Vec<String> = used.map(|(_, shop)| format!("('{}'::uuid, $now)", shop.id)).collect();
        if !ids.is_empty() {
            self.world
                .run(&format!(
                    "INSERT INTO environment_activity (environment_id, active_at) VALUES {}
                     ON CONFLICT (environment_id) DO UPDATE SET active_at = excluded.active_at",
                    ids.join(", ")
                ))
                .await;
        }
    }

    /// One round of everything that the worker does for environments.
    async fn work(&self) {
        let (site, db) = (&self.world.site, &self.world.db);
        let all = async {
            Driver::new(Nodes::new(site.clone()), db.clone(), site.clock.clone()).settle().await.unwrap();
            // Nobody checks machines here: what is found again has no fault.
            let checked =
                "UPDATE hosts SET state = 'active', state_reason = NULL WHERE state = 'cordoned' AND wanted = 'open'";
            self.world.run(checked).await;
            Driver::new(Pulse::new(site.clone()), db.clone(), site.clock.clone()).settle().await.unwrap();
            let environments = Environments::new(site.clone());
            match self.how {
                How::AtOnce => Driver::new(environments, db.clone(), site.clock.clone()).settle().await.unwrap(),
                How::InTurn => {
                    let environments = InTurn::new(environments, site.clock.clone());
                    Driver::new(environments, db.clone(), site.clock.clone()).settle().await.unwrap()
                }
            };
        };
        tokio::select! {
            done = tokio::time::timeout(AT_MOST, all) => done.expect("the worker never came to an end"),
            () = self.world.faults.killed() => {}
        }
    }

    /// Works for a while although something does not answer.
    async fn work_unhindered(&self, model: &Model) {
        self.work().await;
        self.pass(model, A_WHILE).await;
        self.work().await;
    }

    /// Works until all is as the model says. Says what is not, after a long time.
    async fn settles(&mut self, model: &mut Model) -> Result<(), String> {
        let mut wrong = String::new();
        for round in 0..WHILES * 2 {
            if round > 0 {
                self.pass(model, A_WHILE).await;
            }
            self.work().await;
            if round > 0 {
                // The accident has had its time.
                drop(self.world.faults.end());
                self.world.sweep().await;
            }
            if self.is_moving().await {
                "an update does not end".clone_into(&mut wrong);
                continue;
            }
            let mut then = model.clone();
            self.look_who_sleeps(&mut then).await;
            then.settles();
            match self.compare(&then).await {
                Ok(()) => {
                    drop(self.world.faults.end());
                    *model = then;
                    for (it, shop) in model.environments.iter().zip(&mut self.shops) {
                        shop.is_bare &= it.sleep == Sleep::Yes;
                    }
                    return self.read().await;
                }
                Err(error) => wrong = error,
            }
        }
        let troubles =
            self.world.texts("SELECT task || ': ' || last_error FROM turns WHERE last_error IS NOT NULL").await;
        let seen = self.world.texts("SELECT status::text FROM turns WHERE task = 'environments'").await;
        Err(format!("{wrong}; {troubles:?}; {seen:?}"))
    }

    /// Whether an update is under way, or somebody is about to leave a machine.
    async fn is_moving(&self) -> bool {
        let open = "SELECT 'an update' FROM environment_updates WHERE ended_at IS NULL
                    UNION SELECT 'a move' FROM runtimes WHERE leaving_host_id IS NOT NULL AND state <> 'gone'";
        !self.world.texts(open).await.is_empty()
    }

    /// Where the model cannot tell, it believes what it sees.
    async fn look_who_sleeps(&self, model: &mut Model) {
        for (it, shop) in model.environments.iter_mut().zip(&self.shops).filter(|(it, _)| it.sleep == Sleep::Perhaps) {
            let said = self.world.texts_of("SELECT status FROM environments WHERE id = $1", shop.id).await;
            let is_asleep = said == ["asleep"];
            (it.sleep, it.is_used) = (if is_asleep { Sleep::Yes } else { Sleep::No }, !is_asleep);
        }
    }

    /// Tells what has happened, to the microsecond and to the last call; the same history tells the same.
    pub async fn told(&self) -> String {
        told(&self.world, &self.shops).await
    }

    async fn compare(&self, model: &Model) -> Result<(), String> {
        let all: Vec<(&Shop, &str)> = self
            .shops
            .iter()
            .zip(&model.environments)
            .map(|(shop, it)| (shop, it.status().unwrap_or("unclear")))
            .collect();
        self.world.wrong_of_all(&all).await?;
        for (it, shop) in model.environments.iter().zip(&self.shops).filter(|(it, _)| it.was_ready && !it.is_gone) {
            self.compare_inside(it, shop.id).await?;
        }
        Ok(())
    }

    /// Plan and image, in the rows and in the engine.
    async fn compare_inside(&self, it: &Environment, id: EnvironmentId) -> Result<(), String> {
        let image = if it.image == 0 { "sha256:00".to_owned() } else { format!("sha256:{:064x}", it.image) };
        let sql = "SELECT plans.code || ' ' || images.digest || ' ' || (plan_versions.memory_mb = runtimes.memory_mb)
                     FROM environments
                     JOIN plan_versions ON plan_versions.id = environments.plan_version_id
                     JOIN plans ON plans.id = plan_versions.plan_id
                     JOIN runtimes ON runtimes.environment_id = environments.id
                     JOIN images ON images.id = runtimes.image_id
                    WHERE environments.id = $1";
        let (seen, wanted) = (self.world.texts_of(sql, id).await, format!("{} {image} true", PLANS[it.plan]));
        if seen == [wanted.as_str()] { Ok(()) } else { Err(format!("plan and image: {seen:?} instead of {wanted}")) }
    }

    /// Reads every history: nothing is lost of it, it tells what happened, and no number goes down.
    async fn read(&mut self) -> Result<(), String> {
        for (number, shop) in self.shops.iter().enumerate() {
            let now = read(&self.world.db, shop.id.uuid()).await;
            let before = &self.seen[number];
            if !now.events.starts_with(&before.events) {
                return Err(format!("events were lost: {:?} was {:?}", now.events, before.events));
            }
            if now.wanted_generation < before.wanted_generation || now.service_generation < before.service_generation {
                return Err(format!("a generation went down: {:?}", shop.name));
            }
            let news = &now.events[before.events.len()..];
            let expected = news_of(&before.status, &now.status);
            if !expected.is_empty() && !news.iter().any(|kind| expected.contains(&kind.as_str())) {
                return Err(format!("{} became {} and {news:?} says none of {expected:?}", before.status, now.status));
            }
            self.seen[number] = now;
        }
        Ok(())
    }
}

/// What of the history must tell of a change, one of these; none when that is not certain.
fn news_of(before: &str, after: &str) -> &'static [&'static str] {
    match (before, after) {
        (same, also) if same == also => &[],
        ("ordered", "running") => &["step.ready.done"],
        // Or it was deleted and taken back meanwhile.
        ("asleep", "running") => &["woken", "started"],
        (_, "suspended") => &["suspended"],
        ("suspended", "running" | "stopped") => &["resumed"],
        // A start that took too long was said to be failing meanwhile.
        ("stopped" | "deleting", "running") => &["started", "step.ready.done", "recovered"],
        ("running", "stopped") => &["stopped"],
        ("running", "asleep") => &["asleep"],
        (_, "deleted") => &["deleted"],
        _ => &[],
    }
}

async fn read(db: &PgPool, id: Uuid) -> Seen {
    let sql = "SELECT status, wanted_generation
                    , ARRAY(SELECT kind FROM environment_events WHERE environment_id = $1 ORDER BY id)
                    , coalesce((SELECT max(service_generation) FROM runtimes WHERE environment_id = $1), 0)
                 FROM environments WHERE id = $1";
    let row = sqlx::query(sql).bind(id).fetch_one(db).await.unwrap();
    Seen { status: row.get(0), wanted_generation: row.get(1), events: row.get(2), service_generation: row.get(3) }
}

/// Which call goes wrong, and how.
fn accident(call: usize, number: usize, fault: usize) -> (Call, Fault) {
    let verb = call % (CHANGES.len() + LOOKS.len());
    if let Some(&verb) = CHANGES.get(verb) {
        return (Call { verb, kind: Kind::Change, number }, Fault::OF_CHANGES[fault % Fault::OF_CHANGES.len()]);
    }
    let verb = LOOKS[verb - CHANGES.len()];
    (Call { verb, kind: Kind::Look, number }, Fault::OF_LOOKS[fault % Fault::OF_LOOKS.len()])
}

/// Empties the control database, so that one serves many histories: making one takes longer than most of these.
pub async fn forget_everything(db: &PgPool) {
    let sql = "DO $$
        DECLARE one record;
        BEGIN
            SET LOCAL session_replication_role = replica;
            FOR one IN SELECT tablename FROM pg_tables
                        WHERE schemaname = 'public' AND tablename NOT LIKE 'plan%' AND tablename NOT LIKE '\\_%' LOOP
                EXECUTE format('DELETE FROM %I', one.tablename);
            END LOOP;
        END $$";
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(db).await.unwrap();
}
