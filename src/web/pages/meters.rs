//! What plans include of each meter and what more costs, side by side: on every page that shows prices.

use crate::base::money::Currency;
use crate::i18n::format::Formats;
use crate::plans::{Allowance, Meter, Offer, Version, words};
use crate::web::layout::Layout;

/// The table (`components/meters.html`): a row for each meter, a column for each plan.
pub struct Meters {
    /// What the columns are called.
    pub plans: Vec<String>,
    /// The rows; empty where there is nothing to show.
    pub rows: Vec<Row>,
}

/// One meter.
pub struct Row {
    /// What it is called.
    pub name: String,
    /// One cell for each plan.
    pub cells: Vec<Cell>,
}

/// One meter of one plan.
pub struct Cell {
    /// What the plan is called.
    pub plan: String,
    /// How much is included.
    pub included: String,
    /// What one unit beyond costs: the first price, and from where on each further one.
    pub then: Vec<String>,
}

impl Meters {
    /// Of what is on offer.
    #[must_use]
    pub fn of_offers(layout: &Layout, formats: Formats, offers: &[Offer], currency: Currency) -> Self {
        let column = |offer: &Offer| offer.plan.names.of(layout.locale).to_owned();
        let columns: Vec<_> = offers.iter().map(|offer| (column(offer), &offer.version)).collect();
        Self::new(formats, &columns, currency)
    }

    /// Of versions, each under what its column is called.
    #[must_use]
    pub fn new(formats: Formats, columns: &[(String, &Version)], currency: Currency) -> Self {
        let row = |meter: Meter| {
            let cell = |(plan, version): &(String, &Version)| {
                let allowances = version.allowances_in(currency);
                let allowance = allowances.into_iter().find(|allowance| allowance.meter == meter)?;
                Some(Cell::new(formats, plan, allowance))
            };
            // A row with a hole would promise something free: then the row is not shown.
            let cells: Vec<_> = columns.iter().map(cell).collect::<Option<_>>()?;
            (!cells.is_empty()).then(|| Row { name: words::name(formats, meter), cells })
        };
        Self {
            plans: columns.iter().map(|(plan, _)| plan.clone()).collect(),
            rows: Meter::ALL.into_iter().filter_map(row).collect(),
        }
    }
}

impl Cell {
    fn new(formats: Formats, plan: &str, allowance: &Allowance) -> Self {
        Self {
            plan: plan.to_owned(),
            included: words::included(formats, allowance),
            then: words::beyond(formats, allowance),
        }
    }
}
