# Mails about an account. Each has a subject, a text (an empty line begins a paragraph), the label of its button, and a note.
mail-foot = { $company } · { $address }

mail-verify-subject = Confirm your e-mail address
mail-verify-text =
    Hello { $name },

    one click and your { $company } account is ready: please confirm that { $email } is your address.
mail-verify-action = Confirm my address
mail-verify-note = The link works once, for 24 hours. If you did not sign up, do nothing: without the confirmation the account cannot be used.

mail-already-here-subject = You already have an account
mail-already-here-text =
    Hello { $name },

    somebody, probably you, tried to sign up with { $email }. You already have an account with this address, so nothing was changed.

    Sign in as usual. If you forgot your password, the sign-in page helps you choose a new one.
mail-already-here-action = Sign in
mail-already-here-note = If it was not you, you need not do anything.

mail-reset-subject = Choose a new password
mail-reset-text =
    Hello { $name },

    somebody, probably you, asked for a new password for { $email }.
mail-reset-action = Choose a new password
mail-reset-note = The link works once, for one hour. If it was not you, do nothing: your password stays as it is.

mail-password-changed-subject = Your password was changed
mail-password-changed-text =
    Hello { $name },

    the password of { $email } was just changed, and every other browser was signed out.
mail-password-changed-action = It was not me
mail-password-changed-note = If it was you, everything is fine.

mail-new-device-subject = A new sign-in to your account
mail-new-device-text =
    Hello { $name },

    somebody signed in to { $email } from a device we do not know yet.

    When: { $when }. Where from: { $address }. Browser: { $device }.
mail-new-device-action = See where I am signed in
mail-new-device-note = If it was you, everything is fine. If not, sign that browser out and change your password.

mail-confirm-email-subject = Confirm your new e-mail address
mail-confirm-email-text =
    Hello { $name },

    please confirm that { $new } is your new address for { $company }. Until then { $email } stays in use.
mail-confirm-email-action = Confirm the new address
mail-confirm-email-note = The link works once, for 24 hours. If you did not ask for this, do nothing.

mail-email-changed-subject = Your e-mail address was changed
mail-email-changed-text =
    Hello { $name },

    your { $company } account now uses { $email } instead of this address.

    If it was not you, take the change back: we then sign out every browser, and you can choose a new password.
mail-email-changed-action = Take the change back
mail-email-changed-note = The link works once, for seven days. If it was you, you need not do anything.

mail-closing-subject = Your account will be closed on { $date }
mail-closing-text =
    Hello { $name },

    as you asked, your instances were stopped. On { $date } they and your account are deleted for good.

    If you change your mind before that day, sign in and keep the account: everything comes back as it was.
mail-closing-action = Keep my account
mail-closing-note = After that day nothing can be brought back.

mail-budget-used-subject = { $instance }: automatic scaling has used up its budget
mail-budget-used-text =
    Hello { $name },

    { $instance } is busy, and one more container would have been added. The { $budget } that automatic scaling may add to this month’s cost do not pay for it, so nothing more is added until next month.

    What runs goes on running. If it is too slow, raise the budget or change the number by hand.
mail-budget-used-action = See automatic scaling
mail-budget-used-note = The budget is counted as if every added container had used all the processor time it may, so that your invoice is never higher than that.

mail-budget-level-subject = { $percent } % of this month’s budget is used
mail-budget-level-text =
    Hello { $name },

    this month has cost { $amount } so far: { $percent } % of your budget of { $budget }, before VAT. If everything goes on as it does, the month will come to { $forecast }.

    Nothing is changed by that.
mail-budget-level-action = See the budget
mail-budget-level-note = On the same page you can change the budget, or let instances rest when it is reached.

mail-budget-forecast-subject = This month will probably cost more than your budget
mail-budget-forecast-text =
    Hello { $name },

    if everything goes on as it does, this month will come to { $forecast }, before VAT. Your budget is { $budget }; so far { $amount } are used.

    It is an estimate, not a charge.
mail-budget-forecast-action = See the budget
mail-budget-forecast-note = The page of the month shows which instance costs what.

