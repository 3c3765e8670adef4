//! A customer of whom the books and a model are told the same.

use chrono::TimeDelta;
use sayoo::base::ids::{BankReceiptId, DocumentId, SellerId};
use sayoo::base::money::Money;
use sayoo::billing::transfers::statement::Line;
use sayoo::billing::transfers::{self, Choice, State, TransferError, importing};
use sayoo::billing::{documents, dunning, run, sellers};
use sayoo::i18n::Locale;
use sayoo::payments::{Cards, events};
use sayoo::staff::StaffMember;
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::Model;
use crate::billing::recompute::Dice;
use crate::billing::world::{mad, texts};
use crate::support::portal::{Person, WEBHOOK_SECRET, World};
use crate::support::stripe::StandIn;

/// Everything that the books say of a customer, in the words of the model.
const SAID: &str = "
    WITH invoices AS (
        SELECT d.id, d.account_id, row_number() OVER (ORDER BY series_year, no) - 1 AS place, left_of(d) AS open
          FROM documents d WHERE account_id = $1 AND kind = 'invoice' AND state = 'final'
    ), ledger AS (
        SELECT l.role, sum(p.amount_minor) AS sum FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id
         WHERE p.account_id = $1 GROUP BY 1
    )
    SELECT 'owed ' || COALESCE((SELECT sum FROM ledger WHERE role = 'receivable'), 0)
     UNION ALL SELECT 'credit ' || -COALESCE((SELECT sum FROM ledger WHERE role = 'customer_credit'), 0)
     UNION ALL SELECT 'open ' || place || ' ' || open FROM invoices
     UNION ALL SELECT 'free ' || external_ref || ' ' || left_of(payments) FROM payments WHERE account_id = $1
     UNION ALL SELECT 'free ' || id || ' ' || left_of(documents) FROM documents
                WHERE account_id = $1 AND kind = 'credit_note' AND state = 'final'
     UNION ALL SELECT 'pays ' || COALESCE(p.external_ref, a.credit_note_id::text) || ' ' || i.place || ' ' || sum(a.amount_minor)
                 FROM allocations a JOIN invoices i ON i.id = a.document_id LEFT JOIN payments p ON p.id = a.payment_id
                GROUP BY p.external_ref, a.credit_note_id, i.place HAVING sum(a.amount_minor) <> 0";

/// What everybody shares.
pub struct Town<'a> {
    world: &'a World,
    standin: &'a StandIn,
    cards: &'a Cards,
    seller: SellerId,
    staff: StaffMember,
}

impl<'a> Town<'a> {
    pub async fn new(world: &'a World, standin: &'a StandIn, cards: &'a Cards) -> Self {
        // Stripe is asked for nothing by itself: what is heard is for the histories to say.
        sqlx::query("INSERT INTO stripe_polls (polled_at) VALUES ('2099-01-01')").execute(&world.db).await.unwrap();
        drop(world.staff().await);
        let id = texts(&world.db, "SELECT id::text FROM staff").await.remove(0).parse().unwrap();
        let staff = StaffMember { id, email: String::new(), name: "Sam".to_owned(), locale: Locale::En };
        let all = sellers::list(&mut world.db.acquire().await.unwrap()).await.unwrap();
        let seller = all.iter().find(|seller| seller.code == "MA").unwrap().id;
        Self { world, standin, cards, seller, staff }
    }
}

/// Money at Stripe, whether we have heard of it or not.
struct Card {
    intent: String,
    invoice: usize,
    amount: i64,
    /// Where it stands in the model, once it is booked.
    source: Option<usize>,
    /// How much went back, and whether it is booked.
    refunds: Vec<(i64, bool)>,
    /// Its id, how much, what the bank has decided, and whether that is booked.
    dispute: Option<(String, i64, &'static str, bool)>,
}

/// A customer.
pub struct Customer {
    pub no: u64,
    pub model: Model,
    person: Person,
    invoices: Vec<DocumentId>,
    numbers: Vec<String>,
    cards: Vec<Card>,
    /// Events of Stripe's that nobody has told us yet, or told us: their ids and what they are about.
    told: Vec<(String, String, bool)>,
    untold: Vec<(String, String, bool)>,
    transfer: Option<Line>,
    statement: Option<String>,
    /// What was done, for whoever reads a failure.
    log: Vec<String>,
}

impl Customer {
    pub async fn new(town: &Town<'_>, no: u64, person: Person) -> Self {
        let account = person.account;
        let sql = format!(
            "INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
             SELECT '{account}', id, 'cus_{no}', now() FROM sellers WHERE currency = 'MAD';
             INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at)
             VALUES (gen_random_uuid(), '{account}', 'cus_{no}', 'pm_{no}', 'visa', '4242', '2030-12', false, now())"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&town.world.db).await.unwrap();
        Self {
            no,
            model: Model::default(),
            person,
            invoices: Vec::new(),
            numbers: Vec::new(),
            cards: Vec::new(),
            told: Vec::new(),
            untold: Vec::new(),
            transfer: None,
            statement: None,
            log: Vec::new(),
        }
    }

