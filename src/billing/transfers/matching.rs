//! Which invoices a transfer is meant for: proposed where only one answer is possible, listed with reasons where not. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::ids::{AccountId, DocumentId};

/// A final invoice, as far as a transfer cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Which one.
    pub id: DocumentId,
    /// Whose.
    pub account: AccountId,
    /// Their name.
    pub account_name: String,
    /// Its number.
    pub number: String,
    /// What is still to be paid, in the smallest coin.
    pub open: i64,
}

/// What there is to go by. Invoices are those of the receipt's seller and currency, the oldest first.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How much came in.
    pub amount: i64,
    /// Invoices whose number the payer wrote, paid ones too.
    pub named: &'a [Invoice],
    /// Everybody's open invoices.
    pub open: &'a [Invoice],
    /// Customers who paid from the same bank account before, or have the payer's name.
    pub known: &'a [AccountId],
    /// Whether the money is in the currency that its bank account is kept in.
    pub is_own_currency: bool,
    /// Whether another receipt of the same amount stands within some days: it may be the same money.
    pub has_twin: bool,
}

/// Why something is proposed, or why nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The payer wrote the numbers, and the amount is what is open.
    Number,
    /// The payer wrote the numbers; it is less than is open.
    NumberShort,
    /// The payer wrote the numbers; it is more than is open.
    NumberOver,
    /// The payer wrote the numbers of invoices that are paid already.
    NumberPaid,
    /// One open invoice, of one customer, is of this amount.
    Amount,
    /// All that one customer owes is this amount.
    Total,
    /// Two open invoices of the known payer make this amount.
    Pair,
    /// The payer is known; the amount fits nothing.
    Payer,
    /// It is in another currency than the bank account.
    OtherCurrency,
    /// Another receipt looks like the same money.
    Twin,
    /// Several answers are possible.
    Several,
    /// There is nothing to go by.
    Nothing,
}

impl Reason {
    /// Returns the key of the sentence.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Number => "transfers-why-number",
            Self::NumberShort => "transfers-why-number-short",
            Self::NumberOver => "transfers-why-number-over",
            Self::NumberPaid => "transfers-why-number-paid",
            Self::Amount => "transfers-why-amount",
            Self::Total => "transfers-why-total",
            Self::Pair => "transfers-why-pair",
            Self::Payer => "transfers-why-payer",
            Self::OtherCurrency => "transfers-why-other-currency",
            Self::Twin => "transfers-why-twin",
            Self::Several => "transfers-why-several",
            Self::Nothing => "transfers-why-nothing",
        }
    }
}

/// What a transfer may be meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The only possible customer, with what is paid of which invoices; `None` where a person has to choose.
    pub proposal: Option<(AccountId, Vec<(DocumentId, i64)>)>,
    /// Why.
    pub reason: Reason,
    /// What a person may choose from.
    pub candidates: Vec<(Invoice, Reason)>,
}

/// Finds it.
#[must_use]
pub fn find(facts: &Facts<'_>) -> Answer {
    let mut answer = without_cautions(facts);
    let caution = match (facts.is_own_currency, facts.has_twin) {
        (false, _) => Some(Reason::OtherCurrency),
        (true, true) => Some(Reason::Twin),
        (true, false) => None,
    };
    if let Some(caution) = caution {
        answer.proposal = None;
        answer.reason = caution;
    }
    answer
}

fn without_cautions(facts: &Facts<'_>) -> Answer {
    let accounts: BTreeSet<AccountId> = facts.named.iter().map(|invoice| invoice.account).collect();
    match accounts.len() {
        0 => by_amount(facts),
        1 => by_number(facts),
        _ => several(facts.named.iter().map(|invoice| (invoice.clone(), Reason::Number)).collect()),
    }
}

fn several(candidates: Vec<(Invoice, Reason)>) -> Answer {
    let reason = if candidates.is_empty() { Reason::Nothing } else { Reason::Several };
    Answer { proposal: None, reason, candidates }
}

