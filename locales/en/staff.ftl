# Pages of the hosting company's own people.
staff-title = Staff
staff-nav-home = Overview
staff-nav-accounts = Customers
staff-nav-instances = Instances
staff-nav-hosts = Hosts
staff-nav-plans = Plans
staff-nav-queue = Work queue
staff-nav-usage = Usage
staff-nav-audit = Audit log
staff-nav-money = Money

staff-login-title = Staff login
staff-login-lead = For people who work here. Customers log in elsewhere.
staff-login-customers = Customer login
staff-email = E-mail address
staff-password = Password
staff-login-submit = Continue
staff-login-wrong = E-mail address and password do not match. Check both and try again.
staff-login-throttled = Too many tries. Wait { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
 } and try again.
staff-logout = Log out

staff-code-title = Second factor
staff-code-lead = Type the six digits that your authenticator application shows, or one of your recovery codes.
staff-code = Code
staff-code-submit = Log in
staff-code-wrong = This code is wrong, too old, or was used already. Wait for the next one and try again.

staff-enrol-title = Set up the second factor
staff-enrol-lead = Scan this picture with an authenticator application (such as Aegis, FreeOTP or 1Password). Every login asks for its code.
staff-enrol-typed = No camera? Type this key into the application:
staff-enrol-submit = Finish
staff-qr-label = Picture with the key for the authenticator application
staff-recovery-title = Your recovery codes
staff-recovery-lead = Each logs you in once if you lose the authenticator. They are shown only now: print them or keep them in a password manager.
staff-recovery-done = I have kept them

staff-join-title = Join the staff
staff-join-lead = This link works once. Choose how you log in; the second factor comes next.
staff-join-submit = Join
staff-join-spent = This link was used or is too old. Ask a colleague for a new one, or run “sayoo staff first-link” on the machine when nobody has joined yet.
staff-join-email-taken = Somebody with this e-mail address is staff already.
staff-join-name-missing = Type your name.
staff-name = Your name

staff-home-title = Overview
staff-home-running = Running instances
staff-home-of = of { $total }
staff-home-accounts = Customers
staff-home-new = { $count ->
    [0] none new this week
    [one] one new this week
   *[other] { $count } new this week
 }
staff-home-failing = In trouble
staff-home-failing-none = all well
staff-home-failing-look = look at the work queue
staff-home-spares = Ready spares
staff-home-spares-detail = for the next orders
staff-home-suspended = Suspensions
staff-home-mails = Jobs given up
staff-home-invite = Invite a colleague
staff-home-invited = The link for your colleague (works once, for 24 hours):
staff-home-hosts = Hosts
staff-home-latest = Latest instances

staff-accounts-title = Customers
staff-accounts-none = No customer fits.
staff-accounts-none-text = Try another part of the name or e-mail address.
staff-filter = Filter
staff-filter-show = Show
staff-filter-hint = Name, e-mail, address or number
staff-all-states = All states
staff-col-customer = Customer
staff-col-owner = Owner
staff-col-instances = Instances
staff-col-since = Since
staff-col-country = Country
staff-col-state = State
staff-col-instance = Instance
staff-col-plan = Plan
staff-col-host = Host
staff-col-runtime = Runtime
staff-col-reason = Reason
staff-col-by = By
staff-col-when = When
staff-col-what = What
staff-col-who = Who
staff-col-tries = Tries
staff-col-next = Next try
staff-col-error = Last error
staff-col-role = Role
staff-col-seen = Last seen
staff-col-name = Name
staff-col-version = Version
staff-col-prices = A month
staff-col-limits = Limits
staff-number = Number

staff-account-active = Active
staff-account-closing = Closing
staff-account-closed = Closed
staff-account-suspended = Suspended
staff-account-members = Members
staff-account-unverified = e-mail not proved
staff-account-never = not lately
staff-account-history = History
staff-account-suspensions = Suspensions
staff-account-no-instances = This customer has no instances yet.

staff-suspend = Suspend
staff-suspend-account-title = Suspend { $name }?
staff-suspend-account-text = Every instance of this customer stops and shows a page that says so. No data is touched. The customer reads your reason.
staff-suspend-instance-text = Within a second the public sees a page that says so, open downloads and live connections end, and the instance stops. No data is touched. The customer reads your reason.
staff-suspended-because = Suspended: { $reason }
staff-resume = Resume
staff-resume-lead = What ran before runs again. The reason is kept in the audit log.
staff-reason = Reason
staff-reason-hint = 3 to 1,000 characters. The customer reads it.
staff-reason-needed = Give a reason of 3 to 1,000 characters.
staff-already-so = Nothing changed: it is in that state already.
staff-suspended-done = Suspended. It takes effect within seconds.
staff-resumed-done = Resumed. It takes effect within seconds.
staff-suspension-in-force = in force
staff-suspension-lifted = lifted: { $reason }
staff-whole-account = whole account

