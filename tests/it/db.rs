//! The pools of the control database.

use futures_util::poll;
use sqlx::PgPool;

#[sqlx::test]
async fn who_is_cut_off_while_it_begins_a_transaction_takes_nobodys_writes_with_it(db: PgPool) {
    sqlx::query("CREATE TABLE notes (text text)").execute(&db).await.unwrap();
    // One connection, so that the next one gets it; without the question first whether it is well, so that asking to begin is
    // the first thing that is sent.
    let options = sayoo::db::pool_options(1).test_before_acquire(false);
    let pool = options.connect_with((*db.connect_options()).clone()).await.unwrap();

    // Cut off ever later: before it is sent, before it is answered, afterwards.
    for polls in 1..=20 {
        let mut begins = Box::pin(pool.begin());
        for _ in 0..polls {
            if poll!(begins.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begins);
        sqlx::query("INSERT INTO notes VALUES ('kept')").execute(&pool).await.unwrap();
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM notes").fetch_one(&db).await.unwrap();
        assert_eq!(seen, polls, "everybody sees what was written after {polls}");
    }
    pool.close().await;
}
