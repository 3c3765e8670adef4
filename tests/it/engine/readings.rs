//! Counters of containers.

use crate::support::engine::{TestEngine, get};

#[tokio::test]
async fn counters_grow_with_the_work_that_is_done() {
    let test = TestEngine::new();
    let spec = test.service(&[]);
    let idle = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    test.engine.apply(&idle).await.unwrap();
    let container = test.until_answering(&spec.name).await;
    test.until_answering(&idle.name).await;
    let read = async || {
        let readings = test.engine.readings().await.unwrap();
        assert_eq!(readings.len(), 2, "{readings:?}");
        readings.into_iter().find(|reading| reading.runtime == spec.runtime).unwrap()
    };
    let before = read().await;
    get(&container, "/standin/burn?200").await.unwrap();
    let after = read().await;
    assert_eq!((before.container, after.container.clone()), (container.id.clone(), container.id));
    let used = after.cpu_nanos - before.cpu_nanos;
    assert!((190_000_000..400_000_000).contains(&used), "{used} ns for 200 ms of work");
    assert!((100_000..64 * 1024 * 1024).contains(&after.memory_bytes), "{after:?}");
    assert!(after.read_at > before.read_at);
}