staff-instances-title = Instances
staff-instances-none = No instance fits.
staff-instances-none-text = Try another part of the name, address or runtime.
staff-instance-wanted = Wanted
staff-instance-shortage = Containers that are missing
staff-instance-address = Address
staff-instance-maintenance = Closed for maintenance since
staff-instance-purge = Data is deleted on
staff-instance-audit = Audit log
staff-wanted-running = running
staff-wanted-stopped = stopped
staff-wanted-deleted = deleted

staff-hosts-title = Hosts
staff-hosts-lead = What is promised to runtimes, of what may be promised. Memory is never promised twice.
staff-hosts-none = No host yet.
staff-hosts-none-text = Run “sayoo setup” on this machine: it registers the host.
staff-host-memory = Memory promised
staff-host-cpu = CPU promised
staff-host-active = In use
staff-host-cordoned = Takes nothing new
staff-host-down = Not reachable
staff-host-runtimes = { $count ->
    [0] no runtime
    [one] one runtime
   *[other] { $count } runtimes
 }
staff-host-spares = { $count ->
    [0] no spare
    [one] one of them spare
   *[other] { $count } of them spare
 }
staff-host-seen = Seen { $when }
staff-host-never = never seen
staff-host-joining = Joining
staff-host-leaving = Leaving
staff-host-emptying = Being emptied
staff-host-empty = Empty
staff-host-in-zone = Zone { $zone }
staff-host-pool-any = For everything
staff-host-pool-production = For production only
staff-host-pool-test = For development and test only
staff-host-seconds = { $seconds } s
staff-headroom-enough = If { $host } is lost, every instance on it finds room elsewhere; { $spare } of memory stay free.
staff-headroom-short = If { $host } is lost, { $count ->
    [one] one instance finds
   *[other] { $count } instances find
 } no room elsewhere: add a host.
staff-host-add = Add a host
staff-host-add-lead = The machine is looked at, taken into the Swarm and used at once.
staff-host-add-before = The machine needs Docker, and the certificates that this command makes: copy its files to /etc/docker there and restart Docker.
staff-host-added = The worker looks at the machine now. This page shows what it finds.
staff-host-address = Address
staff-host-address-hint = On the private network, as numbers. Its Docker answers at port 2376, to us only.
staff-host-name = Name
staff-host-name-hint = Lower-case letters, digits and hyphens.
staff-host-zone = Zone
staff-host-zone-hint = What fails together with it: a rack, a room.
staff-host-pool = What is placed on it
staff-host-pool-hint = Production goes to hosts for it alone, and the rest to hosts for the rest; only when these are full do hosts for everything take it.
staff-host-bad-address = An IP address is needed, such as 10.0.0.2.
staff-host-bad-name = Names and zones have up to 40 lower-case letters, digits and hyphens.
staff-host-taken = Another host has this name or address.
staff-host-gone = This host no longer exists.
staff-host-no-room = { $count ->
    [one] One instance would find no room elsewhere: add a host first.
   *[other] { $count } instances would find no room elsewhere: add a host first.
 }
staff-host-not-empty = { $count ->
    [one] One instance is still here: empty the host first.
   *[other] { $count } instances are still here: empty the host first.
 }
