#!/usr/bin/env python3
"""Computes what an invoice of sayoo charges again, from the file that the portal offers beside it.

    python3 recompute.py FILE.json.gz …            prints every charge and says whether it is right
    python3 recompute.py --quiet FILE.json.gz …    prints differences only

A file may also be unpacked. Each of its lines is about some of the customer's instances, and is computed for itself.

Each line of a file is computed for itself: what some of the customer's instances are charged, and at the end what coupons take off.

It needs Python 3.9 or newer and nothing else. The rules are those of docs/billing.md; this program shares no line
with the one that made the invoice. It ends with 1 at the first difference, with 2 when a file cannot be read.
"""

import calendar
import gzip
import json
import sys
import zlib
from fractions import Fraction

# Meter: raw units in one unit of prices, and decimals of a quantity. A quantity is billed in steps of its last decimal.
METERS = {
    "cpu": (3_600_000_000, 4),  # microseconds of a processor -> core-hours
    "database": (3_600_000_000_000, 4),  # byte-seconds -> GB-hours
    "egress": (1_000_000_000, 4),  # bytes -> GB
    "requests": (1_000, 3),  # requests -> thousands
}
HOUR = 3_600_000_000  # microseconds


class Different(Exception):
    """Something in the file is not what the rules give."""


def instant(text):
    """An instant like 2026-03-01T00:00:00.25Z in microseconds since 1970."""
    whole, _, rest = text.rstrip("Z").partition(".")
    day, time = whole.split("T")
    numbers = [int(part) for part in day.split("-") + time.split(":")]
    return calendar.timegm(numbers) * 1_000_000 + int((rest + "000000")[:6])


def down(value):
    """Rounds a fraction down, also below zero."""
    return value.numerator // value.denominator


def up(value):
    return -down(-value)