    /// The newest invoice is there.
    pub async fn is_billed(&mut self, town: &Town<'_>) {
        let sql = "SELECT id, number, gross_minor FROM documents WHERE account_id = $1 AND kind = 'invoice' AND state = 'final'
                    ORDER BY series_year DESC, no DESC LIMIT 1";
        let (id, number, gross): (Uuid, String, i64) =
            sqlx::query_as(sql).bind(self.person.account.uuid()).fetch_one(&town.world.db).await.unwrap();
        self.invoices.push(id.to_string().parse().unwrap());
        self.numbers.push(number);
        self.model.bill(gross);
        self.log.push(format!("billed {gross}"));
        self.compare(town).await;
    }

    /// Something happens. What cannot happen now is a look at who has not paid.
    pub async fn step(&mut self, town: &Town<'_>, dice: &mut Dice) {
        // Everything has an instant of its own, so that it has an order.
        town.world.wait(TimeDelta::seconds(1));
        self.model.step += 1;
        let did = match dice.below(18) {
            0 | 1 => self.transfer(town, dice).await,
            2 => self.transfer_again(town).await,
            3 | 4 => self.statement(town, dice).await,
            5 => self.statement_again(town).await,
            6 | 7 => self.card(town, dice).await,
            8 | 9 => self.hears(town, dice).await,
            10 | 11 => self.refund(town, dice).await,
            12 | 13 => self.dispute(town, dice).await,
            14 | 15 => self.decide(town, dice).await,
            16 => self.credit_note(town, dice).await,
            _ => None,
        };
        let did = match did {
            Some(did) => did,
            None => self.look(town).await,
        };
        self.log.push(did);
    }

    /// An amount that somebody may send.
    fn amount(&self, invoice: Option<usize>, dice: &mut Dice) -> i64 {
        let open = invoice.map_or(0, |invoice| self.model.open(invoice));
        match dice.below(5) {
            0 if open > 0 => open,
            1 if open > 1 => open - 1,
            2 if open > 0 => open + 1 + dice.below(5_000),
            3 if self.model.owed() > 0 => self.model.owed(),
            _ => 1 + dice.below(4_000),
        }
    }

    async fn transfer(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let amount = self.amount(self.model.oldest(), dice);
        let line = Line {
            amount: mad(amount),
            value_on: town.world.portal.clock.now().date_naive(),
            bank_ref: format!("T{}-{}", self.no, self.model.step),
            payer: String::new(),
            payer_iban: String::new(),
            remittance: String::new(),
        };
        let entered =
            transfers::enter(&town.world.portal, &town.staff, town.seller, &line, Some(self.person.account)).await;
        entered.unwrap();
        self.books(town, &line.bank_ref, None).await;
        self.transfer = Some(line);
        Some(format!("transfer of {amount}"))
    }

    async fn transfer_again(&mut self, town: &Town<'_>) -> Option<String> {
        let line = self.transfer.as_ref()?;
        let entered =
            transfers::enter(&town.world.portal, &town.staff, town.seller, line, Some(self.person.account)).await;
        assert!(matches!(entered, Err(TransferError::Same(_))), "{entered:?}");
        Some("the same transfer".to_owned())
    }