staff-manager-silent = The manager has not answered since { $since }. Changes are queued; what runs goes on running.
staff-host-manager = The worker gives its orders to this machine: it cannot leave.
staff-host-daemon = Docker
staff-host-node = Node of the Swarm
staff-host-last = Last sign of life
staff-host-acts = What to do
staff-host-cordon = Take nothing new
staff-host-cordon-lead = What is here stays and runs on; new instances go elsewhere.
staff-host-cordon-done = The host takes nothing new.
staff-host-uncordon = Use it again
staff-host-uncordon-lead = New instances may be placed here. What has moved away stays where it is.
staff-host-uncordon-done = The host is in use again.
staff-host-drain = Empty the host
staff-host-drain-lead = Each instance starts elsewhere first; its visitors follow when it answers there. Three move at a time.
staff-host-drain-look = See who would move
staff-host-drain-done = The host is being emptied.
staff-host-cancel = Stop emptying
staff-host-cancel-lead = What is on its way arrives; the rest stays. The host takes nothing new.
staff-host-cancel-done = Nothing more moves away.
staff-host-remove = Remove the host
staff-host-remove-lead = An empty host leaves the Swarm and is forgotten.
staff-host-remove-done = The host leaves the Swarm.
staff-host-settings = Settings
staff-host-settings-title = Settings of { $host }
staff-host-settings-lead = Zone, pool, what may be promised, and the address. What is here stays where it is; what comes is placed by it.
staff-host-settings-look = Change them
staff-host-settings-save = Save
staff-host-settings-done = The host is set.
staff-host-cpu-percent = Processors may be promised to
staff-host-cpu-percent-hint = 100 to 6400. Instances are idle most of the time: 800 promises each core eight times.
staff-host-memory-kept = Memory kept for the machine
staff-host-memory-kept-hint = For its system, Docker, and databases that run here. It is not promised to instances.
staff-host-address-wanted-hint = Another one is taken over as soon as the same machine answers there; until then it is reached where it was.
staff-host-moving-to = It is to be reached at { $address }: as soon as the same machine answers there.
staff-host-bad-percent = A number from 100 to 6400 is needed.
staff-host-bad-memory = A number is needed, smaller than the memory of the machine.
staff-host-being-emptied = It is being emptied and takes nothing new. To end that, stop emptying it.
staff-drain-title = Emptying { $host }
staff-drain-words = { $count ->
    [0] Nothing has to move.
    [one] One instance moves, in about { $seconds } seconds.
   *[other] { $count } instances move, in about { $seconds } seconds.
 }
staff-drain-to = Goes to
staff-drain-nowhere = No room
staff-host-lessened = { $count ->
    [one] One container would end or share a machine with another one of its instance until there is room again.
   *[other] { $count } containers would end or share a machine with another one of their instance until there is room again.
 }
staff-drain-confirm = I know: these instances serve from fewer containers, or from two on one machine, meanwhile.
staff-drain-confirm-first = { $count ->
    [one] One container would end or share a machine: confirm it first.
   *[other] { $count } containers would end or share a machine: confirm it first.
 }