def half_away(value):
    """Rounds a fraction to the nearest whole number; a half away from zero."""
    nearest = down(abs(value) + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def parts_of(known):
    """The segments of the period, cut where the trial begins and ends: {environment: [(from, until, item)]}."""
    begins, ends = instant(known["period"]["from"]), instant(known["period"]["until"])
    trial = known["trial"]
    trial = (instant(trial["from"]), instant(trial["until"])) if trial else (0, 0)
    parts = {}
    for segment in known["segments"]:
        first, last = max(instant(segment["from"]), begins), min(instant(segment["until"]), ends)
        cuts = sorted({first, last} | {at for at in trial if first < at < last})
        for start, end in zip(cuts, cuts[1:]):
            if first >= last:
                continue
            is_trial = trial[0] <= start and end <= trial[1]
            item = (segment["environment"], segment["plan_version"], is_trial) if segment["is_ours"] else None
            parts.setdefault(segment["environment"], []).append((start, end, item))
    for found in parts.values():
        found.sort(key=lambda part: part[0])
        for before, after in zip(found, found[1:]):
            if before[1] > after[0]:
                raise Different("an environment is on two plans at once")
    return parts


def items_of(known):
    """What is rated together: {item: {"from", "until", "active", "used": {meter: raw}}}."""
    begins, ends = instant(known["period"]["from"]), instant(known["period"]["until"])
    parts, items = parts_of(known), {}
    for found in parts.values():
        for start, end, item in found:
            if item:
                of = items.setdefault(item, {"from": start, "until": end, "active": 0, "used": {}})
                of["until"] = end
                of["active"] += end - start
    for environment, meters in known["hours"].items():
        own = parts.get(environment, [])
        for meter, hours in meters.items():
            for text, raw in hours.items():
                hour, raw = instant(text), int(raw)
                if hour % HOUR or hour < begins or hour >= ends or raw < 0:
                    raise Different(f"{text} is no hour of the period, or less than nothing was used in it")
                # Shared by time: as differences of sums that are rounded down, so that nothing is lost.
                touching = [(min(end, hour + HOUR) - max(start, hour), item) for start, end, item in own
                            if start < hour + HOUR and end > hour]
                whole, reached, given = sum(part[0] for part in touching), 0, 0
                for lasts, item in touching:
                    reached += lasts
                    share, given = raw * reached // whole - given, raw * reached // whole
                    if item and share:
                        used = items[item]["used"]
                        used[meter] = used.get(meter, 0) + share
    return dict(sorted(items.items(), key=lambda pair: (pair[0][0], pair[1]["from"])))


class Terms:
    """What is included of a meter for an item, where each price begins, and the prices."""

    def __init__(self, rates, meter, active, length):
        unit, decimals = METERS[meter]
        self.step = unit // 10**decimals  # raw units
        part = Fraction(active, length)
        self.is_limited = rates is not None
        if self.is_limited:
            self.included = up(Fraction(rates["included"]) * part * 10**decimals) * self.step
            self.bounds = [up(Fraction(first) * part * 10**decimals) for first, _ in rates["prices"]]
            self.prices = [Fraction(price) for _, price in rates["prices"]]

    def within(self, used):
        return min(used, self.included) if self.is_limited else used

    def shared(self, steps):
        """Steps at each price, counted from 1; less than nothing is of the first one."""
        if not self.is_limited:
            return {}
        shares = {}
        for number, start in enumerate(self.bounds):
            end = self.bounds[number + 1] if number + 1 < len(self.bounds) else max(steps, start)
            shares[number + 1] = min(steps, end) - start if number == 0 else max(min(steps, end) - start, 0)
        return shares


def charge(known, item, of, revision, what, used, quantity, price):
    """A charge as it stands in the file. `quantity` and `price` are exact."""
    environment, plan_version, is_trial = item
    meter, tier = what
    return {
        "of": instant(known["period"]["from"]), "environment": environment, "plan_version": plan_version,
        "class": "correction" if revision else "trial" if is_trial else "usual", "revision": revision,
        "meter": meter, "tier": tier, "from": of["from"], "until": of["until"], "used_raw": used,
        "carry_in_raw": 0, "carry_out_raw": 0, "quantity": quantity, "unit_price": price,
        "net": Fraction(half_away(quantity * price * 100), 100),
    }


def tariff_and_base(known, item, of):
    tariff = known["tariffs"][item[1]]
    length = instant(known["period"]["until"]) - instant(known["period"]["from"])
    base = Fraction(half_away(Fraction(tariff["monthly"]) * of["active"] * 100 / length), 100)
    return tariff, base, length


def rated(known, carries):
    """What a period costs. Changes `carries`."""
    charges = []
    for item, of in items_of(known).items():
        tariff, base, length = tariff_and_base(known, item, of)
        if base:
            charges.append(charge(known, item, of, 0, (None, None), of["active"], Fraction(1), base))
        for meter, used in of["used"].items():
            terms = Terms(tariff["meters"].get(meter), meter, of["active"], length)
            decimals, key = METERS[meter][1], (item[0], meter)
            before = after = 0 if item[2] else carries.get(key, 0)
            within = terms.within(used)
            rows = [charge(known, item, of, 0, (meter, 0), used, Fraction(within // terms.step, 10**decimals), 0)]
            if used > within:
                steps, after = divmod(used - within + before, terms.step)
                for tier, share in terms.shared(steps).items():
                    if share:
                        quantity = Fraction(share, 10**decimals)
                        rows.append(charge(known, item, of, 0, (meter, tier), used, quantity, terms.prices[tier - 1]))
            if item[2]:
                after = 0  # nothing of the trial is paid later
            else:
                carries[key] = after
            rows[-1]["carry_in_raw"], rows[-1]["carry_out_raw"] = before, after
            charges += rows
    return charges


def corrected(known, carries):
    """What an earlier period costs more or less than was charged for it. Changes `carries`."""
    items = {item: of for item, of in items_of(known).items() if not item[2]}
    before = {}
    for line in map(understood, known["charged"]):
        if line["class"] == "trial":
            continue
        item = (line["environment"], line["plan_version"], False)
        items.setdefault(item, {"from": line["from"], "until": line["until"], "active": 0, "used": {}})
        old = before.setdefault(item, {"revision": 0, "base": 0, "meters": {}})
        old["revision"] = max(old["revision"], line["revision"])
        if line["meter"] is None:
            old["base"] += line["net"]
            continue
        of = old["meters"].setdefault(line["meter"], {"used": (-1, 0), "carried": 0, "tiers": {}})
        of["used"] = max(of["used"], (line["revision"], line["used_raw"]))
        of["carried"] += line["carry_out_raw"] - line["carry_in_raw"]
        steps = line["quantity"] * 10 ** METERS[line["meter"]][1]
        of["tiers"][line["tier"]] = of["tiers"].get(line["tier"], 0) + steps
    charges = []
    for item, of in sorted(items.items(), key=lambda pair: (pair[0][0], pair[1]["from"], pair[0])):
        old = before.get(item, {"revision": 0, "base": 0, "meters": {}})
        tariff, base, length = tariff_and_base(known, item, of)
        revision = old["revision"] + 1
        if base != old["base"]:
            more = base - old["base"]
            sign = Fraction(1 if more > 0 else -1)
            charges.append(charge(known, item, of, revision, (None, None), of["active"], sign, abs(more)))
        for meter in sorted(set(of["used"]) | set(old["meters"])):
            then = old["meters"].get(meter, {"used": (0, 0), "carried": 0, "tiers": {}})
            terms = Terms(tariff["meters"].get(meter), meter, of["active"], length)
            decimals, key = METERS[meter][1], (item[0], meter)
            used, carry = of["used"].get(meter, 0), carries.get(key, 0)
            within = terms.within(used)
            billed = sum(steps for tier, steps in then["tiers"].items() if tier > 0)
            taken = billed * terms.step + then["carried"]  # what was charged as used beyond, in raw units
            steps, after = divmod(used - within - taken + carry, terms.step)
            told = within // terms.step - then["tiers"].get(0, 0)
            rows = [charge(known, item, of, revision, (meter, 0), used, Fraction(told) / 10**decimals, 0)]
            for tier, share in terms.shared(billed + steps).items():
                more = share - then["tiers"].get(tier, 0)
                if more:
                    quantity = Fraction(more) / 10**decimals
                    rows.append(charge(known, item, of, revision, (meter, tier), used, quantity, terms.prices[tier - 1]))
            if len(rows) == 1 and not told and after == carry and used == then["used"][1]:
                continue
            carries[key] = int(after)
            rows[-1]["carry_in_raw"], rows[-1]["carry_out_raw"] = carry, int(after)
            charges += rows
    return charges


def understood(line):
    """A charge of the file, with its numbers exact."""
    line = dict(line)
    for name in ("of", "from", "until"):
        line[name] = instant(line[name])
    for name in ("used_raw", "carry_in_raw", "carry_out_raw"):
        line[name] = int(line[name])
    for name in ("quantity", "unit_price", "net"):
        line[name] = Fraction(line[name])
    return line


def taken_off(month, nets):
    """What each coupon takes off a month of which so much is charged: {coupon: amount}."""
    left = {version: max(net, Fraction(0)) for version, net in nets.items()}
    taken = {}
    # Percentages first, then amounts; of each the older redemption first.
    for coupon in sorted(month["coupons"], key=lambda coupon: coupon["percent"] is None):
        rest = None if coupon["amount"] is None else Fraction(coupon["amount"])
        taken[coupon["redemption"]] = Fraction(0)
        for version in sorted(left):
            if coupon["plan_versions"] is not None and version not in coupon["plan_versions"]:
                continue
            if rest is None:
                off = Fraction(half_away(left[version] * Fraction(coupon["percent"])), 100)
            else:
                off = min(left[version], rest)
                rest -= off
            left[version] -= off
            taken[coupon["redemption"]] += off
    return taken


def discounted(month, sides):
    """What each coupon takes off a month now: {coupon: amount}.

    `sides` are what is charged for it now, by plan version: what is given back, then what is charged more.
    """
    nets = {version: Fraction(net) for version, net in month["charged_before"].items()}
    before = {coupon: Fraction(amount) for coupon, amount in month["taken_before"].items()}
    now = dict(before)
    for side in sides:
        if not side:
            continue
        for version, net in side.items():
            nets[version] = nets.get(version, Fraction(0)) + net
        taken = taken_off(month, nets)
        changes = {coupon: taken.get(coupon, 0) - now.get(coupon, 0) for coupon in set(taken) | set(now)}
        # What only moves from one coupon to another is left as it was.
        if sum(changes.values()):
            now = {coupon: now.get(coupon, 0) + change for coupon, change in changes.items()}
    changes = {coupon: now[coupon] - before.get(coupon, 0) for coupon in now}
    return {coupon: change for coupon, change in changes.items() if change}


def check_discounts(file, charged):
    """Computes what is taken off again; raises what differs first. Returns how much it is.

    `charged` is what the other lines of the file charge: {(month, plan version, whether it is given back): net}.
    """
    months, sum_of_all = set(), Fraction(0)
    for month in file["months"]:
        of = instant(month["of"])
        side = lambda back: {version: net for (billed, version, is_back), net in charged.items()
                             if billed == of and is_back == back}
        ours = discounted(month, [side(True), side(False)])
        theirs = {coupon: Fraction(amount) for coupon, amount in month["taken"].items()}
        if of in months or ours != theirs:
            told = lambda taken: {coupon: f"{float(amount):.2f}" for coupon, amount in sorted(taken.items())}
            raise Different(f"the month of {month['of']}: {told(theirs)} is taken off, and should be {told(ours)}")
        months.add(of)
        sum_of_all += sum(ours.values())
    return sum_of_all


def key_of(line):
    return (line["of"], line["environment"], line["plan_version"], line["class"], line["meter"] or "", line["tier"] or 0,
            line["revision"])


def name_of(line):
    return " ".join(str(line[name]) for name in ("environment", "class", "meter", "tier"))


def lines_of(name):
    """The lines of a file, one at a time: what is in a large one does not fit into memory at once."""
    with open(name, "rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if is_packed else open)(name, "rt", encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def check(file, is_quiet):
    """Computes the charges of a line of a file again; raises what differs first. Returns those that are paid."""
    if file["format"] != "sayoo-rating-1":
        raise Different(f"this program does not know the form {file['format']}")
    read = lambda found: {(one, meter): int(raw) for one, meters in found.items() for meter, raw in meters.items()}
    carries = read(file["carries_before"])
    charges = [line for known in file["corrections"] for line in corrected(known, carries)] + rated(file, carries)
    ours, theirs = ({key_of(line): line for line in lines} for lines in (charges, map(understood, file["charges"])))
    if len(theirs) != len(file["charges"]):
        raise Different("something is charged twice")
    for key in sorted(set(ours) | set(theirs)):
        if key not in theirs:
            raise Different(f"not charged, and should be: {name_of(ours[key])} {float(ours[key]['net']):.2f}")
        if key not in ours:
            raise Different(f"charged, and should not be: {name_of(theirs[key])} {float(theirs[key]['net']):.2f}")
        for name, value in ours[key].items():
            if value != theirs[key][name]:
                raise Different(f"{name_of(ours[key])}: {name} is {theirs[key][name]}, and should be {value}")
        if not is_quiet:
            line = ours[key]
            print(f"  {name_of(line):<62} {float(line['quantity']):>16.4f} x {float(line['unit_price']):>11.6f}"
                  f" = {float(line['net']):>12.2f}")
    if {key: raw for key, raw in carries.items() if raw} != read(file["carries_after"]):
        raise Different("what remains for the next period")
    return [line for line in charges if line["class"] != "trial"], len(charges)


def check_all(name, is_quiet):
    """Computes all of a file again: charges, and at its end what coupons take off."""
    charged, count, seen, month, off = {}, 0, set(), None, None
    for file in lines_of(name):
        if file["format"] == "sayoo-discounts-1":
            if off is not None:
                raise Different("discounts are told twice")
            off = check_discounts(file, charged)
            continue
        paid, charges = check(file, is_quiet)
        environments = {line["environment"] for line in file["charges"]}
        if seen & environments:
            raise Different("an instance stands on two lines of the file")
        if month not in (None, (file["period"]["from"], file["period"]["until"], file["currency"])):
            raise Different("the lines of the file are of different months")
        month = (file["period"]["from"], file["period"]["until"], file["currency"])
        count, seen = count + charges, seen | environments
        for line in paid:
            key = (line["of"], line["plan_version"], line["net"] < 0)
            charged[key] = charged.get(key, Fraction(0)) + line["net"]
    if month is None:
        raise ValueError("there is nothing in it")
    if not is_quiet:
        net = sum(charged.values(), Fraction(0))
        print(f"  {count} charges, all right. Before discounts and taxes: {float(net):.2f} {month[2]}")
        if off is not None:
            print(f"  Taken off: {float(off):.2f}. Before taxes: {float(net - off):.2f} {month[2]}")


def main(arguments):
    is_quiet = "--quiet" in arguments
    files = [name for name in arguments if name != "--quiet"]
    if not files:
        print(__doc__, file=sys.stderr)
        return 2
    for name in files:
        if not is_quiet:
            print(name)
        try:
            check_all(name, is_quiet)
        except Different as difference:
            print(f"{name}: DIFFERENT: {difference}")
            return 1
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as fault:
            print(f"{name}: cannot be read: {fault!r}", file=sys.stderr)
            return 2
    print(f"{len(files)} files computed again, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