    /// A line of a statement that names an invoice, paid or not, and need not name the oldest.
    async fn statement(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let named = usize::try_from(dice.below(u64::try_from(self.invoices.len()).unwrap())).unwrap();
        let amount = self.amount(Some(named), dice);
        let bank_ref = format!("S{}-{}", self.no, self.model.step);
        let text = format!(
            "Date;Libellé;Référence;Donneur d’ordre;Débit;Crédit\n{};VIR {};{bank_ref};Person {};;{},{:02}\n",
            town.world.portal.clock.now().format("%d/%m/%Y"),
            self.numbers[named],
            self.no,
            amount / 100,
            amount % 100
        );
        let imported = importing::import(&town.world.portal, &town.staff, town.seller, &text).await.unwrap();
        assert_eq!(imported, (1, 0));
        self.books(town, &bank_ref, Some(named)).await;
        self.statement = Some(text);
        Some(format!("statement: {amount} for invoice {named}"))
    }

    async fn statement_again(&mut self, town: &Town<'_>) -> Option<String> {
        let text = self.statement.as_ref()?;
        let imported = importing::import(&town.world.portal, &town.staff, town.seller, text).await.unwrap();
        assert_eq!(imported, (0, 1));
        Some("the same statement".to_owned())
    }

    /// A transfer gets into the books, when it is not there by itself; a person chooses the invoice that is named.
    async fn books(&mut self, town: &Town<'_>, bank_ref: &str, named: Option<usize>) {
        let sql = "SELECT id FROM bank_receipts WHERE bank_ref = $1";
        let id: Uuid = sqlx::query_scalar(sql).bind(bank_ref.to_owned()).fetch_one(&town.world.db).await.unwrap();
        let id: BankReceiptId = id.to_string().parse().unwrap();
        let mut db = town.world.db.acquire().await.unwrap();
        let receipt = transfers::find(&mut db, id).await.unwrap().unwrap();
        if receipt.state == State::Entered {
            let documents = named.map(|named| self.invoices[named]).into_iter().collect();
            let choice = Choice { account: self.person.account, documents };
            transfers::book(&town.world.portal, &town.staff, id, Some(choice)).await.unwrap();
        }
        let receipt = transfers::find(&mut db, id).await.unwrap().unwrap();
        assert_eq!((receipt.state, receipt.account), (State::Booked, Some(self.person.account)));
        let place = |document| self.invoices.iter().position(|invoice| *invoice == document).unwrap();
        let pays: Vec<(usize, i64)> =
            receipt.pays.iter().map(|pays| (place(pays.document), pays.amount_minor)).collect();
        assert!(pays.iter().all(|(invoice, most)| *most <= self.model.open(*invoice)), "{pays:?}");
        let sql = "SELECT external_ref FROM payments WHERE id = (SELECT payment_id FROM bank_receipts WHERE id = $1)";
        let name: String = sqlx::query_scalar(sql).bind(id.uuid()).fetch_one(&town.world.db).await.unwrap();
        self.model.receive(&name, (false, receipt.line.amount.minor), &pays);
    }

    /// The saved card is charged for what is open. Now and then the answer is lost: then only events tell.
    async fn card(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        self.look(town).await;
        self.model.oldest()?;
        let is_silent = dice.below(3) == 0;
        let is_charged = async |is_default: bool| {
            let sql = "UPDATE payment_methods SET is_default = $2 WHERE account_id = $1";
            sqlx::query(sql).bind(self.person.account.uuid()).bind(is_default).execute(&town.world.db).await.unwrap();
        };
        let open: Vec<i64> = (0..self.invoices.len()).map(|invoice| self.model.open(invoice)).collect();
        town.standin.order(json!({ "do": "set", "silence": if is_silent { 9 } else { 0 } })).await;
        is_charged(true).await;
        town.cards.look().await.unwrap();
        is_charged(false).await;
        town.standin.order(json!({ "do": "set", "silence": 0 })).await;
        let known: Vec<String> = self.cards.iter().map(|card| card.intent.clone()).collect();
        let mut charged = 0;
        for intent in self.heard_of(town).await["intents"].as_array().unwrap() {
            let id = intent["id"].as_str().unwrap();
            if known.iter().any(|known| known == id) {
                continue;
            }
            assert_eq!(intent["status"], "succeeded");
            let document = intent["metadata"]["document"].as_str().unwrap();
            let invoice = self.invoices.iter().position(|invoice| invoice.to_string() == document).unwrap();
            let amount = intent["amount"].as_i64().unwrap();
            assert_eq!(amount, open[invoice], "{:?}: what is open is charged", self.log);
            let is_first = self.cards.iter().all(|card| card.invoice != invoice);
            assert!(is_first, "{:?}: an invoice is charged once by itself", self.log);
            let intent = id.to_owned();
            self.cards.push(Card { intent, invoice, amount, source: None, refunds: Vec::new(), dispute: None });
            charged += 1;
            if !is_silent {
                self.is_booked(self.cards.len() - 1, false);
            }
        }
        Some(format!("card charged for {charged} invoices{}", if is_silent { ", no answer" } else { "" }))
    }

