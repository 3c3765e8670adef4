# Invoices and what stands on them.
invoice-line-base = { $plan }: monthly price
invoice-line-cpu = { $plan }: processor time beyond what is included
invoice-line-database = { $plan }: database beyond what is included
invoice-line-egress = { $plan }: data sent beyond what is included
invoice-line-requests = { $plan }: requests beyond what is included
invoice-line-correction = Correction of an earlier month: { $title }

vat-reason-reverse-charge = Reverse charge: the customer owes the VAT (art. 283-2 CGI, art. 196 of Directive 2006/112/EC).
vat-reason-outside-union = Service to a customer outside the European Union: not subject to French VAT (art. 259-1 CGI).
vat-reason-export = Export of services: exempt from VAT (art. 92-I-1° CGI).

# The customer's pages.
nav-billing = Billing
billing-tab-overview = This month
billing-tab-invoices = Invoices
billing-tab-statement = Statement
billing-tab-details = Invoice details
billing-days = { $from } – { $until }
billing-percent = { $value } %

billing-state-paid = Paid
billing-state-due = Due on { $date }
billing-state-overdue = Overdue since { $date }
billing-state-credit-left = { $amount } not used yet
billing-state-credit-used = Used

billing-unit-one = { $value }
billing-unit-month = { $value } months
billing-unit-day = { $value } days
billing-unit-hour = { $value } hours
billing-unit-core-hour = { $value } core-hours
billing-unit-gigabyte-hour = { $value } GB-hours
billing-unit-gigabyte-month = { $value } GB-months
billing-unit-gigabyte = { $value } GB
billing-unit-request = { $value } requests
billing-unit-thousand-requests = { $value } thousand requests
billing-unit-user = { $value } users

billing-address-title = We need an address for your invoices
billing-address-text = Without a street and a city no invoice can be made out to you.
billing-address-action = Fill in your details
billing-trial-title = You are trying us for free
billing-trial-text = Until { $until } you pay nothing. Without the trial it would have been { $amount } so far.
billing-trial-lines = Lines marked “trial” are not to be paid.
billing-trial-tag = trial
billing-so-far = Cost so far
billing-as-of = As of { $when }
billing-forecast = Estimate for the whole month
billing-forecast-detail = An estimate, not a charge; the month ends on { $when }
billing-estimate = The estimate supposes that everything goes on as in the last seven days.
billing-open = To be paid
billing-open-nothing = Nothing
billing-open-nothing-detail = Every invoice is paid
billing-open-due = { $count ->
    [one] { $count } invoice, due on { $date }
   *[other] { $count } invoices, the first due on { $date }
}
billing-open-overdue = { $count ->
    [one] { $count } invoice, overdue since { $date }
   *[other] { $count } invoices, the first overdue since { $date }
}
billing-credit = Your credit
billing-credit-detail = It pays your next invoice
billing-before-vat = Costs and estimate are without VAT.
billing-empty-title = Nothing costs anything this month
billing-empty-text = As soon as you have an instance, what it costs stands here, day by day.
billing-by-instance = By instance
billing-by-instance-lead = Open an instance to see each price, what was used, and how much of it is included.
billing-lines-of = Costs of { $name }
billing-instance-gone = An instance that you no longer have
billing-line-base = { $plan }: monthly price, for the days so far
billing-to-instance = Go to { $name }

billing-col-what = What
billing-col-used = Used
billing-col-included = Of it included
billing-col-beyond = Beyond
billing-col-price = Price
billing-col-amount = Amount
billing-col-number = Number
billing-col-kind = Kind
billing-col-state = State
billing-col-gross = Amount with VAT
billing-col-quantity = Quantity
billing-col-vat = VAT
billing-col-net = Amount before VAT
billing-col-day = Day
billing-col-hours = Hours
billing-col-hour = Hour
billing-col-covered = Seen for
billing-col-quality = Quality
billing-col-date = Date
billing-col-reference = Reference
billing-col-balance = Owed after it

billing-kind-invoice = Invoice
billing-kind-credit_note = Credit note
billing-title-invoice = Invoice { $number }
billing-title-credit_note = Credit note { $number }
billing-invoices-empty-title = No invoice yet
billing-invoices-empty-none = The first one comes when a month with an instance is over.
billing-invoices-empty-first = The first one comes on { $date }, when the month is over, if there is something to pay.

billing-facts = In short
billing-fact-issued = Issued on
billing-fact-due = To be paid until
billing-fact-period = Period
billing-fact-corrects = Takes back a part of
billing-seller = From
billing-buyer = To
billing-lines = What is billed
billing-line-behind = Usage day by day
billing-vat-of = VAT { $rate } of { $base }
billing-sum-net = Total before VAT
billing-sum-vat = VAT
billing-sum-gross = Total with VAT
billing-sum-open = Still open
billing-paid-card = Paid by card
billing-paid-transfer = Paid by transfer
billing-paid-withholding = VAT paid to the state in our name
billing-paid-gift = Paid from a credit that we gave
billing-paid-credit_note = Paid from a credit note
billing-paid-back = { $text }: taken back

billing-transfer-title = Pay by bank transfer
billing-transfer-text = Transfer { $amount } to this account and give the number as reference, so that we find your payment.
billing-transfer-holder = Account holder
billing-transfer-bank = Bank
billing-transfer-reference = Reference

