//! The engine away, slow, or losing answers.

use std::path::Path;
use std::time::{Duration, Instant};

use sayoo::engine::{Engine, Error, Swarm};

use crate::support::engine::{DOCKER, TestEngine};
use crate::support::fault_proxy::{Fault, FaultProxy};

#[tokio::test]
async fn an_engine_that_is_away_is_unreachable_and_nothing_seems_absent() {
    let swarm = Swarm::new("unix:///nowhere/docker.sock", "away", "127.0.0.1".parse().unwrap()).unwrap();
    let engine = Engine::Swarm(swarm);
    let name = sayoo::engine::ServiceName::parse("away-abc").unwrap();
    assert!(matches!(engine.observe(&name).await, Err(Error::Unreachable(_))));
    assert!(matches!(engine.list().await, Err(Error::Unreachable(_))));
    assert!(matches!(engine.containers(&name).await, Err(Error::Unreachable(_))));
    assert!(matches!(engine.remove(&name, 1).await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn an_engine_that_hangs_is_unreachable_in_time() {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let test = TestEngine::through(&proxy.socket(), Duration::from_secs(1));
    proxy.rule("", Fault::Hang, usize::MAX);
    let begin = Instant::now();
    assert!(matches!(test.engine.list().await, Err(Error::Unreachable(_))));
    assert!(begin.elapsed() < Duration::from_secs(3));
    proxy.mend();
    test.engine.list().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_leaves_one_service_when_asked_again() {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let test = TestEngine::through(&proxy.socket(), Duration::from_secs(5));
    let mut spec = test.service(&[]);
    spec.secrets.insert("password".to_owned(), sayoo::base::secret::Secret::new("hush".to_owned()));
    for part in ["secrets/create", "services/create"] {
        proxy.rule(part, Fault::CutAfter, 1);
        let lost = test.engine.apply(&spec).await;
        assert!(matches!(lost, Err(Error::Unreachable(_))), "{part}: {lost:?}");
    }
    test.engine.apply(&spec).await.unwrap();
    test.until_answering(&spec.name).await;
    assert_eq!(test.engine.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_changed_by_somebody_else_meanwhile_is_a_conflict() {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let test = TestEngine::through(&proxy.socket(), Duration::from_secs(5));
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    proxy.rule("/update", Fault::Answer(500, "rpc error: code = Unknown desc = update out of sequence"), 1);
    let mut next = spec.clone();
    next.generation = 2;
    assert!(matches!(test.engine.apply(&next).await, Err(Error::Conflict(_))));
    // The Swarm itself writes to a service that is new: that is a conflict too, until it is done.
    while let Err(error) = test.engine.apply(&next).await {
        assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    }
}

#[tokio::test]
async fn answers_of_a_daemon_are_told_apart() {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let test = TestEngine::through(&proxy.socket(), Duration::from_secs(5));
    let name = test.service(&[]).name;
    for (fault, is_right) in [
        (Fault::Answer(500, "boom"), (|error| matches!(error, Error::Rejected(_))) as fn(&Error) -> bool),
        (Fault::Answer(503, "no leader"), |error| matches!(error, Error::Unreachable(_))),
        (Fault::Answer(500, "context deadline exceeded"), |error| matches!(error, Error::Unreachable(_))),
        (Fault::CutBefore, |error| matches!(error, Error::Unreachable(_))),
    ] {
        proxy.rule("GET", fault, 1);
        let error = test.engine.observe(&name).await.unwrap_err();
        assert!(is_right(&error), "{fault:?}: {error:?}");
        proxy.mend();
    }
}

#[tokio::test]
async fn every_call_says_which_version_of_the_api_it_speaks() {
    let proxy = FaultProxy::before(Path::new(DOCKER));
    let test = TestEngine::through(&proxy.socket(), Duration::from_secs(5));
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    test.engine.remove(&spec.name, 1).await.unwrap();
    for call in proxy.calls() {
        assert_eq!(call.matches("/v1.41/").count(), 1, "{call}");
    }
}