staff-drain-joins = beside another container of it
staff-drain-fewer = Ends; the others of it serve
staff-left-title = Still here, and why
staff-left-going = Visitors who were here end what they do
staff-left-moving = Moves now
staff-left-update = An update of it ends first
staff-left-stopping = Its customer stopped it
staff-left-room = No host has room for it
staff-left-failed = Did not come up on another host; it is tried again
staff-left-failing = Fails here, and is moved once it can be
staff-left-starting = Starts here first
staff-left-turn = Its turn comes: three move at a time
staff-troubles = Troubles
staff-waiting-title = Waits for room
staff-trouble-room = No host has room
staff-trouble-engine = Docker cannot start it
staff-trouble-memory = Used more memory than it may
staff-trouble-move = Did not come up on another host
staff-trouble-update = Did not come up with an update
staff-placements = Placements
staff-placement-took = Answered after
staff-placement-made = New
staff-placement-started = Started again
staff-placement-updated = Updated
staff-placement-drained = Moved off a host that is emptied
staff-placement-lost = Its host was lost
staff-placement-replicated = A further container
staff-checks = Checks
staff-checks-none = Not looked at yet.
staff-checks-made = Looked at { $when }
staff-check-seen = Seen
staff-check-good = Good
staff-check-bad = Fault
staff-check-reach = Docker answers
staff-check-version = Version
staff-check-isolation = Instances cannot reach each other
staff-check-ports = Ports are on the private address only
staff-check-privileges = No process gains privileges
staff-check-seccomp = System calls are filtered
staff-check-limits = Memory, CPU and processes can be limited
staff-check-storage = Images share their layers
staff-check-clock = The clock agrees with ours
staff-check-swarm = Swarm
staff-check-image = Instance image
staff-check-certificate = Certificates are good for a while
staff-check-address = It answers at its other address
staff-check-remedy-reach = Is the machine on, Docker running with the files of “sayoo host certs”, and port 2376 open to the worker?
staff-check-remedy-version = Install Docker 20.10 or newer.
staff-check-remedy-isolation = Set "icc": false in /etc/docker/daemon.json and restart Docker.
staff-check-remedy-ports = Set "ip" to the host’s address in /etc/docker/daemon.json and restart Docker.
staff-check-remedy-privileges = Set "no-new-privileges": true in /etc/docker/daemon.json and restart Docker.
staff-check-remedy-seccomp = Install a Docker with seccomp and leave its profile on.
staff-check-remedy-limits = Switch the memory and pids cgroups on in the kernel’s command line.
staff-check-remedy-storage = Use the overlay2 storage driver.
staff-check-remedy-clock = Install chrony or systemd-timesyncd.
staff-check-remedy-swarm = Ports 2377, 7946 and 4789 must be open between the hosts, and the machine in no other Swarm.
staff-check-remedy-image = The machine must reach the registry and trust it: ca.pem belongs to /etc/docker/certs.d/ADDRESS:5000/ca.crt.
staff-check-remedy-certificate = “sayoo host certs ADDRESS” makes another one for the machine: copy its files to /etc/docker there and restart Docker. The worker renews its own; if it does not, its log says why.
staff-check-remedy-address = The same machine must answer there, with a certificate for that address, and publish ports there ("ip" in daemon.json): “sayoo host certs ADDRESS” makes both.
staff-probes = Tried from inside an instance
staff-probes-lead = Every four minutes a container, confined as an instance is, tries what an instance must not be able to do.
staff-probes-failed = The last try came to nothing: { $why }
staff-probe-weak = Advised
staff-probe-untried = Not tried
staff-probe-root = It is not root and has no capability
staff-probe-privileges = It cannot gain privileges
staff-probe-seccomp = Its system calls are filtered
staff-probe-files = It writes to a small /tmp in memory only
staff-probe-processes = Its processes are limited
staff-probe-memory = Its memory is limited
staff-probe-swap = It gets no swap on top
staff-probe-bombs = What takes more than that is stopped
staff-probe-users = Root inside would be nobody outside
staff-probe-mounts = It sees no file, socket or device of the host
staff-probe-kernel = What the kernel tells of the host is hidden
staff-probe-neighbours = It reaches no instance beside it
staff-probe-docker = It reaches no Docker without certificates
staff-probe-swarm = It reaches no port of the Swarm
staff-probe-control = It reaches neither the control database nor the portal’s own port
staff-probe-published = It reaches no published port of another instance
staff-probe-metadata = It reaches no credentials of a cloud machine
staff-probe-tenants = It reaches the tenants’ database server
staff-probe-disk = The disk with containers and images has room
staff-probe-database = With its own login it reaches nothing of others in the database server
staff-probe-remedy-root = Use an instance image of “docker/odoo/build”: its user is 10001.
staff-probe-remedy-privileges = Set "no-new-privileges": true in /etc/docker/daemon.json and restart Docker.
staff-probe-remedy-seccomp = Install a Docker with seccomp and leave its profile on.
staff-probe-remedy-files = Take away what makes Docker mount more than asked; the image must need no volume of its own.
staff-probe-remedy-processes = Switch the pids cgroup on in the kernel’s command line.
staff-probe-remedy-memory = Switch the memory cgroup on in the kernel’s command line: cgroup_enable=memory.
staff-probe-remedy-swap = Switch swap off on the host: swapoff -a, and its line in /etc/fstab.
staff-probe-remedy-bombs = Switch the memory, pids and cpu cgroups on in the kernel’s command line, and use Docker’s own runtime.
staff-probe-remedy-users = Set "userns-remap": "default" in /etc/docker/daemon.json on a host that is still empty, and restart Docker.
staff-probe-remedy-mounts = Look for what gives every container more than Docker does: /etc/docker/daemon.json and its default runtime.
staff-probe-remedy-kernel = Use Docker’s own runtime, runc, without “--privileged” anywhere.
staff-probe-remedy-neighbours = Set "icc": false in /etc/docker/daemon.json, load br_netfilter (modprobe br_netfilter) and restart Docker.
staff-probe-remedy-docker = Take “-H tcp://…:2375” away from dockerd, and restart it: who reaches it is root on the host.
staff-probe-remedy-swarm = Install the host’s rules: “sayoo host firewall” prints them, and “firewall install” on the host puts them in place.
staff-probe-remedy-control = Let both listen on the loopback address, or close their ports: iptables -I INPUT -i docker0 -p tcp --dport PORT -j DROP.
staff-probe-remedy-published = Install the host’s rules: “sayoo host firewall” prints them, and “firewall install” on the host puts them in place.
staff-probe-remedy-metadata = Install the host’s rules: “sayoo host firewall” prints them, and “firewall install” on the host puts them in place.
staff-probe-remedy-tenants = Is the server up, does it listen at [tenants] host_for_containers, and does the firewall pass it?
staff-probe-remedy-disk = Give the machine a larger disk, or free some: docker builder prune, old logs. Not docker system prune.
staff-probe-remedy-database = On the tenants’ server: REVOKE CONNECT ON DATABASE … FROM PUBLIC for every database named, and no further rights for PUBLIC.

