//! Containers that run once.

use std::time::Duration;

use crate::support::engine::{TestEngine, docker};

#[tokio::test]
async fn a_task_gives_its_exit_code_and_its_last_lines_and_leaves_nothing() {
    let test = TestEngine::new();
    let finished = test.engine.run_once(&test.task(&["exit", "0"], Duration::from_secs(20))).await.unwrap();
    assert!(finished.is_success());
    let finished = test.engine.run_once(&test.task(&["exit", "7"], Duration::from_secs(20))).await.unwrap();
    assert_eq!(finished.exit_code, Some(7));
    assert!(finished.log_tail.contains("standin ends") && finished.log_tail.contains("with code 7"), "{finished:?}");
    assert_eq!(containers(&test), "");
}

#[tokio::test]
async fn a_task_is_killed_at_its_deadline() {
    let test = TestEngine::new();
    let finished = test.engine.run_once(&test.task(&["sleep", "600"], Duration::from_secs(1))).await.unwrap();
    assert_eq!(finished.exit_code, None);
    assert!(finished.log_tail.contains("standin sleeps"), "{finished:?}");
    assert_eq!(containers(&test), "");
}

#[tokio::test]
async fn what_a_dead_worker_left_running_is_found_and_removed() {
    let test = TestEngine::new();
    let task = test.task(&["sleep", "600"], Duration::from_secs(600));
    let engine = test.engine.clone();
    let worker = tokio::spawn(async move { engine.run_once(&task).await });
    while containers(&test).is_empty() {
        crate::support::engine::pause().await;
    }
    worker.abort();
    assert_eq!(test.engine.remove_leftover_tasks(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(test.engine.remove_task("another").await.unwrap(), 0);
    assert_eq!(test.engine.remove_task("test").await.unwrap(), 1);
    assert_eq!(containers(&test), "");
}

fn containers(test: &TestEngine) -> String {
    docker(&["ps", "--all", "--quiet", "--filter", &format!("label=sayoo.installation={}", test.installation)])
}