/// The payer wrote numbers of one customer.
fn by_number(facts: &Facts<'_>) -> Answer {
    let open: i64 = facts.named.iter().map(|invoice| invoice.open).sum();
    let reason = match open {
        0 => Reason::NumberPaid,
        open if open == facts.amount => Reason::Number,
        open if open > facts.amount => Reason::NumberShort,
        _ => Reason::NumberOver,
    };
    let account = facts.named[0].account;
    // A number with a slip of the pen may be somebody else's: then the amount does not fit, and the payer is another one.
    let is_doubtful = reason != Reason::Number && !facts.known.is_empty() && !facts.known.contains(&account);
    if is_doubtful {
        let mut candidates: Vec<(Invoice, Reason)> =
            facts.named.iter().map(|invoice| (invoice.clone(), Reason::Number)).collect();
        candidates.extend(of_known(facts).map(|invoice| (invoice.clone(), Reason::Payer)));
        return several(candidates);
    }
    Answer {
        proposal: Some((account, pay(facts.named.iter(), facts.amount))),
        reason,
        candidates: facts.named.iter().map(|invoice| (invoice.clone(), reason)).collect(),
    }
}

fn of_known<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a Invoice> {
    let (open, known) = (facts.open, facts.known);
    open.iter().filter(move |invoice| known.contains(&invoice.account))
}

/// The payer wrote no number that we know.
fn by_amount(facts: &Facts<'_>) -> Answer {
    if facts.known.is_empty() {
        return fitting(facts.open, facts.amount);
    }
    let theirs: Vec<Invoice> = of_known(facts).cloned().collect();
    let mut answer = fitting(&theirs, facts.amount);
    if answer.reason == Reason::Nothing {
        answer = pairs(&theirs, facts.amount);
    }
    if answer.reason != Reason::Nothing {
        return answer;
    }
    let mut candidates: Vec<(Invoice, Reason)> = theirs.into_iter().map(|invoice| (invoice, Reason::Payer)).collect();
    candidates.extend(fitting(facts.open, facts.amount).candidates);
    let reason = if candidates.is_empty() { Reason::Nothing } else { Reason::Payer };
    Answer { proposal: None, reason, candidates }
}

/// One invoice of exactly this amount, or everything that a customer owes.
fn fitting(invoices: &[Invoice], amount: i64) -> Answer {
    let mut ways: Vec<(Vec<&Invoice>, Reason)> = invoices
        .iter()
        .filter(|invoice| invoice.open == amount)
        .map(|invoice| (vec![invoice], Reason::Amount))
        .collect();
    let mut of_each: BTreeMap<AccountId, Vec<&Invoice>> = BTreeMap::new();
    for invoice in invoices {
        of_each.entry(invoice.account).or_default().push(invoice);
    }
    for all in of_each.into_values() {
        if all.len() > 1 && all.iter().map(|invoice| i128::from(invoice.open)).sum::<i128>() == i128::from(amount) {
            ways.push((all, Reason::Total));
        }
    }
    chosen(&ways, amount)
}

/// Two invoices that make exactly this amount.
fn pairs(invoices: &[Invoice], amount: i64) -> Answer {
    let mut ways = Vec::new();
    for (place, first) in invoices.iter().enumerate() {
        for second in &invoices[place + 1..] {
            if first.account == second.account && first.open.checked_add(second.open) == Some(amount) {
                ways.push((vec![first, second], Reason::Pair));
            }
        }
    }
    chosen(&ways, amount)
}

fn chosen(ways: &[(Vec<&Invoice>, Reason)], amount: i64) -> Answer {
    let candidates =
        ways.iter().flat_map(|(invoices, why)| invoices.iter().map(|invoice| ((*invoice).clone(), *why))).collect();
    match ways {
        [(invoices, reason)] => Answer {
            proposal: Some((invoices[0].account, pay(invoices.iter().copied(), amount))),
            reason: *reason,
            candidates,
        },
        _ => several(candidates),
    }
}

