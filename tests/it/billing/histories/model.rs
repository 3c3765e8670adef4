//! What a customer's money comes to, as simply as it can be said: invoices, what can pay them (credit notes and payments), and how
//! much of which paid what. It shares nothing with the program, and knows no database.

/// What pays invoices.
#[derive(Clone, Debug)]
pub struct Source {
    /// What the books call it: the number at the bank or at Stripe, or a credit note's id.
    pub name: String,
    pub is_note: bool,
    pub amount: i64,
    /// What of it went back.
    back: i64,
}

/// What of a source pays an invoice.
#[derive(Clone, Debug)]
struct Part {
    source: usize,
    invoice: usize,
    amount: i64,
    /// The step in which it changed last.
    step: usize,
}

/// A customer.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What each invoice says, the oldest first.
    pub invoices: Vec<i64>,
    pub sources: Vec<Source>,
    parts: Vec<Part>,
    /// Steps so far.
    pub step: usize,
}

impl Model {
    pub fn open(&self, invoice: usize) -> i64 {
        self.invoices[invoice]
            - self.parts.iter().filter(|part| part.invoice == invoice).map(|part| part.amount).sum::<i64>()
    }

    pub fn free(&self, source: usize) -> i64 {
        let paid: i64 = self.parts.iter().filter(|part| part.source == source).map(|part| part.amount).sum();
        self.sources[source].amount - self.sources[source].back - paid
    }

    pub fn owed(&self) -> i64 {
        (0..self.invoices.len()).map(|invoice| self.open(invoice)).sum()
    }

    pub fn credit(&self) -> i64 {
        (0..self.sources.len()).map(|source| self.free(source)).sum()
    }

    /// The first invoice that is not paid in full.
    pub fn oldest(&self) -> Option<usize> {
        (0..self.invoices.len()).find(|invoice| self.open(*invoice) > 0)
    }

    /// A month is billed. Credit that is there pays.
    pub fn bill(&mut self, gross: i64) {
        self.step += 1;
        self.invoices.push(gross);
        if self.credit() > 0 {
            self.settle();
        }
    }

    /// Something comes that pays: these invoices first, with at most so much each, then the oldest.
    pub fn receive(&mut self, name: &str, (is_note, amount): (bool, i64), pays: &[(usize, i64)]) -> usize {
        self.sources.push(Source { name: name.to_owned(), is_note, amount, back: 0 });
        let source = self.sources.len() - 1;
        for (invoice, most) in pays {
            self.allocate(source, *invoice, *most);
        }
        self.settle();
        source
    }

    /// Everything that is free pays what is open: notes before payments, the oldest first.
    pub fn settle(&mut self) {
        let is_free = |source: &usize| self.free(*source) > 0;
        let (notes, payments): (Vec<usize>, Vec<usize>) =
            (0..self.sources.len()).filter(is_free).partition(|source| self.sources[*source].is_note);
        for invoice in 0..self.invoices.len() {
            for source in notes.iter().chain(&payments) {
                self.allocate(*source, invoice, i64::MAX);
            }
        }
    }

    fn allocate(&mut self, source: usize, invoice: usize, most: i64) {
        let amount = most.min(self.free(source)).min(self.open(invoice));
        if amount <= 0 {
            return;
        }
        let step = self.step;
        match self.parts.iter_mut().find(|part| (part.source, part.invoice) == (source, invoice)) {
            Some(part) => (part.amount, part.step) = (part.amount + amount, step),
            None => self.parts.push(Part { source, invoice, amount, step }),
        }
    }

    /// A part of a payment goes back: what is free of it first, then what it paid last.
    pub fn pay_back(&mut self, source: usize, amount: i64) {
        let mut missing = amount - self.free(source);
        let mut paid: Vec<usize> = (0..self.parts.len())
            .filter(|part| self.parts[*part].source == source && self.parts[*part].amount > 0)
            .collect();
        paid.sort_by_key(|part| std::cmp::Reverse((self.parts[*part].step, self.parts[*part].invoice)));
        for part in paid {
            let back = missing.min(self.parts[part].amount);
            if back > 0 {
                self.parts[part].amount -= back;
                self.parts[part].step = self.step;
                missing -= back;
            }
        }
        self.sources[source].back += amount;
    }

    /// Everything that the books must say, in words and sorted.
    pub fn said(&self) -> Vec<String> {
        let mut said = vec![format!("owed {}", self.owed()), format!("credit {}", self.credit())];
        said.extend((0..self.invoices.len()).map(|invoice| format!("open {invoice} {}", self.open(invoice))));
        said.extend(
            (0..self.sources.len()).map(|source| format!("free {} {}", self.sources[source].name, self.free(source))),
        );
        let parts = self.parts.iter().filter(|part| part.amount != 0);
        said.extend(
            parts.map(|part| format!("pays {} {} {}", self.sources[part.source].name, part.invoice, part.amount)),
        );
        said.sort();
        said
    }
}