mail-budget-cap-subject = The budget is reached: development and test instances rest
mail-budget-cap-text =
    Hello { $name },

    this month has cost { $amount }, before VAT, and your budget of { $budget } is reached. As you wanted, development and test instances rest from now on. Production goes on.

    They come back on { $until }, or as soon as you raise the budget or take it away. No data is deleted.
mail-budget-cap-action = See the budget
mail-budget-cap-note = What rests still costs its monthly price, and its data is kept and counted on.

mail-budget-cap-all-subject = The budget is reached: all instances rest, production too
mail-budget-cap-all-text =
    Hello { $name },

    this month has cost { $amount }, before VAT, and your budget of { $budget } is reached. As you wanted, all instances rest from now on, production too: nobody can work in them, and visitors read that they are suspended.

    They come back on { $until }, or as soon as you raise the budget or take it away. No data is deleted.
mail-budget-cap-all-action = See the budget
mail-budget-cap-all-note = What rests still costs its monthly price, and its data is kept and counted on.

trial-line = { $instance } ({ $plan }) at { $price } a month
trial-more = { $count ->
    [one] and one more
   *[other] and { $count } more
}

mail-trial-ending-subject = Your trial ends on { $date }
mail-trial-ending-text =
    Hello { $name },

    until { $date } you pay nothing. From then on these are charged, shared out by the second: { $lines }. Together { $total } a month, before VAT; usage beyond what the plans include comes on top.

    What you do not want to keep, delete before that. What was used in the trial is never charged.
mail-trial-ending-action = See what it costs
mail-trial-ending-note = The first invoice comes when the month is over.

mail-trial-ended-subject = Your trial has ended: what is charged from now on
mail-trial-ended-text =
    Hello { $name },

    your trial ended on { $date }. Since then these are charged, shared out by the second: { $lines }. Together { $total } a month, before VAT; usage beyond what the plans include comes on top.

    What was used before is not charged.
mail-trial-ended-action = See what it costs
mail-trial-ended-note = The first invoice comes when the month is over. What you delete is charged no longer.

mail-plan-moves-subject = New prices of the plan { $plan } from { $date }
mail-plan-moves-text =
    Hello { $name },

    from { $date } on the plan { $plan } has new prices. These of yours are on it: { $instances }. For each of them the base price is { $before } a month until then and { $after } a month from then on, before VAT.

    { $usage }

    You need not do anything. If you do not want this, choose another plan or delete the instance before that day.
mail-plan-moves-action = See my instances
mail-plan-moves-note = Until { $date } nothing changes. If the new version has other limits, they and its prices begin as soon as they are in force.

plan-moves-line = { $meter }: until now { $before }; then { $after }.
plan-moves-same-usage = What is included and what more costs stay as they are.
plan-moves-unlimited = included without limit

mail-plan-stays-subject = The prices of the plan { $plan } stay as they are
mail-plan-stays-text =
    Hello { $name },

    we wrote to you that the plan { $plan } would have new prices. That was withdrawn: your instances stay on the version that they are on, at its prices.

    You need not do anything.
mail-plan-stays-action = See my instances
mail-plan-stays-note = If that ever changes, we tell you at least 30 days before.

mail-credit-ending-subject = { $amount } of your credit end on { $date }
mail-credit-ending-text =
    Hello { $name },

    of the credit that we gave you, { $amount } are left. Until { $date } they pay your invoices by themselves; what is left then is gone.

    What you paid yourself never ends.
mail-credit-ending-action = See your credit
mail-credit-ending-note = You need not do anything.

mail-credit-ended-subject = { $amount } of your credit have ended
mail-credit-ended-text =
    Hello { $name },

    credit that we gave you could be used until { $date }. { $amount } were left of it, and have ended.

    What it paid stays paid, and what you paid yourself never ends.
mail-credit-ended-action = See your credit
mail-credit-ended-note = You need not do anything.