/// Pays invoices in their order, as far as the amount goes.
#[must_use]
pub fn pay<'a>(invoices: impl Iterator<Item = &'a Invoice>, amount: i64) -> Vec<(DocumentId, i64)> {
    let mut rest = amount;
    let mut paid = Vec::new();
    for invoice in invoices {
        let part = rest.min(invoice.open);
        if part > 0 {
            paid.push((invoice.id, part));
            rest -= part;
        }
    }
    paid
}

/// Returns the numbers of invoices that a text may name, however it separates their parts: `FR-2026-000012` for
/// `fr 2026/000012` too. A number without letters gets the seller's.
#[must_use]
pub fn numbers_in(text: &str, code: &str) -> Vec<String> {
    let letters: Vec<char> = text.to_uppercase().chars().collect();
    let mut found = BTreeSet::new();
    for start in 0..letters.len() {
        let is_inside = start > 0 && letters[start - 1].is_ascii_digit();
        if is_inside || !letters[start].is_ascii_digit() {
            continue;
        }
        let Some((year, after)) = digits(&letters, start, 4) else { continue };
        let Some((no, after)) = digits(&letters, separated(&letters, after), 6) else { continue };
        if letters.get(after).is_some_and(char::is_ascii_digit) || !year.starts_with("20") {
            continue;
        }
        let mut before = start;
        while before > 0 && start - before < 3 && !letters[before - 1].is_alphanumeric() {
            before -= 1;
        }
        let end = before;
        while before > 0 && letters[before - 1].is_ascii_uppercase() {
            before -= 1;
        }
        let word: String = letters[before..end].iter().collect();
        // `FACTUREFR2026000012`: the code is the end of the word.
        found.insert(format!("{code}-{year}-{no}"));
        if (2..=6).contains(&word.len()) && word != code {
            found.insert(format!("{word}-{year}-{no}"));
        }
    }
    found.into_iter().collect()
}

fn digits(letters: &[char], from: usize, count: usize) -> Option<(String, usize)> {
    let part = letters.get(from..from + count)?;
    part.iter().all(char::is_ascii_digit).then(|| (part.iter().collect(), from + count))
}

