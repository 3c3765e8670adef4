//! A customer computes invoices again, with the files and the program that the portal gives, and nothing else.

use std::path::Path;
use std::process::Command;

use sayoo::base::ids::DocumentId;
use sqlx::PgPool;

use super::world::{CORE_HOUR, at, audit, introduce, number, sell, used};
use crate::support::portal::{Person, World};

/// What the program that the portal gives says of a file that it gives.
async fn computed(world: &World, person: &Person, document: DocumentId, folder: &Path) -> String {
    let program = folder.join("recompute.py");
    // An accountant has no login.
    let given = world.stranger().get("/account/billing/recompute.py").await;
    assert_eq!(given.status, 200);
    std::fs::write(&program, given.body).unwrap();
    let page = person.get(&format!("/account/billing/invoices/{document}")).await;
    let name = page.text("#recompute code");
    let name = name.strip_prefix("python3 recompute.py ").unwrap().trim();
    std::fs::write(folder.join(name), file(person, document).await).unwrap();
    let run = Command::new("python3").arg(&program).arg(name).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    // The page says what it must say.
    let sum = said.split("discounts and taxes: ").nth(1).unwrap().split_whitespace().next().unwrap();
    let told = page.text("#recompute").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.replace(',', "").contains(&format!("MAD {sum}")), "{sum} is not in {told}");
    said
}

async fn file(person: &Person, document: DocumentId) -> Vec<u8> {
    let path = format!("/account/billing/invoices/{document}/recompute.json.gz");
    let answer = person.browser.stream(&path, None).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], "application/gzip");
    assert_eq!(answer.headers()["content-encoding"], "identity");
    answer.bytes().await.unwrap().to_vec()
}

async fn newest(world: &World) -> DocumentId {
    let sql = "SELECT id FROM documents WHERE state = 'final' ORDER BY series_year DESC, no DESC LIMIT 1";
    let id: uuid::Uuid = sqlx::query_scalar(sql).fetch_one(&world.db).await.unwrap();
    id.to_string().parse().unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_invoice_its_corrections_and_a_credit_note_are_computed_again(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(&world, shop, "cpu", hour, 300 * CORE_HOUR).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    let first = newest(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let said = computed(&world, &alice, first, folder.path()).await;
    assert!(said.contains("all right. Before discounts and taxes: 178.85 MAD"), "{said}");
    let line = alice.get(&format!("/account/billing/invoices/{first}/lines/2")).await;
    assert_eq!(line.attribute("a[href$='#recompute']", "href"), format!("/account/billing/invoices/{first}#recompute"));

    // What is known later is charged with December; the first file stays as it was.
    let before = file(&alice, first).await;
    used(&world, shop, "cpu", hour, 350 * CORE_HOUR).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    let said = computed(&world, &alice, newest(&world).await, folder.path()).await;
    assert!(said.contains("correction cpu 1"), "{said}");
    assert_eq!(file(&alice, first).await, before);

    // Less than was charged: the credit note is computed with the month that it was found in.
    used(&world, shop, "cpu", hour, 150 * CORE_HOUR).await;
    at(&world, "2027-02-01T03:00:00Z").await;
    let note: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM documents WHERE kind = 'credit_note'").fetch_one(&world.db).await.unwrap();
    let of_note = computed(&world, &alice, note.to_string().parse().unwrap(), folder.path()).await;
    assert_eq!(of_note.lines().skip(1).collect::<Vec<_>>(), {
        let of_invoice = computed(&world, &alice, newest(&world).await, folder.path()).await;
        of_invoice.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    });
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_large_account_has_a_file_of_several_lines_and_none_of_them_twice(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let first = alice.has_running(&world, "shop").await;
    let many = "INSERT INTO environments
                SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'order_key', gen_random_uuid()))).*
                  FROM environments e, generate_series(2, 30)";
    sqlx::query(many).execute(&world.db).await.unwrap();
    let hour = "2026-11-24T10:00:00Z".parse().unwrap();
    used(&world, first, "cpu", hour, 200 * CORE_HOUR).await;
    for sql in [
        "INSERT INTO usage_hours SELECT e.id, meter, hour, quantity, covered_seconds, quality FROM usage_hours, environments e WHERE e.id <> environment_id",
        "INSERT INTO usage_days SELECT e.id, meter, day, quantity FROM usage_days, environments e WHERE e.id <> environment_id",
    ] {
        sqlx::query(sql).execute(&world.db).await.unwrap();
    }
    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM period_proofs").await, 2);
    let folder = tempfile::tempdir().unwrap();
    let document = newest(&world).await;
    let said = computed(&world, &alice, document, folder.path()).await;
    // A base price, what is included and what is beyond, of each.
    assert!(said.contains("90 charges, all right"), "{said}");

    // The same instance on two lines would be charged twice.
    let twice = folder.path().join("twice.json.gz");
    let whole = file(&alice, document).await;
    std::fs::write(&twice, [whole.clone(), whole.clone()].concat()).unwrap();
    let (code, said) = super::recompute::recompute(&[twice]);
    assert!(code == 1 && said.contains("an instance stands on two lines"), "{said}");
    let cut = folder.path().join("cut.json.gz");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let (code, said) = super::recompute::recompute(&[cut]);
    assert!(code == 2 && said.contains("cannot be read"), "{said}");
}
