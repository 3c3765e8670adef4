//! What a container may not do.

use crate::support::engine::{TestEngine, get};

#[tokio::test]
async fn a_container_is_not_root_has_no_capability_and_writes_only_to_memory() {
    let test = TestEngine::new();
    let spec = test.service(&[]);
    test.engine.apply(&spec).await.unwrap();
    let container = test.until_answering(&spec.name).await;

    let status = get(&container, "/standin/status").await.unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().replace('\t', " ");
    assert_eq!(line("Uid:"), "Uid: 10001 10001 10001 10001");
    assert_eq!(line("CapEff:"), "CapEff: 0000000000000000");
    assert_eq!(line("CapBnd:"), "CapBnd: 0000000000000000");
    assert_eq!(line("NoNewPrivs:"), "NoNewPrivs: 1");
    assert_eq!(line("Seccomp:"), "Seccomp: 2");
    assert_eq!(get(&container, "/standin/write").await.as_deref(), Some("root=no tmp=yes"));

    let mounts = get(&container, "/standin/mounts").await.unwrap();
    let tmp = mounts.lines().find(|line| line.contains(" /tmp ")).unwrap();
    for option in ["noexec", "nosuid", "nodev", "size=262144k"] {
        assert!(tmp.contains(option), "{tmp}");
    }
}
