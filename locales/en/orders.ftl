# Ordering an instance, in three screens.
order-title = New instance
order-step = { $number } of { $of }
order-plan-title = Choose a plan
order-plan-lead = You can have several instances, each on its own plan.
order-plan-choose = Plan
order-price-note = Counted from the minute it is ready to the minute you delete it. Usage beyond what is included is billed at the prices of the price list.
order-next = Continue
order-back = Back
order-details-title = Name and address
order-details-lead = We have filled in what we know. Change what you like.
order-problems = Please look at this again:
order-name = Name
order-name-hint = What you and your colleagues call it.
order-address = Address
order-address-hint = Letters from a to z, digits and hyphens.
order-company = Company
order-company-hint = As it stands on your invoices.
order-language = Language of Odoo
order-country = Country
order-country-hint = Sets currency, time zone and chart of accounts.
order-apps = Applications
order-apps-title = Choose applications
order-apps-lead = You can install or remove applications in Odoo at any time.
order-apps-hint = Choosing none is fine, too.
order-apps-none = None chosen
order-summary = Your order
order-place = Order for { $price } a month
order-resend = Send the link again
order-plan-missing = Please choose a plan.
order-name-missing = Please give it a name of at most 100 characters.
order-company-missing = Please give the company’s name, at most 200 characters.
order-language-missing = Please choose a language.
order-country-missing = Please choose a country.
order-refused-not-verified = Please confirm your e-mail address first: open the link that we sent you.
order-refused-closing = This account is being closed, so nothing new can be ordered.
order-refused-suspended = This account is suspended, so nothing new can be ordered. Please write to us.
order-refused-quota = { $allowed ->
    [one] This account can have { $allowed } instance. Delete one that you no longer need, or write to us for more.
   *[other] This account can have { $allowed } instances. Delete one that you no longer need, or write to us for more.
}
order-refused-plan = This plan is no longer sold at this price. Please go back and choose again.
