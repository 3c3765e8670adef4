# Instances: list, one instance, log, graphs.
instances-title = Instances
instances-new = New instance
instances-new-first = Create your first instance
instances-empty-title = No instance yet
instances-empty-text = An instance is your own Odoo, at your own address. It takes three screens and a few seconds.
instances-find = Name or address
instances-filter-label = State
instances-filter-all = Every state
instances-filter-running = Running
instances-filter-working = Changing
instances-filter-sleeping = Asleep
instances-filter-stopped = Stopped
instances-filter-warning = Needs attention
instances-filter-failed = Not working
instances-filter-show = Show
instances-none-title = Nothing fits
instances-none-text = No instance fits what you look for.
instances-show-all = Show all
instances-name = Name
instances-state = State
instances-plan = Plan
instances-cost-month = This month
instances-count = { $count ->
    [one] { $count } instance
   *[other] { $count } instances
}
instances-list-separator = {", "}
instances-maintenance = Closed for maintenance since { $when }
instances-maintenance-text = Visitors read that Odoo is being worked on; nothing is lost. We open it again when the work is done.
instances-queued = Our machines take no changes at the moment. What runs goes on running; what you change is queued and follows by itself.
instances-parts = Parts of this instance
instances-tab-overview = Overview
instances-tab-usage = Usage
instances-tab-logs = Log
instances-open = Open Odoo
instances-start = Start
instances-stop = Stop
instances-restart = Restart
instances-wake = Wake up now
instances-rename = Rename or move
instances-delete = Delete this instance
instances-steps = Steps
instances-making-text = This page follows each step by itself. You can close it and come back.
instances-making-text-usual = This page follows each step by itself. It usually takes { $usual }. You can close it and come back.
instances-failure-next = We have been told and keep trying by ourselves. Nothing is lost, and you need not do anything. If it lasts, write to us.
instances-failure-number = Number to quote:
instances-events = What happened
instances-details = Details
instances-address = Address
instances-admin = Odoo user
instances-created = Ordered
instances-number = Number
instances-cost = Cost so far
instances-cost-since = since { $from }
instances-cost-monthly = { $price } a month, shared out by the second. Usage beyond what is included comes on top.
instances-danger = Danger zone
instances-danger-text = Deleting stops the instance at once. You can take it back for seven days.
instances-undo = Keep this instance
instances-undo-text = Until then one click brings it back, with everything in it.
instances-renamed = Saved. A new address works in a few seconds.
instances-refused-suspended = The instance is suspended, so it cannot be started now.
instances-refused-deleting = The instance is being deleted. Take that back first.
instances-refused-stopped = The instance is stopped. Start it instead.
instances-open-not-running = Odoo is not running at this moment, so it cannot be opened.
instances-opening-title = Opening your Odoo
instances-opening-text = You are being logged in. If nothing happens, use the button.
instances-opening-go = Go to Odoo
instances-rename-title = Rename or move
instances-rename-lead = The name is for you and your colleagues. The address is what everybody types.
instances-rename-hint = The old address stops working at once and stays reserved for you for 30 days.
instances-rename-do = Save
instances-delete-title = Delete instance
instances-delete-lead = Please read what will be lost before you go on.
instances-delete-what = Delete { $name }?
instances-delete-type = Type { $name } to confirm
instances-delete-do = Delete this instance
instances-delete-keep = Keep it
instances-delete-wrong-name = That is not the name. Nothing was deleted.
instances-dies-database = The database with everything in it, documents included
instances-dies-users = All its users: nobody can log in any more
instances-dies-address = The address { $host }: it stops working at once and rests for 30 days
instances-dies-until = You can take this back until { $until }. After that, nobody can.
instances-deletion-asked = The instance has been stopped and will be deleted in seven days.
instances-deletion-undone = Kept. It is as it was before.
instances-deletion-too-late = It is too late: the seven days are over.
instances-name-free = { $host } is free.
instances-name-taken = { $host } is taken. Please choose another name.
instances-name-taken-just-now = Somebody took this name a moment ago. Please choose another one; everything else is kept.
instances-name-empty = Please choose a name for the address.
instances-name-short = The name needs at least 3 characters.
instances-name-long = The name can have at most 40 characters.
instances-name-letters = Only letters from a to z, digits and hyphens can stand in an address.
instances-name-hyphen = A hyphen can stand neither at an end nor beside another one.
instances-name-reserved = This name is reserved. Please choose another one.

kind-development = Development
kind-test = Test
kind-production = Production

logs-lead = What Odoo writes, as it writes it. New lines appear by themselves.
logs-label = Log of { $name }
logs-find = Words in the log
logs-find-do = Find
logs-all = Show everything
logs-empty = Nothing yet. New lines appear here a moment after Odoo writes them.
logs-none = No line has these words.
logs-several = Each line begins with the container that wrote it: [1] is the first, the further ones count on. [new] and [old] are those of an update.

usage-lead = Measured every minute. Each graph has its table below.
usage-period = Period
usage-period-1h = 1 hour
usage-period-24h = 24 hours
usage-period-7d = 7 days
usage-period-30d = 30 days
usage-cpu = Processor
usage-memory = Memory
usage-database = Database
usage-requests = Requests a minute
usage-egress = Traffic a minute
usage-users =
    { $count ->
        [0] Nobody has used this Odoo in the last 30 days. Only internal users count.
        [one] One person has used this Odoo in the last 30 days. Only internal users count.
       *[other] { $count } people have used this Odoo in the last 30 days. Only internal users count.
    }
usage-cores = { $value } CPU

cost-base = Base price so far
cost-used = { $used } used, { $included } included so far

instances-plan-change = Change the plan
instances-plan-title = Another plan
instances-plan-lead = More or less power for this instance. It keeps running while its new limits are put in force.
instances-plan-now = Now: { $plan }, { $price } a month.
instances-plan-own = Yours today
instances-plan-coming = From { $date } on it has the new version of its plan, at { $price } a month. You were told by mail.
instances-plan-choose = Choose a plan
instances-plan-do = Change to this plan
instances-plan-note = The new price counts from the moment the new limits are in force, shared out by the second. Until then, and if anything goes wrong, all stays as it is.
instances-plan-asked = The change has begun. It takes about a minute, and nobody is interrupted.
instances-plan-same = The instance is on this plan already.
instances-plan-not-offered = This plan is no longer sold at that price. Please look at the prices again.
instances-plan-under-way = Another change of this instance is under way. Please wait until it has ended.
instances-plan-no-room = No machine has room for this plan at the moment. Nothing was changed. Please try again later or write to us.
instances-plan-being-made = The instance is still being made. Please wait until it runs.
