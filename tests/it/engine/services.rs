//! Services: made, changed, removed, and what is seen of them.

use std::time::Duration;

use sayoo::engine::{ContainerState, Error, ServiceName};

use crate::support::engine::{TestEngine, docker, get, quick_health};

#[tokio::test]
async fn a_service_answers_at_the_address_of_its_container() {
    let test = TestEngine::new();
    let spec = test.service(&[("STANDIN_NAME", "alice"), ("STANDIN_WEBSOCKET", "1")]);
    test.engine.apply(&spec).await.unwrap();
    let container = test.until_answering(&spec.name).await;
    assert_eq!(container.state, ContainerState::Running);
    assert_eq!(container.generation, 1);
    assert!(container.started_at.is_some() && container.websocket_address.is_some());
    assert!(container.address.unwrap().ip().is_loopback());
    assert!(get(&container, "/web/login").await.unwrap().contains("oe_login_form"));
    let all = test.engine.all_containers().await.unwrap();
    assert_eq!(all.found[&spec.name][0].address, container.address);

    let seen = test.engine.observe(&spec.name).await.unwrap().unwrap();
    assert_eq!((seen.runtime, seen.generation, seen.replicas), (Some(spec.runtime), 1, 1));
    assert_eq!((seen.fingerprint, seen.image), (spec.fingerprint(), spec.image.clone()));
    assert_eq!(test.engine.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let test = TestEngine::new();
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    let container = test.until_answering(&spec.name).await;
    test.engine.apply(&spec).await.unwrap();
    let version = || docker(&["service", "inspect", "--format", "{{.UpdatedAt}}", spec.name.as_str()]);
    let before = version();
    test.engine.apply(&spec).await.unwrap();
    assert_eq!(version(), before);
    assert_eq!(test.until_answering(&spec.name).await.id, container.id);
}

#[tokio::test]
async fn an_older_generation_never_replaces_a_newer_one() {
    let test = TestEngine::new();
    let old = test.service(&[]);
    let mut new = old.clone();
    new.generation = 2;
    new.memory_mb = 96;
    test.engine.apply(&new).await.unwrap();
    let refused = test.engine.apply(&old).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(test.engine.observe(&new.name).await.unwrap().unwrap().generation, 2);
}

#[tokio::test]
async fn a_change_starts_the_new_container_before_the_old_one_stops() {
    let test = TestEngine::new();
    let mut spec = test.service(&[]);
    spec.health = Some(quick_health());
    test.engine.apply(&spec).await.unwrap();
    let old = test.until_answering(&spec.name).await;
    spec.generation = 2;
    spec.env.insert("STANDIN_NAME".to_owned(), "new".to_owned());
    test.engine.apply(&spec).await.unwrap();
    let is_over = |seen: &[sayoo::engine::ContainerSeen]| {
        let alive: Vec<_> = seen.iter().filter(|container| container.state.is_alive()).collect();
        // At every moment something runs.
        assert!(!alive.is_empty(), "nothing ran for a moment: {seen:#?}");
        alive.len() == 1 && alive[0].id != old.id && alive[0].state == ContainerState::Running
    };
    let seen = test.until(&spec.name, is_over).await;
    assert_eq!(seen[0].generation, 2);
}

#[tokio::test]
async fn a_change_that_never_becomes_healthy_is_rolled_back() {
    let test = TestEngine::new();
    let mut spec = test.service(&[]);
    spec.health = Some(quick_health());
    test.engine.apply(&spec).await.unwrap();
    test.until(&spec.name, |seen| seen.iter().any(|container| container.state == ContainerState::Running)).await;
    spec.generation = 2;
    spec.env.insert("STANDIN_SICK".to_owned(), "1".to_owned());
    test.engine.apply(&spec).await.unwrap();
    let mut tries = 0;
    while test.engine.observe(&spec.name).await.unwrap().unwrap().generation == 2 {
        let seen = test.engine.containers(&spec.name).await.unwrap();
        assert!(seen.iter().any(|container| container.generation == 1 && container.state == ContainerState::Running));
        tries += 1;
        assert!(tries < 300, "the change was not rolled back: {seen:#?}");
        crate::support::engine::pause().await;
    }
}

#[tokio::test]
async fn a_stopped_service_has_no_container_and_keeps_its_name() {
    let test = TestEngine::new();
    let mut spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    test.until_answering(&spec.name).await;
    spec.generation = 2;
    spec.replicas = 0;
    test.engine.apply(&spec).await.unwrap();
    test.until(&spec.name, |seen| seen.iter().all(|container| !container.state.is_alive())).await;
    assert_eq!(test.engine.observe(&spec.name).await.unwrap().unwrap().replicas, 0);
}

#[tokio::test]
async fn a_restart_is_done_once_for_each_number() {
    let test = TestEngine::new();
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    let first = test.until_answering(&spec.name).await;
    test.engine.restart(&spec.name, 1).await.unwrap();
    let seen = test
        .until(&spec.name, |seen| {
            let alive: Vec<_> = seen.iter().filter(|container| container.state.is_alive()).collect();
            alive.len() == 1 && alive[0].id != first.id
        })
        .await;
    let second = seen.into_iter().find(|container| container.state.is_alive()).unwrap();
    test.engine.restart(&spec.name, 1).await.unwrap();
    let mut again = spec.clone();
    again.restarts = 1;
    test.engine.apply(&again).await.unwrap();
    let seen = test.engine.containers(&spec.name).await.unwrap();
    assert!(seen.iter().any(|container| container.id == second.id && container.state.is_alive()), "{seen:#?}");
    assert_eq!(test.engine.observe(&spec.name).await.unwrap().unwrap().restarts, 1);
}

#[tokio::test]
async fn a_crash_shows_its_exit_code_and_memory_its_killer() {
    let test = TestEngine::new();
    let crashing = test.service(&[("STANDIN_CRASH_MS", "100")]);
    let mut greedy = test.service(&[]);
    greedy.args = Some(vec!["eat".to_owned(), "100".to_owned()]);
    test.engine.apply(&crashing).await.unwrap();
    test.engine.apply(&greedy).await.unwrap();
    test.until(&crashing.name, |seen| seen.iter().any(|container| container.exit_code == Some(3))).await;
    test.until(&greedy.name, |seen| seen.iter().any(|container| container.was_oom_killed)).await;
}

#[tokio::test]
async fn an_image_that_is_not_there_is_said_to_be_the_trouble() {
    let test = TestEngine::new();
    let mut spec = test.service(&[]);
    spec.image = format!("sha256:{}", "0".repeat(64));
    assert_eq!(test.engine.image(&spec.image).await.unwrap(), None);
    test.engine.apply(&spec).await.unwrap();
    for _ in 0..100 {
        if let Some(trouble) = test.engine.trouble(&spec.name).await.unwrap() {
            assert!(trouble.to_lowercase().contains("no such image") || trouble.contains("not found"), "{trouble}");
            return;
        }
        crate::support::engine::pause().await;
    }
    panic!("the engine says nothing of the missing image");
}

#[tokio::test]
async fn removing_takes_the_secrets_along_and_may_be_repeated() {
    let test = TestEngine::new();
    let mut spec = test.service(&[]);
    spec.secrets.insert("password".to_owned(), sayoo::base::secret::Secret::new("hush".to_owned()));
    test.engine.apply(&spec).await.unwrap();
    let container = test.until_answering(&spec.name).await;
    assert_eq!(get(&container, "/standin/secret/password").await.as_deref(), Some("4"));
    assert!(!docker(&["service", "inspect", spec.name.as_str()]).contains("hush"));
    spec.generation = 2;
    test.engine.apply(&spec).await.unwrap();
    let late = test.engine.remove(&spec.name, 1).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "whoever was held up removes nothing newer: {late:?}");
    assert_eq!(get(&test.until_answering(&spec.name).await, "/standin/secret/password").await.as_deref(), Some("4"));
    for _ in 0..2 {
        test.engine.remove(&spec.name, 2).await.unwrap();
        assert_eq!(test.engine.observe(&spec.name).await.unwrap(), None);
    }
    let filter = format!("label=sayoo.installation={}", test.installation);
    assert_eq!(docker(&["secret", "ls", "--quiet", "--filter", &filter]), "");
}

