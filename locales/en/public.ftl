# The public pages: home and prices.
public-description = Your own Odoo, running in seconds at your own address, with development, test and production, measured to the minute.
public-foot = Odoo hosting in French, Arabic and English
public-nav-how = How it works
public-nav-prices = Prices
public-nav-open = My Odoo
public-start = Create my Odoo

public-home-title = Odoo hosting, ready in seconds
public-home-hero = Your Odoo, running in seconds.
public-home-lead = Choose a name, choose your applications, and log in to your own Odoo 19. We keep it running and measure it to the minute. You run your company.
public-home-see-prices = See prices
public-home-under = In French, Arabic and English · Prices in euros or dirhams

public-preview-label = An example: a new Odoo on its way
public-preview-name = Atlas Textiles
public-preview-ready = Running
public-preview-database = Database created
public-preview-odoo = Odoo started
public-preview-address = Address connected
public-preview-login = Ready to log in

public-how-title = From a name to a working Odoo in three screens
public-how-1 = Choose a plan
public-how-1-text = Development, test or production. The price is on the card before you click, in euros or dirhams.
public-how-2 = Name it
public-how-2-text = Pick your address and see at once whether it is free. Tick the applications you want: sales, stock, accounting, website…
public-how-3 = Open Odoo
public-how-3-text = Watch each step happen. A few seconds later one button logs you in, without a password to look for.

public-why-title = What you get besides Odoo
public-why-environments = Development, test, production
public-why-environments-text = Three kinds of Odoo, each with its own database, address and plan. Try the upgrade on a copy; your shop stays open.
public-why-metering = A bill you can check
public-why-metering-text = Processor, memory, database and traffic are counted, not estimated, and shown hour by hour. Each line of your invoice leads back to the measurements behind it.
public-why-backups = Time to change your mind
public-why-backups-text = An Odoo that was deleted by mistake comes back with everything in it, for seven days, by one click.
public-why-survives = Containers may die
public-why-survives-text = Documents and sessions live in the database, not in the container. If one dies, another takes its place and your users stay logged in.
public-why-apart = Yours alone
public-why-apart-text = Your own database, your own login to it, your own process. No neighbour can see you, and none can slow you beyond the limits of your plan.
public-why-language = In your language
public-why-language-text = The portal, the e-mails and the people who answer speak French, Arabic and English. Pages read from right to left where they should.

public-prices-title = Prices
public-prices-hero = Simple to choose, exact to the minute
public-prices-lead = A fixed price a month with usage included, counted from the minute you start to the minute you stop. What goes beyond is billed at the price shown here.
public-prices-month = a month
public-prices-tax = before VAT
public-prices-in = Currency
public-prices-choose = Choose { $plan }
public-prices-none = The price list is being prepared. Come back in a moment, or write to us.
public-prices-sleeps = Sleeps after { $time } without visitors, wakes in seconds
public-prices-awake = Always awake
public-prices-memory = { $size } of memory
public-prices-storage = { $size } of database
public-prices-backups = { $count ->
    [0] No automatic backups
    [one] { $count } automatic backup kept
   *[other] { $count } automatic backups kept
}
public-prices-beyond = Beyond what is included
public-prices-beyond-lead = Each plan includes usage. You see what you use and what it costs while the month goes on.
public-prices-what = What
public-prices-then = then { $price }

public-asked-title = What people ask
public-asked-1 = Is it the real Odoo?
public-asked-1-answer = Yes: Odoo 19 Community, unmodified, with a small add-on for logging in from the portal. Your modules, your data and your users work as they do anywhere else.
public-asked-2 = What happens when I stop an Odoo?
public-asked-2-answer = It stops answering and stops counting processor and memory. Its database stays as it is, and one click starts it again.
public-asked-3 = What if I delete it by mistake?
public-asked-3-answer = You have seven days to bring it back. We ask you to type its name first, and tell you exactly what would be lost.
public-asked-4 = Can colleagues help?
public-asked-4-answer = Invite them with a role: owner, developer, billing or member. Each sees what the role needs, and everything done is written down.
public-asked-5 = Where does it run?
public-asked-5-answer = On machines run by Sayoo. Each customer’s database is separate, and nothing in it is read by anyone without your knowledge.
public-close-title = Ready when you are
public-close-text = Your Odoo can be running before the first sip of your coffee.
public-prices-containers = Up to { $count } containers on different machines
public-prices-cpu = { $cores } CPU
public-meter-cpu = Processor time
public-meter-cpu-included = { $value } core-hours
public-meter-cpu-each = { $price } a core-hour
public-meter-database = Database
public-meter-database-included = { $value } GB all month
public-meter-database-each = about { $month } a GB and month ({ $price } an hour)
public-meter-egress = Traffic to browsers
public-meter-egress-included = { $value } GB
public-meter-egress-each = { $price } a GB
public-meter-requests = Requests
public-meter-requests-included = { $value }
public-meter-requests-each = { $price } a thousand