    /// What Stripe has of this customer; events that were not there before are to be told.
    async fn heard_of(&mut self, town: &Town<'_>) -> Value {
        let about = town.standin.order(json!({ "do": "about", "documents": self.invoices })).await;
        for event in about["events"].as_array().unwrap() {
            let (id, object) = (event["id"].as_str().unwrap(), &event["data"]["object"]);
            if self.told.iter().chain(&self.untold).any(|(known, ..)| known == id) {
                continue;
            }
            let intent = object["payment_intent"].as_str().or(object["id"].as_str()).unwrap().to_owned();
            self.untold.push((id.to_owned(), intent, object["object"] == "dispute"));
        }
        about
    }

    /// We read at Stripe what a payment is now: it is booked, and what went back of it.
    fn is_booked(&mut self, card: usize, is_dispute: bool) {
        let Card { intent, invoice, amount, source, refunds, dispute } = &mut self.cards[card];
        let model = &mut self.model;
        let source = *source.get_or_insert_with(|| model.receive(intent, (false, *amount), &[(*invoice, *amount)]));
        for (refund, is_booked) in refunds {
            if !*is_booked {
                model.pay_back(source, *refund);
                *is_booked = true;
            }
        }
        if let Some((_, disputed, "lost", is_booked)) = dispute
            && is_dispute
            && !*is_booked
        {
            model.pay_back(source, *disputed);
            // Nobody asked for that: what is open again, other credit pays at once.
            model.settle();
            *is_booked = true;
        }
    }

    /// Stripe tells something: new or old, once or twice.
    async fn hears(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        self.heard_of(town).await;
        let is_old = self.untold.is_empty() || (!self.told.is_empty() && dice.below(4) == 0);
        let from = if is_old { &self.told } else { &self.untold };
        if from.is_empty() {
            return None;
        }
        let place = usize::try_from(dice.below(u64::try_from(from.len()).unwrap())).unwrap();
        let event = from[place].clone();
        if !is_old {
            self.untold.remove(place);
            self.told.push(event.clone());
        }
        for _ in 0..=dice.below(2) {
            self.hear(town, &event).await;
        }
        if !is_old && let Some(card) = self.cards.iter().position(|card| card.intent == event.1) {
            self.is_booked(card, event.2);
        }
        Some(format!("heard {}", if is_old { "something old" } else { "something new" }))
    }

    async fn hear(&self, town: &Town<'_>, (id, ..): &(String, String, bool)) {
        let signed = json!({ "event": id, "secret": WEBHOOK_SECRET });
        assert_eq!(town.standin.post(town.world, signed).await, 200);
        while events::process_next(town.cards, town.world.portal.clock.now()).await.unwrap() {}
    }

    /// Everything that nobody told us is told, the newest first.
    pub async fn hears_everything(&mut self, town: &Town<'_>) {
        self.heard_of(town).await;
        while let Some(event) = self.untold.pop() {
            town.world.wait(TimeDelta::seconds(1));
            self.model.step += 1;
            self.hear(town, &event).await;
            if let Some(card) = self.cards.iter().position(|card| card.intent == event.1) {
                self.is_booked(card, event.2);
            }
            self.told.push(event);
        }
        self.log.push("heard everything".to_owned());
    }

    /// A payment of which nothing is disputed, if there is one.
    fn undisputed(&self, dice: &mut Dice) -> Option<usize> {
        let all: Vec<usize> = (0..self.cards.len()).filter(|card| self.cards[*card].dispute.is_none()).collect();
        (!all.is_empty()).then(|| all[usize::try_from(dice.below(u64::try_from(all.len()).unwrap())).unwrap()])
    }

    fn left_at_stripe(&self, card: usize) -> i64 {
        self.cards[card].amount - self.cards[card].refunds.iter().map(|(amount, _)| amount).sum::<i64>()
    }

