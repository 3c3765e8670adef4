# The state of an instance, the steps of its creation, what happened to it and why.
state-being-made = Being made
state-starting = Starting
state-running = Running
state-asleep = Asleep
state-waking = Waking up
state-stopping = Stopping
state-stopped = Stopped
state-suspended = Suspended
state-failing = Not working
state-deleting = Being deleted
state-deleted = Deleted
sentence-being-made = Your Odoo is being made.
sentence-being-made-usual = Your Odoo is being made. It usually takes { $usual }.
sentence-starting = Starting. It usually takes 2 seconds.
sentence-running = Running since { $when }.
sentence-asleep = Asleep since { $when }. It wakes up with the first request and costs no processor and no memory until then.
sentence-waking = Waking up. It usually takes 3 seconds.
sentence-stopping = Stopping. Everything in it is kept.
sentence-stopped = Stopped since { $when }. Everything in it is kept.
sentence-suspended = Suspended by { $company }: { $reason }
sentence-failing = Not working since { $when }. { $reason }
sentence-deletion-asked = Will be deleted { $when }.
sentence-being-deleted = Being deleted.
sentence-deleted = Deleted.

step-queued = Order received
step-template = Preparing this choice of applications for the first time
step-database = Creating the database
step-container = Starting Odoo
step-settings = Entering your company and language
step-address = Connecting the address
step-ready = Ready to log in
step-expected = The first time takes about { $time }; after that it takes seconds.

event-ordered = Ordered
event-started = Started
event-stopped = Stopped
event-restarted = Restarted
event-renamed = Renamed
event-relocated = Moved to another machine
event-moved = Address changed from { $from } to { $to }
event-suspended = Suspended
event-resumed = Suspension lifted
event-deletion-asked = Deletion asked for
event-deletion-undone = Deletion taken back
event-deleted = Deleted
event-failing = Stopped working
event-recovered = Works again
event-start-asked = Start asked for
event-stop-asked = Stop asked for
event-restart-asked = Restart asked for
event-asleep = Fell asleep: nobody used it
event-woken-request = Woken by a visitor
event-woken-person = Woken
event-woken-schedule = Woken: a scheduled action of Odoo is due
event-woken-change = Woken for a change
event-wake-asked = Waking asked for
event-scaled = { $to ->
    [one] One container instead of { $from }
   *[other] { $to } containers instead of { $from }
}
event-scaling-on = Automatic scaling switched on
event-scaling-off = Automatic scaling switched off
event-scaling-set = Limits of automatic scaling changed
event-scaling-budget = The month’s budget of automatic scaling is used up: nothing is added any more
event-because = { $what }: { $reason }

reason-unknown = Something went wrong on our side.
reason-image-unhealthy = Odoo started but did not answer in time.
reason-host-lost = The machine that it was on was lost.
reason-no-room = There is no free place on our machines at this moment.
reason-engine-away = Our machines do not answer at this moment.
reason-database-away = The database server does not answer at this moment.
reason-disk-full = A disk of ours is full.
reason-template-failed = The chosen applications could not be prepared.
reason-crashing = Odoo stops again shortly after each start.

event-plan-asked = Another plan asked for
event-plan-changed = Moved to another plan
event-update-started = Update begun
event-updated = Updated
event-update-failed = Update taken back
reason-update-crashing = the new version ended again and again; the one before kept serving
reason-update-unhealthy = the new version did not answer in time; the one before kept serving
