//! Hosts that are closed and emptied.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sayoo::audit::Actor;
use sayoo::hosts::steering::{self, Consent, HostError};
use sqlx::PgPool;

use super::world::{Cluster, address, answers};
use crate::support::engine::pause;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn emptying_a_host_moves_all_without_a_moment_in_which_the_name_leads_nowhere(db: PgPool) {
    let cluster = Arc::new(Cluster::new(db).await);
    let (first, by) = (cluster.first().await, Actor::system());
    let mut shops = Vec::new();
    for number in 0..4 {
        shops.push(cluster.world.order(&format!("shop{number}")).await);
    }
    for shop in &shops {
        cluster.until_serving(*shop, |upstream| upstream.starts_with(&address(1))).await;
    }

    // The last host cannot be emptied: nobody would find room.
    let preview = steering::preview(&mut cluster.world.db.acquire().await.unwrap(), first).await.unwrap();
    assert_eq!((preview.moves.len(), preview.homeless()), (4, 4));
    let refused = steering::drain(&cluster.portal, &by, first, "a new disk", Consent::None).await;
    assert!(matches!(refused, Err(HostError::NoRoom(4))), "{refused:?}");

    cluster.added(2).await;
    let preview = steering::preview(&mut cluster.world.db.acquire().await.unwrap(), first).await.unwrap();
    assert_eq!((preview.moves.len(), preview.homeless()), (4, 0));

    // Somebody uses each instance all the time, wherever its name leads at that moment.
    let (stop, failed, asked) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let visitors: Vec<_> = shops
        .iter()
        .map(|shop| {
            let (cluster, shop) = (Arc::clone(&cluster), *shop);
            let (stop, failed, asked) = (Arc::clone(&stop), Arc::clone(&failed), Arc::clone(&asked));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let upstream = cluster.upstream(shop).await;
                    // A route that changed between reading and asking is asked again, as the proxy's table would be new.
                    let is_good = answers(&upstream).await || {
                        let again = cluster.upstream(shop).await;
                        again != upstream && answers(&again).await
                    };
                    if !is_good {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();

    steering::drain(&cluster.portal, &by, first, "a new disk", Consent::None).await.unwrap();
    let mut most_at_once = 0;
    for _ in 0..900 {
        let leaving: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM environment_updates WHERE leaves_host_id IS NOT NULL AND ended_at IS NULL",
        )
        .fetch_one(&cluster.world.db)
        .await
        .unwrap();
        most_at_once = most_at_once.max(leaving);
        let there: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM runtimes WHERE host_id = $1) + (SELECT count(*) FROM environment_updates WHERE host_id = $1)")
            .bind(first.uuid())
            .fetch_one(&cluster.world.db)
            .await
            .unwrap();
        if there == 0 {
            break;
        }
        pause().await;
    }
    for shop in &shops {
        cluster.until_serving(*shop, |upstream| upstream.starts_with(&address(2))).await;
    }
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.await.unwrap();
    }
    assert!((1..=3).contains(&most_at_once), "{most_at_once} moved at once");
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {}", asked.load(Ordering::Relaxed));

    // Ended: it takes nothing new until staff say so.
    steering::cancel_drain(&cluster.portal, &by, first).await.unwrap();
    let late = cluster.world.order("late").await;
    cluster.until_serving(late, |upstream| upstream.starts_with(&address(2))).await;
    steering::uncordon(&cluster.portal, &by, first).await.unwrap();
    let later = cluster.world.order("later").await;
    cluster.until_serving(later, |upstream| upstream.starts_with(&address(1))).await;
    Arc::into_inner(cluster).unwrap().end().await;
}