/// Skips at most two signs between the parts of a number.
fn separated(letters: &[char], from: usize) -> usize {
    let signs = letters.iter().skip(from).take(2).take_while(|letter| !letter.is_alphanumeric()).count();
    from + signs
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    struct Book {
        accounts: Vec<AccountId>,
        invoices: Vec<Invoice>,
    }

    /// Open amounts of each customer.
    fn book(of: &[&[i64]]) -> Book {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut invoices = Vec::new();
        let accounts: Vec<AccountId> = of.iter().map(|_| AccountId::new(now)).collect();
        for (account, amounts) in accounts.iter().zip(of) {
            for open in *amounts {
                let number = format!("FR-2026-{:06}", invoices.len() + 1);
                invoices.push(Invoice {
                    id: DocumentId::new(now),
                    account: *account,
                    account_name: String::new(),
                    number,
                    open: *open,
                });
            }
        }
        Book { accounts, invoices }
    }

    impl Book {
        fn find(&self, amount: i64, text: &str, known: &[usize]) -> Answer {
            let numbers = numbers_in(text, "FR");
            let named: Vec<Invoice> =
                self.invoices.iter().filter(|invoice| numbers.contains(&invoice.number)).cloned().collect();
            let open: Vec<Invoice> = self.invoices.iter().filter(|invoice| invoice.open > 0).cloned().collect();
            let known: Vec<AccountId> = known.iter().map(|place| self.accounts[*place]).collect();
            find(&Facts { amount, named: &named, open: &open, known: &known, is_own_currency: true, has_twin: false })
        }

        fn pays(&self, answer: &Answer) -> Option<Vec<(usize, i64)>> {
            let (_, paid) = answer.proposal.as_ref()?;
            let place = |id| self.invoices.iter().position(|invoice| invoice.id == id).unwrap() + 1;
            Some(paid.iter().map(|(id, amount)| (place(*id), *amount)).collect())
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_never_inside_another_one() {
        for text in [
            "FR-2026-000012",
            "facture fr 2026 000012 merci",
            "FR2026000012",
            "FACTUREFR2026000012",
            "VIR/2026-000012/X",
            "fr-2026/000012.",
        ] {
            assert!(numbers_in(text, "FR").contains(&"FR-2026-000012".to_owned()), "{text}");
        }
        for text in ["FR-2026-0000123", "12026000012", "FR-1999-000012", "2026", "", "é2026é"] {
            assert_eq!(numbers_in(text, "FR"), Vec::<String>::new(), "{text}");
        }
        assert_eq!(numbers_in("FR-2026-000001 + FR-2026-000002", "FR").len(), 2);
    }

    #[test]
    fn a_written_number_decides_and_the_rest_is_said() {
        let book = book(&[&[10_000, 20_000], &[10_000]]);
        for (amount, text, pays, reason) in [
            (10_000, "FR-2026-000001", vec![(1, 10_000)], Reason::Number),
            (9_999, "FR-2026-000001", vec![(1, 9_999)], Reason::NumberShort),
            (15_000, "FR-2026-000001", vec![(1, 10_000)], Reason::NumberOver),
            (30_000, "FR-2026-000001 FR-2026-000002", vec![(1, 10_000), (2, 20_000)], Reason::Number),
        ] {
            let answer = book.find(amount, text, &[]);
            assert_eq!((book.pays(&answer), answer.reason), (Some(pays), reason), "{amount} {text}");
        }
        let of_two = book.find(20_000, "FR-2026-000001 FR-2026-000003", &[]);
        assert_eq!((of_two.proposal, of_two.reason, of_two.candidates.len()), (None, Reason::Several, 2));
    }

    #[test]
    fn a_paid_invoice_that_is_named_makes_credit() {
        let book = book(&[&[0]]);
        let answer = book.find(10_000, "FR-2026-000001", &[]);
        assert_eq!((book.pays(&answer), answer.reason), (Some(vec![]), Reason::NumberPaid));
    }

    #[test]
    fn without_a_number_only_one_possible_answer_is_proposed() {
        let twice = book(&[&[10_000], &[10_000]]);
        assert_eq!(twice.find(10_000, "", &[]).reason, Reason::Several);
        assert_eq!(twice.pays(&twice.find(10_000, "", &[1])), Some(vec![(2, 10_000)]), "the payer is known");

        let once = book(&[&[10_000, 20_000, 5_000], &[7_000]]);
        assert_eq!(once.pays(&once.find(7_000, "", &[])), Some(vec![(4, 7_000)]));
        assert_eq!(once.find(35_000, "", &[]).reason, Reason::Total);
        assert_eq!(once.find(1, "", &[]).reason, Reason::Nothing);
        assert_eq!(once.find(25_000, "", &[]).reason, Reason::Nothing, "pairs among strangers are chance");
        assert_eq!(once.pays(&once.find(25_000, "", &[0])), Some(vec![(2, 20_000), (3, 5_000)]));
        let unfit = once.find(7_000, "", &[0]);
        assert_eq!((unfit.proposal, unfit.reason, unfit.candidates.len()), (None, Reason::Payer, 4));
    }

    #[test]
    fn a_slip_of_the_pen_does_not_pay_for_somebody_else() {
        let book = book(&[&[10_000], &[20_000]]);
        assert_eq!(book.find(20_000, "FR-2026-000001", &[1]).reason, Reason::Several);
        assert_eq!(book.find(10_000, "FR-2026-000001", &[1]).reason, Reason::Number, "one may pay for another");
    }

    #[test]
    fn another_currency_and_a_twin_are_for_a_person_to_judge() {
        let book = book(&[&[10_000]]);
        for (is_own_currency, has_twin, reason) in [(false, false, Reason::OtherCurrency), (true, true, Reason::Twin)] {
            let facts = Facts {
                amount: 10_000,
                named: &book.invoices,
                open: &book.invoices,
                known: &[],
                is_own_currency,
                has_twin,
            };
            let answer = find(&facts);
            assert_eq!((answer.proposal.is_none(), answer.reason, answer.candidates.len()), (true, reason, 1));
        }
    }
}
