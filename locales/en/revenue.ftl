# What recurs, was billed and is unpaid; what hosts cost and earn.
staff-nav-revenue = Revenue
revenue-title = Revenue
revenue-lead = What recurs each month and how it moves, what was billed, and what is unpaid. Currencies are never mixed.
revenue-none = Nobody sells yet
revenue-none-text = Our companies are not written down yet.
revenue-recurring = Monthly recurring revenue
revenue-customers = { $count ->
    [one] one customer
   *[other] { $count } customers
 }
revenue-of = { $count ->
    [one] one customer
   *[other] { $count } customers
 }
revenue-movements = Movements
revenue-movements-in = Movements in { $currency }
revenue-month = Month
revenue-start = At its start
revenue-end = At its end
revenue-move-new = New
revenue-move-reactivation = Back again
revenue-move-expansion = Pays more
revenue-move-contraction = Pays less
revenue-move-churn = Left
revenue-billed = Billed
revenue-billed-lead = By the day of the invoice, before taxes and less credit notes. The invoice of a month is issued in the next one. Choose a month to see what its lines were about.
revenue-billed-in = Billed in { $currency }
revenue-documents = Documents
revenue-net = Net
revenue-by-plan = By plan: { $month }
revenue-by-what = By what is charged: { $month }
revenue-nothing-billed = Nothing was billed in this month.
revenue-total = Together
revenue-no-plan = Of no plan
revenue-what-base = Base prices
revenue-what-discount = Discounts
revenue-what-credit = Given back
revenue-unpaid = Unpaid
revenue-unpaid-in = Unpaid in { $currency }
revenue-age = Overdue for
revenue-age-not-due = not due yet
revenue-age-30 = 1–30 days
revenue-age-60 = 31–60 days
revenue-age-90 = 61–90 days
revenue-age-longer = more than 90 days
revenue-invoices = Invoices
revenue-left = Left to pay, with taxes
revenue-top = Most was billed to
revenue-top-in = Customers by what was billed in { $currency }
revenue-files = Files
revenue-file-movements = Movements (CSV)
revenue-file-billed = Billed, by plan and meter (CSV)
revenue-counted = What is counted
revenue-counted-base = The base price a month of each instance that is charged, at the price of its plan’s edition. Usage, discounts and taxes are not in it.
revenue-counted-trial = An account on trial counts from the moment when its trial is over.
revenue-counted-moves = Customers are compared at a month’s start and at its end: whoever paid nothing and pays now is new, or back again after any earlier time of paying. What came and went within the month is not told.
revenue-counted-months = Months are those of the company that sells: Paris for euros, Casablanca for dirhams. The newest one lasts until now. What was there and all movements are added up anew each time; this page is not shown if they differ by a coin.

margins-title = Margins of hosts
margins-lead = What each host cost, what had room on it, and what the instances that ran there were charged before discounts, by their time on it.
margins-of = Margins of hosts in { $month }
margins-unfinished = This month is not over: what is charged for it is not known yet.
margins-no-rate = Nobody said what a euro was in this month. Amounts in different currencies are not added.
margins-rate-said = { $rate } dirhams for one euro, as { $by } said.
margins-cost = Cost
margins-cpu = Cores used, of those set aside
margins-memory = Memory used, of that set aside
margins-used-of = { $used } of { $reserved }
margins-revenue = Charged, before taxes
margins-margin = Margin
margins-no-cost = nobody said what it costs
margins-days-unknown = { $days ->
    [one] not known for one day
   *[other] not known for { $days } days
 }
margins-needs-cost = needs a cost
margins-needs-rate = needs a rate
margins-converted = with the month’s rate
margins-gone = A host that is gone
margins-nowhere = Charged to instances that had room on no host in this month (asleep, or before this was written down):
margins-earlier = Month before
margins-later = Month after
margins-cost-title = What a host costs
margins-cost-lead = It counts from its first day until a later one is said. Said again for the same day, the newer one counts; all of it is kept.
margins-amount = Cost a month
margins-from = From (day)
margins-save = Write down
margins-costs = Costs that were said
margins-cost-done = The cost is written down.
margins-host-bad = Choose one of the hosts.
margins-amount-bad = Type an amount, such as 49.90.
margins-day-bad = Choose a day of the last years, or of the next two.
margins-rate-title = What a euro was
margins-rate-lead = For months in which a host costs in one currency and earns in another. No invoice and no booking uses it.
margins-month = Month
margins-rate = Dirhams for one euro
margins-rates = Rates that were said
margins-rate-done = The rate is written down.
margins-month-bad = Choose a month, such as 2026-10.
margins-rate-bad = Type a rate above zero with at most six decimals, such as 10.82.