#[tokio::test]
async fn a_service_of_somebody_else_is_never_touched() {
    let (ours, theirs) = (TestEngine::new(), TestEngine::new());
    let foreign = theirs.service(&[]);
    theirs.engine.apply(&foreign).await.unwrap();
    let mut stolen = ours.service(&[]);
    stolen.name = foreign.name.clone();
    assert!(matches!(ours.engine.apply(&stolen).await, Err(Error::Rejected(_))));
    assert!(matches!(ours.engine.remove(&foreign.name, 1).await, Err(Error::Rejected(_))));
    assert!(matches!(ours.engine.restart(&foreign.name, 1).await, Err(Error::NotFound(_))));
    assert_eq!(ours.engine.observe(&foreign.name).await.unwrap(), None);
    assert_eq!(ours.engine.list().await.unwrap(), []);
    assert!(theirs.engine.observe(&foreign.name).await.unwrap().is_some());
}

#[tokio::test]
async fn a_log_has_each_line_once_with_its_time() {
    let test = TestEngine::new();
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    let container = test.until_answering(&spec.name).await;
    // The engine reads what containers write in its own time.
    let after = async |since: i64, text: &str| {
        loop {
            let lines = test.engine.logs(&spec.name, since, 1000).await.unwrap();
            if lines.iter().any(|line| line.text == text) {
                return lines;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let patience = Duration::from_secs(30);
    get(&container, "/first").await.unwrap();
    let first = tokio::time::timeout(patience, after(0, "GET /first")).await.unwrap();
    let last = first.last().unwrap();
    assert!(first.iter().all(|line| line.container == container.id), "{first:#?}");
    get(&container, "/second").await.unwrap();
    let next = tokio::time::timeout(patience, after(last.at_nanos, "GET /second")).await.unwrap();
    assert_eq!(next.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["GET /second"]);
    assert_eq!(test.engine.logs(&spec.name, 0, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_machine_is_seen_with_its_capacity() {
    let test = TestEngine::new();
    let nodes = test.engine.nodes().await.unwrap();
    assert!(
        nodes.iter().any(|node| node.is_ready && node.is_active && node.memory_mb > 512 && node.cpu_millis >= 1000)
    );
    let unknown = ServiceName::parse("sayoo-nothing").unwrap();
    assert_eq!(test.engine.observe(&unknown).await.unwrap(), None);
    assert_eq!(test.engine.containers(&unknown).await.unwrap(), []);
    assert_eq!(test.engine.trouble(&unknown).await.unwrap(), None);
    tokio::time::timeout(Duration::from_secs(5), test.engine.ping()).await.unwrap().unwrap();
}
