//! Staff edit what is sold: plans, their versions, their order; in euros and in dirhams.

use sayoo::base::ids::PlanVersionId;
use scraper::{Html, Selector};
use sqlx::PgPool;

use crate::support::portal::{Page, World};
use crate::support::staff::StaffPerson;
use crate::support::waiting::waiters;

/// One plan as a staff member edits it.
pub struct Catalogue<'a> {
    world: &'a World,
    sam: &'a StaffPerson,
    code: String,
    /// Where its next version is made.
    pub path: String,
}

impl<'a> Catalogue<'a> {
    /// The plan with this code, found on the staff's page.
    pub async fn of(world: &'a World, sam: &'a StaffPerson, code: &str) -> Self {
        let path = sam.get("/staff/plans").await.attribute(&format!("#{code} a[href$='/draft']"), "href");
        Self { world, sam, code: code.to_owned(), path }
    }

    /// Saves a draft: the form as it comes, with these changes. A second passes before, so that drafts have an order.
    pub async fn draft(&self, changes: &[(&str, &str)]) -> PlanVersionId {
        self.world.wait(chrono::TimeDelta::seconds(1));
        let form = changed(&self.sam.get(&self.path).await, changes);
        self.sam.post(&self.path, &pairs(&form)).await.assert_redirect("/staff/plans");
        let sql = "SELECT plan_versions.id FROM plan_versions JOIN plans ON plans.id = plan_id
                    WHERE code = $1 ORDER BY plan_versions.created_at DESC LIMIT 1";
        sqlx::query_scalar(sql).bind(&self.code).fetch_one(&self.world.db).await.unwrap()
    }

    /// Publishes the version that has this number now.
    pub async fn publish(&self, number: i32) {
        let sql = "SELECT plan_versions.id FROM plan_versions JOIN plans ON plans.id = plan_id
                    WHERE code = $1 AND version = $2";
        let version: PlanVersionId =
            sqlx::query_scalar(sql).bind(&self.code).bind(number).fetch_one(&self.world.db).await.unwrap();
        self.sam.post(&format!("/staff/plans/versions/{version}/publish"), &[]).await.assert_redirect("/staff/plans");
    }
}

/// What stands in the fields of the page's form.
pub fn typed(page: &Page) -> Vec<(String, String)> {
    let html = Html::parse_document(&page.body);
    let fields = Selector::parse("main form.form input[name]").unwrap();
    let value =
        |name: &str, element: &scraper::ElementRef<'_>| element.value().attr(name).unwrap_or_default().to_owned();
    let fields = html.select(&fields).map(|field| (value("name", &field), value("value", &field)));
    fields.filter(|(name, _)| name != "csrf").collect()
}

fn changed(page: &Page, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form = typed(page);
    for (name, value) in changes {
        let field = form.iter_mut().find(|(field, _)| field == name);
        (*value).clone_into(&mut field.unwrap_or_else(|| panic!("no field {name}")).1);
    }
    form
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

const NAMES: [(&str, &str); 3] = [("name_en", "Small"), ("name_fr", "Petite"), ("name_ar", "صغيرة")];

/// The form of a new plan.
fn plan<'a>(code: &'a str, position: &'a str) -> Vec<(&'a str, &'a str)> {
    [&[("code", code), ("kind", "test"), ("position", position)][..], &NAMES].concat()
}