mail-domain-lost-subject = { $domain } leads to { $instance } no longer
mail-domain-lost-text =
    Hello { $name },

    nothing in the DNS of { $domain } shows any more that it is yours: we looked several times and found neither the CNAME nor the TXT record. So that nobody’s visitors see what is not meant for them, the domain leads to { $instance } no longer. The instance itself runs, at its own address.

    If the domain is still yours, set one of the two records again. The domain comes back by itself within minutes.
mail-domain-lost-action = See the records
mail-domain-lost-note = If you gave the domain up, you need not do anything. You can remove it on the same page.

mail-overdue-subject = Invoice { $number } is overdue
mail-overdue-text =
    Hello { $name },

    the day on which invoice { $number } was to be paid has passed. { $amount } are overdue.

    { $next } If you pay before, nothing happens.
mail-overdue-action = See and pay
mail-overdue-note = If you have paid in the last days, thank you: transfers take a while to arrive, and you need not do anything.

mail-restricted-subject = Invoice { $number } is not paid: { $done }
mail-restricted-text =
    Hello { $name },

    invoice { $number } is not paid; { $amount } are overdue. As announced, { $done } from now on.

    { $next } As soon as it is paid, everything runs again at once. No data is deleted.
mail-restricted-action = See and pay
mail-restricted-note = If you have paid in the last days, or need more time, answer this mail.

mail-details-missing-subject = We need your address for an invoice
mail-details-missing-text =
    Hello { $name },

    an invoice of { $amount } before VAT cannot be written, because something that has to stand on it is missing: your postal address, above all.

    { $next } Once the details are complete, the invoice comes by itself.
mail-details-missing-action = Complete the details
mail-details-missing-note = If you cannot log in any more, answer this mail with the address.

mail-details-restricted-subject = Your invoice still lacks an address: { $done }
mail-details-restricted-text =
    Hello { $name },

    an invoice of { $amount } before VAT cannot be written without your postal address. As announced, { $done } from now on.

    { $next } Once the details are complete, everything runs again at once. No data is deleted.
mail-details-restricted-action = Complete the details
mail-details-restricted-note = If you need more time, answer this mail.

mail-invoice-due-subject = Invoice { $number }: { $open } due on { $due }
mail-invoice-due-text =
    Hello { $name },

    your invoice { $number } of { $gross } is ready. { $open } are to be paid by { $due }.

    On its page you can download it as PDF and as an electronic invoice, see what each line is made of, and how to pay.
mail-invoice-due-action = See the invoice
mail-invoice-due-note = If a card is saved, it is charged by itself and you need not do anything.

mail-invoice-settled-subject = Invoice { $number }: nothing to pay
mail-invoice-settled-text =
    Hello { $name },

    your invoice { $number } of { $gross } is ready. Your credit has paid all of it: { $open } are left, and nothing is due on { $due }.
mail-invoice-settled-action = See the invoice
mail-invoice-settled-note = On its page you can download it and see what each line is made of.

mail-credit-note-subject = Credit note { $number }: { $gross } in your favour
mail-credit-note-text =
    Hello { $name },

    we issued the credit note { $number } of { $gross } on { $due }. It pays what is open on your invoices; what is left ({ $open }) pays the next ones.
mail-credit-note-action = See the credit note
mail-credit-note-note = You need not do anything.

mail-card-asks-subject = Invoice { $number }: your bank asks you to confirm
mail-card-asks-text =
    Hello { $name },

    we wanted to charge { $open } for invoice { $number } to your saved card. Its bank wants you to confirm the payment yourself, so nothing was charged.

    Please open the invoice and pay it there: your bank asks you for a code or a confirmation, and that is all.
mail-card-asks-action = Confirm and pay
mail-card-asks-note = You can also pay by bank transfer: the details are on the same page.

mail-card-refused-subject = Invoice { $number }: your card was refused
mail-card-refused-text =
    Hello { $name },

    we wanted to charge { $open } for invoice { $number } to your saved card, and its bank refused. Nothing was charged. { $next }

    You can pay it now with this card or another one.
mail-card-refused-action = See and pay
mail-card-refused-note = You can also pay by bank transfer: the details are on the same page.