    async fn refund(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let card = self.undisputed(dice)?;
        let left = self.left_at_stripe(card);
        if left == 0 {
            return None;
        }
        let amount = 1 + dice.below(u64::try_from(left).unwrap());
        let intent = &self.cards[card].intent;
        town.standin.order(json!({ "do": "refund", "intent": intent, "amount": amount })).await;
        self.cards[card].refunds.push((amount, false));
        Some(format!("refund of {amount} at Stripe"))
    }

    async fn dispute(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let card = self.undisputed(dice)?;
        let amount = self.left_at_stripe(card);
        if amount == 0 {
            return None;
        }
        let intent = &self.cards[card].intent;
        let made = town.standin.order(json!({ "do": "dispute", "intent": intent, "amount": amount })).await;
        self.cards[card].dispute = Some((made["id"].as_str().unwrap().to_owned(), amount, "open", false));
        Some(format!("dispute of {amount}"))
    }

    async fn decide(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let is_open = |card: &&mut Card| card.dispute.as_ref().is_some_and(|dispute| dispute.2 == "open");
        let (id, _, state, _) = self.cards.iter_mut().find(is_open)?.dispute.as_mut()?;
        *state = if dice.below(2) == 0 { "won" } else { "lost" };
        town.standin.order(json!({ "do": "decide", "dispute": id, "status": state })).await;
        Some(format!("dispute {state}"))
    }

    /// A part of an invoice is given back, with its VAT of a fifth.
    async fn credit_note(&mut self, town: &Town<'_>, dice: &mut Dice) -> Option<String> {
        let invoice = usize::try_from(dice.below(u64::try_from(self.invoices.len()).unwrap())).unwrap();
        let net = 5 * (1 + dice.below(100));
        let now = town.world.portal.clock.now();
        let mut db = town.world.db.acquire().await.unwrap();
        let of: [(i32, Money); 1] = [(1, mad(net))];
        let id = documents::credit(&mut db, self.invoices[invoice], &of, "an outage", now).await.unwrap();
        drop(db);
        assert_eq!(run::look(&town.world.portal).await.unwrap().finalised, 1);
        // It pays what is open on its own invoice before any other.
        let gross = net / 5 * 6;
        self.model.receive(&id.to_string(), (true, gross), &[(invoice, gross)]);
        Some(format!("credit note of {net} and VAT for invoice {invoice}"))
    }

    /// The worker looks whether everything is paid. Credit that lies unused pays.
    async fn look(&mut self, town: &Town<'_>) -> String {
        let mut tx = town.world.db.begin().await.unwrap();
        dunning::look(&mut tx, self.person.account, town.world.portal.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.model.settle();
        "a look".to_owned()
    }

    /// The books say what the model says.
    pub async fn compare(&self, town: &Town<'_>) {
        let account = self.person.account.uuid();
        let mut said: Vec<String> = sqlx::query_scalar(SAID).bind(account).fetch_all(&town.world.db).await.unwrap();
        said.sort();
        assert_eq!(said, self.model.said(), "history {}: {:#?}", self.no, self.log);
    }

    /// The customer's pages say so too.
    pub async fn compare_pages(&self) {
        let of = |minor: i64| {
            let (whole, cents) = (minor / 100, minor % 100);
            let whole = if whole > 999 { format!("{},{:03}", whole / 1000, whole % 1000) } else { whole.to_string() };
            format!("MAD {whole}.{cents:02}")
        };
        let plain = |text: String| text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        let page = self.person.get("/account/billing/statement").await;
        let balance = self.model.owed() - self.model.credit();
        let told = plain(page.text(".stats"));
        assert!(told.contains(&of(balance.abs())), "history {}: {balance} is not in {told}: {:#?}", self.no, self.log);
        let list = self.person.get("/account/billing/invoices").await;
        for (invoice, number) in self.numbers.iter().enumerate() {
            let html = list.body.split("<tr>").find(|row| row.contains(number.as_str())).unwrap();
            let is_paid = html.contains("Paid");
            assert_eq!(is_paid, self.model.open(invoice) == 0, "history {}: {number}: {:#?}", self.no, self.log);
        }
        let words = plain(list.text("main"));
        for (source, note) in self.model.sources.iter().enumerate().filter(|(_, source)| source.is_note) {
            let left = self.model.free(source);
            let is_said = left == 0 || words.contains(&format!("{} not used yet", of(left)));
            assert!(is_said, "history {}: {} of {}: {words}", self.no, left, note.name);
        }
    }
}