staff-plans-title = Plans
staff-plans-lead = A published version never changes: customers keep what they bought. A new price is a new version.
staff-plans-published = Published
staff-plans-draft = Draft
staff-plans-new-version = New version
staff-plans-publish = Publish
staff-plans-published-done = Published as version { $number }. New orders use it from now on.
staff-plans-published-already = This version is published already; it is what it was.
staff-plans-no-version = Nothing can be bought yet: make its first version and publish it.
staff-plans-new = New plan
staff-plans-new-lead = Prices and limits come next, as its first version. Nobody can buy it before that is published.
staff-plans-code = Code
staff-plans-code-hint = A word for addresses and exports: small letters, digits and hyphens. It never changes.
staff-plans-code-bad = 2 to 31 small letters, digits and hyphens, the first one a letter.
staff-plans-code-taken = Another plan has this code.
staff-plans-kind = For
staff-plans-position = Place in the list
staff-plans-position-hint = 1 is the first. The others move aside.
staff-plans-position-bad = Give a place from 1.
staff-plans-name-in = Name ({ $language })
staff-plans-create = Make the plan
staff-plans-created-done = The plan is there. Now its first version.
staff-plans-move-up = Move { $plan } up
staff-plans-move-down = Move { $plan } down
staff-plans-moved-done = Moved. The pricing page shows the new order now.
staff-plans-drafted-done = The draft is saved. Look at it, then publish it.
staff-plans-bad-number = Give a number that is not negative and fits this field.
staff-plans-price = Price in { $currency }
staff-plans-cpu = CPU, thousandths of a core
staff-plans-memory = Memory, MiB
staff-plans-storage = Database, MiB
staff-plans-save = Save the draft
staff-plans-new-version-of = { $plan }: new version
staff-plans-words = Name and texts
staff-plans-words-of = { $plan }: name and texts
staff-plans-words-lead = What customers read on the pricing page. Prices and limits belong to versions.
staff-plans-name = Name
staff-plans-summary = One sentence about it
staff-plans-offered = New instances may be ordered on it
staff-plans-not-offered = Not offered
staff-plans-name-needed = Give the plan a name in each language.
staff-plans-described-done = Saved. The pricing page shows it now.
staff-plans-bad = Some fields need another value; nothing was saved.
staff-plans-group-price = Price for a month
staff-plans-group-limits = What an instance gets
staff-plans-group-backups = Backups kept
staff-plans-replicas = Containers at most
staff-plans-sleep = Sleeps after minutes
staff-plans-sleep-hint = Empty: it never sleeps.
staff-plans-daily = Of the last days
staff-plans-weekly = Of the last weeks
staff-plans-monthly = Of the last months
staff-plans-included = Included in a month
staff-plans-unit-price = Each unit beyond, { $currency }

staff-queue-title = Work queue
staff-queue-lead = What is not as it should be, since when, why, and when it is tried again.
staff-queue-none = Everything is as it should be.
staff-queue-none-text = Nothing waits and nothing failed.
staff-queue-turns = Reconcilers
staff-queue-jobs = Jobs
staff-queue-retry = Try now
staff-queue-retried = It is tried now.
staff-queue-gone = It is not in the queue any more.
staff-queue-working = at it now
staff-queue-failed = given up
staff-queue-due = waiting

staff-usage-title = Usage
staff-usage-lead = Counted hour by hour. Export it for invoicing; “sayoo export usage” gives the same.
staff-usage-from = From (day)
staff-usage-to = To (day, not included)
staff-usage-show = Show
staff-usage-csv = CSV
staff-usage-json = JSON
staff-usage-none = No usage in these days.
staff-usage-none-text = Choose other days. Usage appears a few minutes after an instance has started.
staff-usage-bad-period = Choose a first day before the last one.
staff-usage-bad-number = This is no customer’s or instance’s number.
staff-usage-too-long = The table adds up at most { $days } days. The files hold all of these days.
staff-usage-cut = Only the first { $count } lines are shown. The files hold all of them.
staff-usage-everybody = All customers
staff-usage-this-month = This month
staff-usage-quantity = Quantity
staff-usage-meter = Meter
staff-usage-covered = Measured
staff-usage-by-hour = By customer, instance and hour:
staff-refused-title = Put aside
staff-refused-lead = Numbers that came in during these days and cannot be right. They are billed to nobody.
staff-refused-source = Source
staff-refused-reason = Why
staff-refused-times = Times
staff-refused-last = Last
staff-refused-went-back = a counter fell without beginning anew
staff-refused-negative = less than nothing
staff-refused-fenced = a newer container had taken over
staff-refused-too-late = read more than 35 days before it came in
staff-refused-too-early = read in the future: a clock is wrong
staff-refused-cut = Only the first { $count } are shown.

