//! The pricing page, in both currencies.

use sqlx::PgPool;

use crate::support::portal::{Page, World};

/// What each plan costs a month, as the page has it.
fn prices(page: &Page) -> Vec<String> {
    let of = |code: &str| page.text(&format!("section[aria-labelledby=plan-{code}] .price"));
    ["development", "test", "production"].map(|code| of(code).split_whitespace().collect::<Vec<_>>().join(" ")).to_vec()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_plan_has_its_price_and_what_lies_beyond_it_in_euros_and_in_dirhams(db: PgPool) {
    let world = World::new(db).await;
    let visitor = world.stranger();
    for (currency, sign, monthly, unit) in
        [("EUR", "€", ["9.00", "19.00", "39.00"], "0.035"), ("MAD", "MAD", ["99.00", "199.00", "420.00"], "0.38")]
    {
        let page = visitor.get(&format!("/pricing?currency={currency}")).await;
        assert_eq!(page.status, 200);
        let shown = prices(&page);
        for (price, wanted) in shown.iter().zip(monthly) {
            assert!(price.contains(wanted) && price.contains(sign), "{currency}: {wanted} {sign} in {shown:?}");
        }
        assert_eq!(page.text("nav.segment [aria-current]").trim(), currency);
        let beyond = page.text("section.tinted table");
        assert!(beyond.contains(unit) && beyond.contains(sign), "{currency}: {beyond}");
        let other = if currency == "EUR" { "MAD" } else { "€" };
        assert!(!page.text(".plans").contains(other) && !beyond.contains(other), "{currency}: no other currency");
        let rows = page.body.matches("<th scope=\"row\">").count();
        assert_eq!(rows, 4, "processor, database, traffic and requests");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_says_nothing_gets_the_currency_of_the_language_and_nonsense_is_nothing(db: PgPool) {
    let world = World::new(db).await;
    let visitor = world.stranger();
    for path in ["/pricing", "/pricing?currency=XXX", "/pricing?currency="] {
        assert_eq!(visitor.get(path).await.text("nav.segment [aria-current]").trim(), "EUR", "{path}");
    }
    visitor.post("/preferences", &[("lang", "ar")]).await;
    assert_eq!(visitor.get("/pricing").await.text("nav.segment [aria-current]").trim(), "MAD");
}