billing-files-title = Files
billing-files-lead = The same document three times: for people, and for two kinds of accounting programs.
billing-file-pdf = PDF
billing-file-pdf-detail = To read, print and file
billing-file-cii = XML (CII)
billing-file-cii-detail = Factur-X, as French programs read it
billing-file-ubl = XML (UBL)
billing-file-ubl-detail = Peppol, as most other programs read it
billing-file-download = Download
billing-file-making = Is being made
billing-file-being-made = This file is being made. Please try again in a minute.

billing-proof-title = Proof
billing-proof-lead = This document can never be changed without it being seen.
billing-proof-own = This document’s hash (SHA-256)
billing-proof-previous = The hash of the document before it
billing-proof-first = It is the first one of its year.
billing-proof-text = The hash is computed from everything that stands on the document and from the hash of the one before. If a single figure of an old document were changed, every later hash would be another.

billing-recompute-title = Compute it again yourself
billing-recompute-lead = You need not believe us: three steps, on any computer with Python.
billing-recompute-file = Download the hours and prices
billing-recompute-file-text = Everything that this month’s charges follow from, as it was known when they were made: who was on which plan, what was counted in each hour, what each unit costs, and what was charged.
billing-recompute-program = Download the program
billing-recompute-program-text = Some 300 lines of Python that anybody can read. It needs nothing else, and shares no line with the program that made the invoice.
billing-recompute-run = Run it where both files are
billing-recompute-run-text = It computes each charge from the hours, and stops at the first one that is not as the rules say. At the end it must say { $amount }: the month before discounts and taxes, less what credit notes of the same day give back.

billing-hours-file = All hours as a file (CSV)
billing-readings-file = All readings as a file (CSV)
billing-charge-title = How the quantity comes about
billing-charge-from = From
billing-charge-until = Until
billing-charge-carry-in = Left over from earlier months
billing-charge-carry-out = Left over for later months
billing-charge-charged = On this line
billing-charge-differs = The hours below add up to something else than what was used on this line: an hour in which the plan changed is shared, several prices may share one usage, and what was counted after the invoice is settled with a later one.
billing-hours-none-title = No hours are kept any more
billing-hours-none-text = The hours behind this line are no longer there; the line stays as it is.
billing-days-title = Day by day
billing-hours-title = Hour by hour: { $day }
billing-day-before = The day before
billing-day-after = The day after
billing-quality-measured = measured
billing-quality-interpolated = between two readings
billing-quality-lower_bound = at least
billing-quality-text = “Measured” hours were seen all along. “Between two readings” spreads what a counter showed. “At least”: more may have been used, and only this is billed.

billing-statement-lead = What was billed and what was paid, the newest first.
billing-statement-owed = You owe
billing-statement-even = Nothing is owed
billing-statement-credit = Your credit with us
billing-statement-empty-title = Nothing has moved yet
billing-statement-empty-text = Invoices and payments stand here, one after the other.
billing-movement-payment = Payment
billing-movement-gift = Credit that we gave
billing-movement-expiry = Credit that ended unused
billing-movement-payback = Paid back
billing-movement-other = Entry

billing-details-lead = What stands on your invoices. Documents that are already made stay as they are.
billing-details-problems = Please look at these fields
billing-details-saved = Your invoice details are saved.
billing-details-buyer = You buy as
billing-details-business = A business or an organisation
billing-details-person = A private person
billing-details-legal_name = Name on invoices
billing-details-legal_name-hint = The registered name of the company, with its legal form; or your own name.
billing-details-street = Street and number
billing-details-postcode = Postcode
billing-details-city = City
billing-details-country = Country
billing-details-vat_number = VAT number
billing-details-vat_number-hint = With the letters of its country, as in FR44732829320.
billing-details-siren = SIREN
billing-details-siren-hint = Nine digits. Businesses in France only, and needed there.
billing-details-ice = ICE
billing-details-ice-hint = Fifteen digits. Businesses in Morocco only: with it you can deduct the VAT.
billing-details-email = E-mail for invoices
billing-details-email-hint = Without one they go to the owner.
billing-details-purchase_order = Your order number
billing-details-purchase_order-hint = Stands on every invoice from now on.
billing-details-language = Language of documents
billing-details-language-hint = Of invoices; the pages keep your own.
billing-vat-checked = This number was checked on { $date }: { $answer }
billing-vat-unchecked = This number has not been checked yet. It only changes the VAT of businesses in the European Union outside the seller’s country: until it is checked, they pay the VAT of their country; afterwards they owe it themselves.
billing-bad-turned = This holds an invisible character that turns the writing around: what people read would not be what is written. Please type it again.
billing-bad-siren = A SIREN has nine digits, and the last one is computed from the others. One of these is not right.
billing-bad-no-siren = The law wants the SIREN of a business in France on its invoices.
billing-bad-ice = An ICE has exactly fifteen digits.
billing-bad-other-country = Companies of the country that you chose have no such number: leave it empty.
billing-bad-vat-shape = VAT numbers of the country that you chose do not look like this. They begin with its letters.
billing-bad-vat-key = The two figures after FR do not fit, or the number belongs to another SIREN.