staff-audit-title = Audit log
staff-audit-lead = Who did what. Each entry carries the hash of the one before, so that a change shows.
staff-audit-verify = Check the chain
staff-audit-verified = All { $count } entries are as they were written.
staff-audit-broken = The log was changed: entry { $seq } is not as it was written.
staff-audit-all = Everybody
staff-audit-users = Customers
staff-audit-staff = Staff
staff-audit-system = The program
staff-audit-none = Nothing fits.
staff-audit-none-text = Try another word.

staff-search-title = Search
staff-search-for = Results for “{ $text }”
staff-search-none = Nothing found.
staff-search-none-text = Names, e-mail addresses, subdomains, companies, runtime codes, hosts and numbers are searched.
staff-search-people = People

staff-meter-cpu = CPU, core-hours
staff-meter-memory = Memory, GB-hours
staff-meter-database = Database, GB-hours
staff-meter-egress = Traffic out, GB
staff-meter-requests = Requests, thousands
staff-wake = Wake up now
staff-wake-done = It is being woken.
staff-wake-not-asleep = It does not sleep.
staff-asleep-text = Asleep since { $when }. It wakes up with the first request.

staff-nav-images = Images
staff-images-title = Images
staff-images-lead = Versions of Odoo, and who runs which.
staff-images-image = Image
staff-images-content = Content
staff-images-current = present
staff-images-behind = On an older image
staff-images-all-new = Everybody is up to date
staff-images-all-new-text = No instance runs an older image than the present one of its version of Odoo.
staff-images-how = The first one is updated alone. Only when it serves do the others follow. The first failure pauses the rest; the old version keeps serving everywhere.
staff-images-choose = Choose
staff-images-update = Update
staff-images-at-once = At once
staff-images-move-some = Update the chosen ones
staff-images-move-all = Update all
staff-images-none-chosen = Choose at least one instance.
staff-images-nothing-to-do = None of them runs an older image, or an update is under way already.
staff-images-started = The rollout has begun.
staff-rollouts = Rollouts
staff-rollout-running = Running
staff-rollout-paused = Paused by a failure
staff-rollout-stopped = Stopped
staff-rollout-done = Done
staff-rollout-progress = { $done } of { $total }
staff-rollout-done-col = Done
staff-rollout-failed-col = Failed
staff-rollout-by = Begun by
staff-rollout-stop = Stop
staff-rollout-resume = Go on
staff-rollout-stopped-now = The rollout is stopped. What has begun ends by itself.
staff-rollout-resumed-now = The rollout goes on.
staff-update-waiting = Waits
staff-update-starting = Starts
staff-update-switched = Serves; the old one ends
staff-update-failing = Is taken back
staff-update-withdrawing = Is put back
staff-limit-title = Requests from the public
staff-limit-limited = Turned away in 24 hours: too many in a second
staff-limit-busy = Turned away in 24 hours: no place in the queue, or too long in it
staff-limit-field = Requests in a second
staff-limit-hint = From 1 to 100,000. Empty means what the configuration says for all instances. It takes effect within a second.
staff-limit-bad = Give a whole number from 1 to 100,000, or nothing.
staff-limit-save = Save the limit
staff-limit-done = The limit is saved.

# Containers of a customer's instance.
staff-scaling-wanted = Wanted
staff-scaling-serving = In use
staff-scaling-rule = Automatic scaling
staff-scaling-rule-on = On, from { $minimum } to { $maximum }
staff-scaling-rule-off = Off
staff-scaling-hint = The customer sees the number in the history. With automatic scaling it is the least from then on.
staff-scaling-why = Why, for the audit log
staff-scaling-save = Change the number
staff-scaling-done = The number is changed. The worker makes it so.
staff-scaling-rule-lead = As the customer sees it. What you change is in the customer’s history; your reason is in the audit log only.
staff-scaling-rule-most = The plan allows up to { $most }.
staff-scaling-rule-done = The rule is saved.
