//! Documents as billing makes them, one for each thing that can be special about one.
#![expect(clippy::assigning_clones, reason = "a sample is told field by field")]

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, dec};
use sayoo_document::{
    Address, Bank, Buyer, Capital, Corrected, Currency, Document, FrenchSeller, Kind, Language, LatePenalties, Line,
    LineKind, LinePeriod, Mentions, MoroccanSeller, Operation, PaymentMeans, Period, SCHEMA, Seller, SellerIdentifiers,
    Totals, Unit, Vat, VatCategory, VatInSellerCurrency, money,
};

/// Every sample with its name.
pub fn all() -> Vec<(&'static str, Document)> {
    vec![
        ("french-business", french_business()),
        ("moroccan-in-arabic", moroccan_in_arabic()),
        ("reverse-charge", reverse_charge()),
        ("export", export()),
        ("out-of-scope", out_of_scope()),
        ("credit-note", credit_note()),
        ("dirhams-from-france", dirhams_from_france()),
        ("euros-from-morocco", euros_from_morocco()),
        ("paid-before", paid_before()),
        ("two-rates", two_rates()),
        ("many-lines", many_lines()),
        ("strange-names", strange_names()),
        ("arabic-many-lines", arabic_many_lines()),
        ("consumer", consumer()),
    ]
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// Computes nets, VAT and sums anew from the lines' quantities and prices.
pub fn summed(mut document: Document) -> Document {
    let mut vat: Vec<Vat> = Vec::new();
    for (index, line) in document.lines.iter_mut().enumerate() {
        line.line_no = u32::try_from(index + 1).unwrap();
        line.net = money(line.quantity * line.unit_price);
        if let Some(found) = vat.iter_mut().find(|it| (it.category, it.rate) == (line.vat_category, line.vat_rate)) {
            found.base += line.net;
        } else {
            let known = document.vat.iter().find(|it| it.category == line.vat_category);
            vat.push(Vat {
                category: line.vat_category,
                rate: line.vat_rate,
                base: line.net,
                amount: dec!(0),
                reason_code: known.and_then(|it| it.reason_code.clone()),
                reason: known.and_then(|it| it.reason.clone()),
            });
        }
    }
    for it in &mut vat {
        it.amount = money(it.base * it.rate / dec!(100));
    }
    document.vat = vat;
    let net: Decimal = document.lines.iter().map(|line| line.net).sum();
    let tax: Decimal = document.vat.iter().map(|it| it.amount).sum();
    let paid = document.totals.paid;
    document.totals = Totals { net, vat: tax, gross: net + tax, paid, due: net + tax - paid };
    if let Some(other) = &mut document.vat_in_seller_currency {
        other.amount = money(tax * other.rate);
    }
    document
}

pub fn line(kind: LineKind, text: &str, quantity: Decimal, unit: Unit, unit_price: Decimal) -> Line {
    Line {
        line_no: 0,
        kind,
        text: text.to_owned(),
        detail: None,
        environment_id: None,
        meter: None,
        quantity,
        unit,
        unit_price,
        net: dec!(0),
        vat_category: VatCategory::S,
        vat_rate: dec!(20),
        period: None,
    }
}

fn french_seller() -> Seller {
    Seller {
        name: "Sayoo SAS".to_owned(),
        legal_form: "SAS".to_owned(),
        capital: Some(Capital { amount: dec!(10000), currency: Currency::Eur }),
        address: Address {
            lines: vec!["12 rue de la Paix".to_owned()],
            postcode: Some("75002".to_owned()),
            city: "Paris".to_owned(),
            country: "FR".to_owned(),
        },
        identifiers: SellerIdentifiers::France(FrenchSeller {
            siren: "732829320".to_owned(),
            siret: "73282932000074".to_owned(),
            rcs_city: "Paris".to_owned(),
            vat_number: "FR44732829320".to_owned(),
        }),
        email: "facturation@sayoo.example".to_owned(),
        phone: Some("+33 1 23 45 67 89".to_owned()),
        website: Some("sayoo.example".to_owned()),
        bank: Some(Bank {
            holder: "Sayoo SAS".to_owned(),
            iban: Some("FR7630006000011234567890189".to_owned()),
            rib: None,
            bic: Some("AGRIFRPP".to_owned()),
            bank_name: "Crédit Agricole".to_owned(),
        }),
    }
}

fn moroccan_seller() -> Seller {
    Seller {
        name: "سايو المغرب ش.م.م".to_owned(),
        legal_form: "SARL AU".to_owned(),
        capital: Some(Capital { amount: dec!(100000), currency: Currency::Mad }),
        address: Address {
            lines: vec!["شارع محمد الخامس، رقم 45".to_owned(), "الطابق 3".to_owned()],
            postcode: Some("20250".to_owned()),
            city: "الدار البيضاء".to_owned(),
            country: "MA".to_owned(),
        },
        identifiers: SellerIdentifiers::Morocco(MoroccanSeller {
            ice: "001234567000089".to_owned(),
            tax_id: "40123456".to_owned(),
            rc_number: "412345".to_owned(),
            rc_city: "Casablanca".to_owned(),
            professional_tax: "35412345".to_owned(),
            cnss: Some("5123456".to_owned()),
        }),
        email: "facturation@sayoo.example".to_owned(),
        phone: Some("+212 522 12 34 56".to_owned()),
        website: None,
        bank: Some(Bank {
            holder: "SAYOO MAROC SARL AU".to_owned(),
            iban: None,
            rib: Some("011780000012345678901234".to_owned()),
            bic: Some("BMCEMAMC".to_owned()),
            bank_name: "Bank of Africa".to_owned(),
        }),
    }
}

fn buyer(name: &str, lines: &[&str], postcode: &str, city: &str, country: &str) -> Buyer {
    Buyer {
        name: name.to_owned(),
        address: Address {
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            postcode: Some(postcode.to_owned()),
            city: city.to_owned(),
            country: country.to_owned(),
        },
        is_business: true,
        vat_number: None,
        siren: None,
        ice: None,
        email: "compta@client.example".to_owned(),
    }
}

/// Plan, usage over quota, a discount.
pub fn french_business() -> Document {
    let mut customer = buyer("Boulangerie Martin SARL", &["8 place du Marché"], "69002", "Lyon", "FR");
    customer.siren = Some("552100554".to_owned());
    customer.vat_number = Some("FR27552100554".to_owned());
    let mut plan = line(LineKind::BaseFee, "Formule Croissance", dec!(1), Unit::Month, dec!(49));
    plan.detail = Some("boulangerie-martin.sayoo.example · production".to_owned());
    plan.environment_id = Some("019ab1c2-7a10-7000-8000-000000000001".to_owned());
    let mut cores =
        line(LineKind::Usage, "Temps processeur au-delà du quota", dec!(37.4821), Unit::CoreHour, dec!(0.0425));
    cores.detail = Some("boulangerie-martin · 12 % au-dessus de 300 heures".to_owned());
    cores.meter = Some("cpu".to_owned());
    let mut disk = line(LineKind::Usage, "Stockage", dec!(5210.125), Unit::GigabyteHour, dec!(0.0008));
    disk.meter = Some("database".to_owned());
    disk.period = Some(LinePeriod { from: at("2026-09-30T22:00:00Z"), until: at("2026-10-15T22:00:00Z") });
    let users = line(LineKind::Usage, "Utilisateurs actifs", dec!(3), Unit::User, dec!(6.5));
    let off = line(LineKind::Discount, "Remise de bienvenue", dec!(-1), Unit::One, dec!(10));
    summed(Document {
        schema: SCHEMA,
        kind: Kind::Invoice,
        number: "F-2026-000042".to_owned(),
        issue_date: day(2026, 11, 1),
        due_date: day(2026, 12, 1),
        currency: Currency::Eur,
        language: Language::Fr,
        purchase_order: Some("BC-7781".to_owned()),
        corrects: None,
        period: Period {
            from: at("2026-09-30T22:00:00Z"),
            until: at("2026-10-31T23:00:00Z"),
            zone: "Europe/Paris".to_owned(),
        },
        seller: french_seller(),
        buyer: customer,
        lines: vec![plan, cores, disk, users, off],
        vat: vec![],
        totals: Totals { net: dec!(0), vat: dec!(0), gross: dec!(0), paid: dec!(0), due: dec!(0) },
        vat_in_seller_currency: None,
        mentions: Mentions {
            payment: PaymentMeans::Transfer,
            late_penalties: Some(LatePenalties::EcbPlusTen),
            recovery_fee: Some(dec!(40)),
            early_payment_discount: None,
            operation: Operation::Services,
            vat_on_debits: true,
            remark: None,
        },
    })
}

/// The Moroccan company to a Moroccan customer, in dirhams and Arabic.
pub fn moroccan_in_arabic() -> Document {
    let mut document = french_business();
    document.number = "MA-2026/00017".to_owned();
    document.language = Language::Ar;
    document.currency = Currency::Mad;
    document.purchase_order = None;
    document.period = Period {
        from: at("2026-09-30T23:00:00Z"),
        until: at("2026-10-31T23:00:00Z"),
        zone: "Africa/Casablanca".to_owned(),
    };
    document.seller = moroccan_seller();
    document.buyer = buyer("شركة النور للتجارة والخدمات", &["حي الرياض، عمارة 12"], "10100", "الرباط", "MA");
    document.buyer.ice = Some("002345678000012".to_owned());
    let mut plan = line(LineKind::BaseFee, "باقة النمو", dec!(1), Unit::Month, dec!(490));
    plan.detail = Some("alnour.sayoo.example".to_owned());
    let cores = line(LineKind::Usage, "وقت المعالج فوق الحصة", dec!(1037.4821), Unit::CoreHour, dec!(0.425));
    let mut users = line(LineKind::Usage, "المستخدمون النشطون", dec!(12), Unit::User, dec!(65));
    users.period = Some(LinePeriod { from: at("2026-10-09T23:00:00Z"), until: at("2026-10-31T23:00:00Z") });
    let off = line(LineKind::Discount, "تخفيض ترحيبي", dec!(-1), Unit::One, dec!(100));
    document.lines = vec![plan, cores, users, off];
    document.mentions.vat_on_debits = false;
    document.mentions.late_penalties = None;
    document.mentions.recovery_fee = None;
    summed(document)
}

fn untaxed(mut document: Document, category: VatCategory, code: Option<&str>, reason: &str) -> Document {
    for line in &mut document.lines {
        line.vat_category = category;
        line.vat_rate = dec!(0);
    }
    document.vat = vec![Vat {
        category,
        rate: dec!(0),
        base: dec!(0),
        amount: dec!(0),
        reason_code: code.map(str::to_owned),
        reason: Some(reason.to_owned()),
    }];
    summed(document)
}

fn in_english(number: &str) -> Document {
    let mut document = french_business();
    document.number = number.to_owned();
    document.language = Language::En;
    document.purchase_order = None;
    let texts = ["Growth plan", "Processor time over quota", "Storage", "Active users", "Welcome discount"];
    for (line, text) in document.lines.iter_mut().zip(texts) {
        line.text = text.to_owned();
    }
    document.lines[1].detail = Some("12% over 300 hours".to_owned());
    document
}

/// To a business in Germany.
pub fn reverse_charge() -> Document {
    let mut document = in_english("F-2026-000043");
    document.buyer = buyer("Müller & Söhne GmbH", &["Hauptstraße 5"], "10115", "Berlin", "DE");
    document.buyer.vat_number = Some("DE136695976".to_owned());
    untaxed(
        document,
        VatCategory::Ae,
        Some("VATEX-EU-AE"),
        "Reverse charge: VAT is due by the customer (article 283-2 CGI).",
    )
}

/// To a business outside the Union, as an export.
pub fn export() -> Document {
    let mut document = in_english("F-2026-000044");
    document.buyer = buyer("Acme Inc.", &["500 Market Street", "Suite 7"], "94105", "San Francisco", "US");
    untaxed(document, VatCategory::G, Some("VATEX-EU-G"), "Not subject to French VAT (article 259-1 CGI).")
}

/// The same, as outside the scope of VAT.
pub fn out_of_scope() -> Document {
    let mut document = export();
    document.number = "F-2026-000045".to_owned();
    untaxed(document, VatCategory::O, Some("VATEX-EU-O"), "Outside the scope of French VAT (article 259-1 CGI).")
}

/// Takes part of the French invoice back.
pub fn credit_note() -> Document {
    let mut document = french_business();
    document.kind = Kind::CreditNote;
    document.number = "A-2026-000003".to_owned();
    document.issue_date = day(2026, 11, 12);
    document.due_date = day(2026, 11, 12);
    document.corrects = Some(Corrected { number: "F-2026-000042".to_owned(), issue_date: day(2026, 11, 1) });
    let mut given =
        line(LineKind::Correction, "Temps processeur facturé en trop", dec!(12.5), Unit::CoreHour, dec!(0.0425));
    given.detail = Some("Relevé corrigé du 3 octobre".to_owned());
    document.lines = vec![given, line(LineKind::Correction, "Geste commercial", dec!(1), Unit::One, dec!(15))];
    summed(document)
}

/// The French company bills in dirhams.
pub fn dirhams_from_france() -> Document {
    let mut document = french_business();
    document.number = "F-2026-000046".to_owned();
    document.currency = Currency::Mad;
    document.vat_in_seller_currency = Some(VatInSellerCurrency {
        currency: Currency::Eur,
        amount: dec!(0),
        rate: dec!(0.0932),
        source: "Bank Al-Maghrib".to_owned(),
        date: day(2026, 10, 30),
    });
    summed(document)
}

/// The Moroccan company bills in euros, in French, to a customer abroad.
pub fn euros_from_morocco() -> Document {
    let mut document = in_english("MA-2026/00018");
    document.seller = moroccan_seller();
    document.seller.name = "Sayoo Maroc SARL AU".to_owned();
    document.seller.address.lines = vec!["45 boulevard Mohammed V".to_owned()];
    document.seller.address.city = "Casablanca".to_owned();
    document.currency = Currency::Eur;
    document.buyer.siren = None;
    document.mentions.vat_on_debits = false;
    document.vat_in_seller_currency = Some(VatInSellerCurrency {
        currency: Currency::Mad,
        amount: dec!(0),
        rate: dec!(10.7284),
        source: "Bank Al-Maghrib".to_owned(),
        date: day(2026, 10, 30),
    });
    summed(document)
}

/// Paid from credit before it was issued.
pub fn paid_before() -> Document {
    let mut document = in_english("F-2026-000047");
    document.mentions.payment = PaymentMeans::Credit;
    document.totals.paid = document.totals.gross;
    summed(document)
}

/// Two rates in one document, and a part that is paid already.
pub fn two_rates() -> Document {
    let mut document = french_business();
    document.number = "F-2026-000048".to_owned();
    document.lines[3].vat_rate = dec!(10);
    document.lines.push(line(LineKind::Usage, "Un peu", dec!(0.0001), Unit::Gigabyte, dec!(0.000001)));
    document.totals.paid = dec!(20.01);
    summed(document)
}

/// Three pages of environments.
pub fn many_lines() -> Document {
    let mut document = in_english("F-2026-000049");
    document.lines = (1..=64)
        .map(|number| {
            let mut it = line(
                LineKind::Usage,
                "Storage over quota",
                Decimal::from(number * 17),
                Unit::GigabyteHour,
                dec!(0.0125),
            );
            it.detail = Some(format!("environment-{number}.sayoo.example"));
            it
        })
        .collect();
    summed(document)
}

/// Names as people, and attackers, write them.
pub fn strange_names() -> Document {
    let mut document = french_business();
    document.number = "F-2026-000050".to_owned();
    document.buyer.name =
        format!("{}<b>&amp; \"fin\" 🚀👩\u{200D}💻", "Établissements très longs & associés ".repeat(10));
    document.buyer.address.lines =
        vec!["شارع الحسن الثاني 12".to_owned(), "x".repeat(150), "#let a = 1 $x$ *b* 東京 א\u{941}ב".to_owned()];
    document.lines[0].text = "Formule <Croissance> & Cie 🎉".to_owned();
    document.lines[0].detail = Some("=cmd|' /C calc'!A0\npremière ligne\ndeuxième ligne\n]]> <!-- -->".to_owned());
    document.lines[1].text = "m".repeat(400);
    summed(document)
}

/// Several pages from right to left.
pub fn arabic_many_lines() -> Document {
    let mut document = moroccan_in_arabic();
    document.number = "MA-2026/00019".to_owned();
    document.lines = (1..=40)
        .map(|number| {
            let mut it = line(
                LineKind::Usage,
                "تخزين قاعدة البيانات",
                Decimal::from(number * 1700),
                Unit::GigabyteHour,
                dec!(0.0125),
            );
            it.detail = Some(format!("environment-{number}.sayoo.example"));
            it
        })
        .collect();
    summed(document)
}

/// A person, not a business.
pub fn consumer() -> Document {
    let mut document = french_business();
    document.number = "F-2026-000051".to_owned();
    document.buyer = buyer("Jeanne Dupont", &["3 allée des Tilleuls"], "35000", "Rennes", "FR");
    document.buyer.is_business = false;
    document.purchase_order = None;
    document.mentions.payment = PaymentMeans::Card;
    document.mentions.late_penalties = None;
    document.mentions.recovery_fee = None;
    summed(document)
}