/// Codes of the plans in the order of the staff's page.
async fn order(sam: &StaffPerson) -> Vec<String> {
    let page = sam.get("/staff/plans").await;
    let html = Html::parse_document(&page.body);
    let sections = Selector::parse("main section.card[id]").unwrap();
    html.select(&sections).map(|section| section.value().attr("id").unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_make_a_plan_and_sell_it(db: PgPool) {
    let world = World::new(db).await;
    let sam = world.staff().await;
    let form = sam.get("/staff/plans/new").await;
    assert_eq!(form.attribute("#f-position", "value"), "4", "the last place, unless somebody says otherwise");
    let made = sam.post("/staff/plans/new", &plan("small-test", "2")).await;
    assert!(made.location.ends_with("/draft"), "{}", made.words());
    assert_eq!(order(&sam).await, ["development", "small-test", "test", "production"]);
    sam.get("/staff/plans").await.assert_says(200, "make its first version and publish it");
    let pricing = async |query: &str| world.stranger().get(&format!("/pricing?{query}")).await.text("main");
    assert!(!pricing("currency=EUR").await.contains("Small"), "nothing of it is sold yet");

    // Its first version begins with nothing: what was not typed is asked for again, what was is still there.
    let empty = sam.get(&made.location).await;
    assert!(typed(&empty).iter().all(|(_, value)| value.is_empty()), "{:?}", typed(&empty));
    let half = sam.post(&made.location, &pairs(&changed(&empty, &[("price_eur", "4.56")]))).await;
    half.assert_says(422, "nothing was saved");
    assert_eq!(half.attribute("#f-price_eur", "value"), "4.56");
    let small = Catalogue::of(&world, &sam, "small-test").await;
    let mut whole: Vec<(&str, &str)> = Vec::new();
    let names = typed(&empty);
    for (name, _) in &names {
        let value = match name.as_str() {
            "price_eur" => "4.56",
            "price_mad" => "49.90",
            "memory_mb" => "512",
            "sleep_minutes" => "",
            // One price of each meter.
            name if name.contains("-price-") => "",
            name if name.starts_with("unit_") => "0.125",
            _ => "100",
        };
        whole.push((name, if name == "max_replicas" { "1" } else { value }));
    }
    sam.post(&small.path, &whole).await.assert_redirect("/staff/plans");
    assert!(!pricing("currency=EUR").await.contains("Small"), "a draft is not sold");
    small.publish(1).await;
    assert!(pricing("currency=EUR").await.contains("€4.56"));
    assert!(pricing("currency=MAD").await.contains("MAD\u{a0}49.90"));
    assert_eq!(world.audit().await, ["plan.created", "plan.drafted", "plan.published"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_plan_that_cannot_be_is_refused_beside_its_field_and_nothing_is_lost(db: PgPool) {
    let world = World::new(db).await;
    let sam = world.staff().await;
    for (form, field, said) in [
        (plan("Small", "1"), "code", "small letters"),
        (plan("", "1"), "code", "small letters"),
        (plan("a'; DROP TABLE plans; --", "1"), "code", "small letters"),
        (plan("production", "1"), "code", "Another plan has this code"),
        (plan("small", "0"), "position", "a place from 1"),
        (plan("small", "first"), "position", "a place from 1"),
    ] {
        let page = sam.post("/staff/plans/new", &form).await;
        page.assert_says(422, said);
        assert_eq!(page.attribute(&format!("#f-{field}"), "aria-invalid"), "true");
        assert_eq!(page.attribute("#f-name_ar", "value"), "صغيرة");
        assert_eq!(page.attribute("#f-kind option[selected]", "value"), "test");
    }
    let mut nameless = plan("small", "1");
    nameless[4].1 = "  ";
    let page = sam.post("/staff/plans/new", &nameless).await;
    page.assert_says(422, "a name in each language");
    assert_eq!(page.attribute("#f-name_fr", "aria-invalid"), "true");
    assert_eq!(order(&sam).await, ["development", "test", "production"]);
    assert!(world.audit().await.is_empty());

    // The form sent twice makes one plan; a place beyond the end is the end; what a name holds is shown as text.
    let mut form = plan("small", "999");
    form[3].1 = "<b>Small</b>";
    assert!(sam.post("/staff/plans/new", &form).await.location.ends_with("/draft"));
    sam.post("/staff/plans/new", &form).await.assert_says(422, "Another plan has this code");
    assert_eq!(order(&sam).await, ["development", "test", "production", "small"]);
    assert!(sam.get("/staff/plans").await.text("#small h2").contains("<b>Small</b>"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_move_plans_and_customers_see_them_in_that_order(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let path =
        async |code: &str| sam.get("/staff/plans").await.attribute(&format!("#{code} form[action$='/move']"), "action");
    let page = sam.get("/staff/plans").await;
    assert!(!page.text("#development").contains("Move Development up"), "nothing is above the first one");
    assert!(page.text("#development").contains("Move Development down"));
    assert!(!page.text("#production").contains("Move Production down"), "nothing is below the last one");

    let production = path("production").await;
    sam.post(&production, &[("to", "up")]).await.assert_redirect("/staff/plans");
    assert_eq!(order(&sam).await, ["development", "production", "test"]);
    sam.post(&production, &[("to", "up")]).await.assert_redirect("/staff/plans");
    sam.post(&production, &[("to", "up")]).await.assert_redirect("/staff/plans");
    assert!(sam.get("/staff/plans").await.text("html").contains("Nothing changed"));
    sam.post(&path("development").await, &[("to", "down")]).await.assert_redirect("/staff/plans");
    assert_eq!(order(&sam).await, ["production", "test", "development"]);
    assert_eq!(sam.post(&production, &[("to", "sideways")]).await.status, 400);
    assert_eq!(world.audit().await, ["plan.moved"; 3]);
    let pricing = world.stranger().get("/pricing").await.words();
    let at = |name: &str| pricing.find(name).unwrap_or_else(|| panic!("{name} is not in {pricing}"));
    assert!(at("For running your business") < at("For building and trying"), "{pricing}");

    // Of two who move in one instant, neither undoes what the other did.
    let (up, down) = (path("development").await, path("production").await);
    let zoe = world.staff().await;
    let mut held = db.begin().await.unwrap();
    sqlx::query("LOCK TABLE plans IN SHARE ROW EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let let_go = async {
        waiters(&db, 2).await;
        held.commit().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(sam.post(&up, &[("to", "up")]), zoe.post(&down, &[("to", "down")]), let_go);
    first.assert_redirect("/staff/plans");
    second.assert_redirect("/staff/plans");
    let now = order(&sam).await;
    assert!(now == ["development", "production", "test"] || now == ["test", "development", "production"], "{now:?}");
    let positions: Vec<i32> =
        sqlx::query_scalar("SELECT position FROM plans ORDER BY position").fetch_all(&db).await.unwrap();
    assert_eq!(positions, [0, 1, 2], "no two plans have one place");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_and_edit_prices_in_euros_and_in_dirhams_in_every_language(db: PgPool) {
    let world = World::new(db).await;
    let sam = world.staff().await;
    let production = Catalogue::of(&world, &sam, "production").await;
    let prices =
        [("price_eur", "41,50"), ("price_mad", "455.5"), ("unit_cpu_eur", "0.0415"), ("unit_cpu_mad", "0.4555")];
    production.draft(&prices).await;
    let form = sam.get(&production.path).await;
    for (field, value) in
        [("price_eur", "41.50"), ("price_mad", "455.50"), ("unit_cpu_eur", "0.0415"), ("unit_cpu_mad", "0.4555")]
    {
        assert_eq!(form.attribute(&format!("#f-{field}"), "value"), value);
    }
    for (label, currency) in [("f-price_eur", "EUR"), ("f-price_mad", "MAD"), ("f-unit_cpu_eur", "EUR")] {
        assert!(form.text(&format!("label[for='{label}']")).contains(currency), "{label}");
    }
    // One currency alone is no price.
    let lacks = sam.post(&production.path, &pairs(&changed(&form, &[("price_mad", "")]))).await;
    assert_eq!(lacks.attribute("#f-price_mad", "aria-invalid"), "true");

    for (language, euros, dirhams) in
        [("en", "€41.50", "MAD\u{a0}455.50"), ("fr", "41,50\u{a0}€", "455,50\u{a0}DH"), ("ar", "41", "455")]
    {
        let request = sam.browser.client.get(format!("{}/staff/plans", world.url)).header("accept-language", language);
        let page = sam.browser.send(request).await;
        assert_eq!(page.attribute("html", "lang"), language);
        let shown = page.text("#production table");
        assert!(shown.contains(euros) && shown.contains(dirhams), "{language}: {shown}");
    }
    production.publish(2).await;
    for (currency, price, other) in [("EUR", "€41.50", "455.50"), ("MAD", "MAD\u{a0}455.50", "41.50")] {
        let shown = world.stranger().get(&format!("/pricing?currency={currency}")).await.text("main");
        assert!(shown.contains(price) && !shown.contains(other), "{currency}: {shown}");
    }
}
