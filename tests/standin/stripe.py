#!/usr/bin/env python3
"""A stand-in for Stripe: NOT Stripe, no money moves, for tests and somebody's own machine only.

Speaks the part of Stripe's HTTP that src/payments/stripe.rs uses, keeps state, and misbehaves on command (POST /_control). Its own
little pages stand for Stripe's: people choose a card there, and what their bank says.
Prints the port that it listens on. Events are not sent by themselves: whoever asks gets one signed (`sign`) and delivers it as often,
as late and in whatever order it likes. For trials in a browser they are, with `--deliver ADDRESS --secret SECRET`.
"""
import argparse
import hashlib
import hmac
import html
import json
import queue
import re
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

LOCK = threading.RLock()
# `now` is set by tests; without it the clock on the wall is asked. `refund_status` is what new refunds are.
STATE = {"now": None, "livemode": False, "serial": 0, "silence": 0, "away": 0, "calls": [], "keep_keys": True, "refund_status": "succeeded"}
INTENTS, REFUNDS, DISPUTES, EVENTS, KEYS = {}, {}, {}, [], {}
CUSTOMERS, SESSIONS, SETUPS, METHODS, PAYOUTS, MOVEMENTS = {}, {}, {}, {}, {}, []
OUTBOX = queue.Queue()
# What the real one says to other versions: since 2024-09-30 they have a name, and dates alone are refused.
VERSION = re.compile(r"(\d{4}-\d\d-\d\d)\.[a-z]+")
# From this one on it takes no `payment_method_types`.
ENDIVE = "2026-09-30"
# Less is not charged (of MAD: what comes to 0.50 EUR).
SMALLEST = {"eur": 50, "mad": 600}
DECLINES = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline", "Your card was declined."),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "pm_card_authenticationRequired": ("authentication_required", "authentication_required", "Your card requires authentication."),
}


class Problem(Exception):
    def __init__(self, status, **error):
        super().__init__(error)
        self.status, self.error = status, error


def new_id(prefix):
    STATE["serial"] += 1
    return f"{prefix}_{STATE['serial']:08d}"


def now():
    return STATE["now"] or int(time.time())


def nest(pairs):
    """`a[b][c]=1` becomes {"a": {"b": {"c": "1"}}}."""
    nested = {}
    for name, value in pairs:
        inner, (*path, last) = nested, re.findall(r"\w+", name)
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return nested


def tell(kind, thing):
    event = {
        "id": new_id("evt"), "object": "event", "type": kind, "created": now(), "livemode": STATE["livemode"],
        "api_version": "2026-08-26.dahlia", "data": {"object": json.loads(json.dumps(thing))},
    }
    EVENTS.append(event)
    OUTBOX.put(event)


def check_version(version, body):
    """Whether the real one knows a version, and takes what is asked in it."""
    named = VERSION.fullmatch(version)
    if not named:
        raise Problem(400, type="invalid_request_error", message=f"Invalid Stripe API version: {version}")
    if named[1] >= ENDIVE and "payment_method_types" in body:
        raise Problem(400, type="invalid_request_error", code="payment_method_types_no_longer_supported",
                      message="payment_method_types is no longer supported.")


def create_intent(form):
    for needed in ("amount", "currency"):
        if needed not in form:
            raise Problem(400, type="invalid_request_error", code="parameter_missing", param=needed,
                          message=f"Missing required param: {needed}.")
    if not form["amount"].isdigit() or int(form["amount"]) < 1:
        raise Problem(400, type="invalid_request_error", code="parameter_invalid_integer", message="Invalid integer")
    enough(int(form["amount"]), form["currency"])
    if form.get("confirm") == "true" and not ("payment_method_types" in form or "return_url" in form):
        raise Problem(400, type="invalid_request_error", code="", message="This PaymentIntent is configured to accept payment methods enabled "
                      "in your Dashboard. Because some of them might redirect your customer, you must provide a `return_url`.")
    intent = {
        "id": new_id("pi"), "object": "payment_intent", "amount": int(form["amount"]), "amount_received": 0,
        "currency": form["currency"], "customer": form.get("customer"), "payment_method": form.get("payment_method"),
        "metadata": form.get("metadata", {}), "livemode": STATE["livemode"], "created": now(),
        "status": "requires_confirmation", "last_payment_error": None, "description": form.get("description"),
    }
    INTENTS[intent["id"]] = intent
    tell("payment_intent.created", intent)
    if form.get("confirm") != "true":
        return intent
    method = METHODS.get(intent["payment_method"])
    if method and method["customer"] != intent["customer"]:
        raise Problem(400, type="invalid_request_error", code="payment_method_unexpected_state",
                      message="The PaymentMethod does not belong to this customer.")
    decline = DECLINES.get(intent["payment_method"])
    if method and method["card"]["last4"] == "3155":
        decline = DECLINES["pm_card_authenticationRequired"]
    if decline:
        code, decline_code, message = decline
        error = {"type": "card_error", "code": code, "decline_code": decline_code, "message": message}
        intent.update(status="requires_payment_method", last_payment_error=error)
        tell("payment_intent.payment_failed", intent)
        raise Problem(402, **error, payment_intent=json.loads(json.dumps(intent)))
    if intent["payment_method"] == "pm_slow":
        intent["status"] = "processing"
        tell("payment_intent.processing", intent)
    else:
        succeed(intent)
    return intent


def succeed(intent):
    intent.update(status="succeeded", amount_received=intent["amount"])
    move("charge", intent["amount"], intent["amount"] * 15 // 1000 + 25, intent["currency"])
    tell("payment_intent.succeeded", intent)
    tell("charge.succeeded", charge_of(intent))


def move(kind, amount, fee, currency):
    """Something that changes what we hold for the company."""
    rate, settles = None, STATE.get("settles") or currency
    if settles != currency:
        # The account has no such currency: it is exchanged at once.
        rate, currency = 0.09, settles
        amount, fee = round(amount * rate), round(fee * rate)
    MOVEMENTS.append({"id": new_id("txn"), "object": "balance_transaction", "type": kind, "amount": amount, "fee": fee,
                      "net": amount - fee, "currency": currency, "exchange_rate": rate, "payout": None})


def needs(form, *names):
    for name in names:
        if name not in form:
            raise Problem(400, type="invalid_request_error", code="parameter_missing", param=name,
                          message=f"Missing required param: {name}.")


def enough(amount, currency):
    if amount < SMALLEST.get(currency, 50):
        raise Problem(400, type="invalid_request_error", code="amount_too_small", message="Amount must convert to at least 50 cents.")


def create_customer(form):
    customer = {"id": new_id("cus"), "object": "customer", "name": form.get("name"), "metadata": form.get("metadata", {}),
                "livemode": STATE["livemode"]}
    CUSTOMERS[customer["id"]] = customer
    return customer


def create_session(form):
    needs(form, "mode", "customer", "success_url", "cancel_url", "expires_at")
    if not 1800 <= int(form["expires_at"]) - now() <= 86400:
        raise Problem(400, type="invalid_request_error", code="", param="expires_at",
                      message="The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
    name = new_id("cs")
    session = {"id": name, "object": "checkout.session", "mode": form["mode"], "status": "open", "livemode": STATE["livemode"],
               "customer": form["customer"], "url": f"http://127.0.0.1:{STATE['port']}/page/{name}", "expires_at": int(form["expires_at"]),
               "metadata": form.get("metadata", {}), "amount_total": None, "currency": None, "payment_intent": None, "setup_intent": None,
               "success_url": form["success_url"], "cancel_url": form["cancel_url"], "payment_status": "no_payment_required"}
    if form["mode"] == "payment":
        # With the setting in the dashboard, a page that does not say otherwise is shown and paid in the customer's own currency.
        if form.get("adaptive_pricing", {}).get("enabled") != "false":
            raise Problem(400, type="invalid_request_error", code="", param="adaptive_pricing",
                          message="This page would be paid in another currency than it asks for.")
        item = form["line_items"]["0"]
        session.update(amount_total=int(item["price_data"]["unit_amount"]) * int(item["quantity"]), payment_status="unpaid",
                       currency=item["price_data"]["currency"], what=item["price_data"]["product_data"]["name"],
                       intent_data=form.get("payment_intent_data", {}))
        enough(session["amount_total"], session["currency"])
    SESSIONS[name] = session
    return session


def is_open(session):
    if session["status"] == "open" and session["expires_at"] <= now():
        expire(session)
    return session["status"] == "open"


def expire(session):
    session.update(status="expired", url=None)
    tell("checkout.session.expired", session)


def create_method(customer, number):
    method = {"id": new_id("pm"), "object": "payment_method", "customer": customer, "livemode": STATE["livemode"],
              "card": {"brand": "visa", "last4": number[-4:], "exp_month": 12, "exp_year": 2030,
                       "country": "FR"}}
    METHODS[method["id"]] = method
    return method


def give(session, number):
    """Somebody gave a card on a page, and its bank agrees. A page is good for once."""
    if session["mode"] == "setup":
        method = create_method(session["customer"], number)
        setup = {"id": new_id("seti"), "object": "setup_intent", "status": "succeeded", "livemode": STATE["livemode"],
                 "customer": session["customer"], "payment_method": method["id"]}
        SETUPS[setup["id"]] = setup
        session["setup_intent"] = setup["id"]
        tell("setup_intent.succeeded", setup)
    else:
        succeed(intent_of(session))
        session["payment_status"] = "paid"
    session.update(status="complete", url=None)
    tell("checkout.session.completed", session)


def intent_of(session):
    if not session["payment_intent"]:
        data = session["intent_data"]
        intent = create_intent({"amount": str(session["amount_total"]), "currency": session["currency"], "customer": session["customer"],
                                "metadata": data.get("metadata", {}), "description": data.get("description")})
        session["payment_intent"] = intent["id"]
    return INTENTS[session["payment_intent"]]


def decline(session):
    if session["mode"] == "payment":
        error = {"type": "card_error", "code": "card_declined", "decline_code": "generic_decline", "message": "Your card was declined."}
        intent = intent_of(session)
        intent.update(status="requires_payment_method", last_payment_error=error)
        tell("payment_intent.payment_failed", intent)


def create_refund(form):
    needs(form, "payment_intent", "amount")
    intent = found(INTENTS, form["payment_intent"])
    if charge_of(intent)["amount_refunded"] + int(form["amount"]) > intent["amount_received"]:
        raise Problem(400, type="invalid_request_error", code="", message="Refund amount is greater than unrefunded amount on charge")
    refund = {"id": new_id("re"), "object": "refund", "amount": int(form["amount"]), "payment_intent": intent["id"],
              "status": STATE["refund_status"], "currency": intent["currency"], "metadata": form.get("metadata", {}), "failure_reason": None}
    REFUNDS[refund["id"]] = refund
    move("refund", -refund["amount"], 0, intent["currency"])
    tell("charge.refunded", charge_of(intent))
    tell("refund.created", refund)
    return refund


def charge_of(intent):
    refunded = sum(r["amount"] for r in REFUNDS.values() if r["payment_intent"] == intent["id"] and r["status"] != "failed")
    return {"id": intent["id"].replace("pi", "ch"), "object": "charge", "payment_intent": intent["id"],
            "amount": intent["amount"], "amount_refunded": refunded, "livemode": intent["livemode"]}


def found(things, name):
    if name not in things:
        raise Problem(404, type="invalid_request_error", code="resource_missing", message=f"No such object: '{name}'")
    return things[name]


def listed(things, query):
    things = list(things)
    if "starting_after" in query:
        ids = [thing["id"] for thing in things]
        things = things[ids.index(query["starting_after"]) + 1:]
    limit = min(int(query.get("limit", 10)), 100)
    return {"object": "list", "data": things[:limit], "has_more": len(things) > limit}


def get(path, query):
    if path == "/v1/payment_intents/search":
        wanted = re.fullmatch(r"metadata\['(\w+)'\]:'([\w-]+)'", query["query"])
        return listed([i for i in INTENTS.values() if i["metadata"].get(wanted[1]) == wanted[2]], query)
    if path.startswith("/v1/payment_intents/"):
        return found(INTENTS, path.rsplit("/", 1)[1])
    if path == "/v1/refunds":
        return listed([r for r in REFUNDS.values() if r["payment_intent"] == query["payment_intent"]], query)
    for kind, things in (("checkout/sessions", SESSIONS), ("setup_intents", SETUPS), ("payment_methods", METHODS), ("payouts", PAYOUTS)):
        if path.startswith(f"/v1/{kind}/"):
            thing = found(things, path.rsplit("/", 1)[1])
            if things is SESSIONS:
                is_open(thing)
            return thing
    if path == "/v1/balance_transactions":
        return listed([m for m in MOVEMENTS if m["payout"] == query["payout"]], {k: v for k, v in query.items() if k != "payout"})
    if path.startswith("/v1/disputes/"):
        return found(DISPUTES, path.rsplit("/", 1)[1])
    if path == "/v1/events":
        since = int(query.get("created[gte]", 0))
        return listed([e for e in reversed(EVENTS) if not isinstance(e["created"], int) or e["created"] >= since], {k: v for k, v in query.items() if k != "created[gte]"})
    raise Problem(404, type="invalid_request_error", code="", message=f"Unrecognized request URL (GET: {path})")


def post(path, body, key):
    form = nest(parse_qsl(body, keep_blank_values=True))
    if key and key in KEYS:
        before, status, answer = KEYS[key]
        if before != (path, body):
            raise Problem(400, type="idempotency_error",
                          message="Keys for idempotent requests can only be used with the same parameters they were first used with.")
        return status, answer
    try:
        status, answer = 200, json.loads(json.dumps(done(path, form)))
    except Problem as problem:
        status, answer = problem.status, {"error": problem.error}
    if key and STATE["keep_keys"]:
        KEYS[key] = ((path, body), status, answer)
    return status, answer


def done(path, form):
    """What a POST makes or changes."""
    makers = {"/v1/payment_intents": create_intent, "/v1/customers": create_customer, "/v1/checkout/sessions": create_session,
              "/v1/refunds": create_refund}
    if path in makers:
        return makers[path](form)
    act = re.fullmatch(r"/v1/checkout/sessions/(\w+)/expire", path)
    if act:
        session = found(SESSIONS, act[1])
        if not is_open(session):
            raise Problem(400, type="invalid_request_error", code="", message="Only Checkout Sessions with a status in [\"open\"] can be expired.")
        expire(session)
        return session
    act = re.fullmatch(r"/v1/payment_methods/(\w+)/detach", path)
    if act:
        method = found(METHODS, act[1])
        if not method["customer"]:
            raise Problem(400, type="invalid_request_error", code="", message="The payment method you provided is not attached to a customer.")
        method["customer"] = None
        tell("payment_method.detached", method)
        return method
    raise Problem(404, type="invalid_request_error", code="", message=f"Unrecognized request URL (POST: {path})")


def control(order):
    """What a test asks for. Returns whatever it wants to know."""
    do = order.pop("do")
    if do == "set":
        STATE.update(order)
        return {}
    if do == "forget_keys":
        KEYS.clear()
        return {}
    if do == "state":
        things = {"intents": INTENTS, "sessions": SESSIONS, "methods": METHODS, "refunds": REFUNDS, "customers": CUSTOMERS}
        return {name: list(all.values()) for name, all in things.items()} | {"events": EVENTS, "calls": STATE["calls"]}
    if do == "tell":
        EVENTS.append(order["event"])
        return {}
    if do == "about":
        intents = [intent for intent in INTENTS.values() if intent["metadata"].get("document") in order["documents"]]
        names = {intent["id"] for intent in intents}
        events = [event for event in EVENTS if names & {event["data"]["object"].get(field) for field in ("id", "payment_intent")}]
        return {"intents": intents, "events": events}
    if do == "finish":
        succeed(found(INTENTS, order["intent"]))
        return {}
    if do == "refund":
        return create_refund({"payment_intent": order["intent"], "amount": str(order["amount"])})
    if do == "settle_refund":
        refund = found(REFUNDS, order["refund"])
        refund.update(status=order["status"], failure_reason=order.get("reason"))
        tell("refund.failed" if order["status"] == "failed" else "refund.updated", refund)
        return refund
    if do == "expire":
        expire(found(SESSIONS, order["session"]))
        return {}
    if do == "renew":
        method = found(METHODS, order["method"])
        method["card"].update(order["card"])
        tell("payment_method.automatically_updated", method)
        return method
    if do == "payout":
        waiting = [m for m in MOVEMENTS if not m["payout"] and m["currency"] == order["currency"]]
        name, amount = new_id("po"), sum(m["net"] for m in waiting)
        for movement in waiting:
            movement["payout"] = name
        move("payout", -amount, 0, order["currency"])
        MOVEMENTS[-1]["payout"] = name
        PAYOUTS[name] = {"id": name, "object": "payout", "amount": amount, "currency": order["currency"], "arrival_date": now(),
                         "status": "paid", "livemode": STATE["livemode"]}
        tell("payout.paid", PAYOUTS[name])
        return PAYOUTS[name]
    if do == "return_payout":
        PAYOUTS[order["payout"]]["status"] = "failed"
        tell("payout.failed", PAYOUTS[order["payout"]])
        return {}
    if do == "dispute":
        intent = found(INTENTS, order["intent"])
        dispute = {"id": new_id("dp"), "object": "dispute", "amount": order.get("amount", intent["amount"]), "currency": intent["currency"],
                   "status": "needs_response", "reason": "fraudulent", "payment_intent": intent["id"],
                   "created": now(), "livemode": intent["livemode"]}
        DISPUTES[dispute["id"]] = dispute
        tell("charge.dispute.created", dispute)
        return dispute
    if do == "decide":
        dispute = found(DISPUTES, order["dispute"])
        dispute["status"] = order["status"]
        if order["status"] == "lost":
            move("adjustment", -dispute["amount"], 1500, dispute["currency"])
        tell("charge.dispute.closed", dispute)
        return dispute
    if do == "sign":
        body = order.get("body") or json.dumps(next(e for e in EVENTS if e["id"] == order["event"]))
        at = order.get("at", now())
        code = hmac.new(order["secret"].encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"body": body, "header": f"t={at},v1={code},v0=00"}
    raise Problem(400, message=f"unknown order {do}")


CARDS = {"4242424242424242": "A card that works", "4000002500003155": "A card whose bank asks (3-D Secure)",
         "4000000000000002": "A card that is declined"}


def page(session, body):
    """A page for people. It says on its face what it is."""
    title = "Stand-in for Stripe: no real money, no real card"
    what = "Save a card" if session["mode"] == "setup" else f"Pay {session['amount_total'] / 100:.2f} {session['currency'].upper()} for {session['what']}"
    return (f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title}</title>"
            f"<body style='font:1rem/1.5 sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem'>"
            f"<p style='border:3px dashed #b00;padding:.5rem'><strong>{title}.</strong></p><h1>{html.escape(what)}</h1>{body}</body></html>")


def form_of_cards(session, said=""):
    choices = "".join(f"<p><label><input type=radio name=card value={number}{' checked' if number.startswith('4242') else ''}> {text} "
                      f"(…{number[-4:]})</label></p>" for number, text in CARDS.items())
    action = "Save" if session["mode"] == "setup" else "Pay"
    return page(session, f"<p role=alert>{said}</p><form method=post>{choices}<button name=act value=give>{action}</button></form>"
                         f"<p><a href='{html.escape(session['cancel_url'])}'>Back, without a card</a></p>")


def visit(name, form):
    """What a person does on a page: where the browser goes, or what it shows."""
    session = found(SESSIONS, name)
    if not is_open(session):
        return None, page(session, "<p>This page was used, or its time is over.</p>")
    number = form.get("card", "")
    if form.get("act") == "give" and number == "4000002500003155":
        return None, page(session, "<h2>Stand-in for the card's bank: is it you?</h2><form method=post>"
                                   f"<input type=hidden name=card value={number}><button name=act value=yes>Yes, it is me</button> "
                                   "<button name=act value=no>No</button></form>")
    if form.get("act") == "no" or (form.get("act") == "give" and number == "4000000000000002"):
        decline(session)
        return None, form_of_cards(session, "The card was declined.")
    if form.get("act") in ("give", "yes") and number in CARDS:
        give(session, number)
        return session["success_url"], ""
    return None, form_of_cards(session)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, thing):
        data = json.dumps(thing).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Sayoo-Standin", "this is not Stripe")
        self.end_headers()
        self.wfile.write(data)

    def show(self, address, text):
        data = text.encode()
        self.send_response(303 if address else 200)
        if address:
            self.send_header("Location", address)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Sayoo-Standin", "this is not Stripe")
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self, method):
        path, body = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with LOCK:
            try:
                if path.path == "/_control":
                    return self.answer(200, control(json.loads(body)))
                if path.path.startswith("/page/"):
                    return self.show(*visit(path.path.rsplit("/", 1)[1], dict(parse_qsl(body))))
                if not self.headers.get("Authorization", "").startswith("Bearer sk_"):
                    raise Problem(401, type="invalid_request_error", message="You did not provide an API key.")
                check_version(self.headers.get("Stripe-Version", ""), body)
                if STATE.get("other_account") and path.path == "/v1/payment_intents":
                    # Our key is another account's: it knows nobody, and no key for idempotency either.
                    raise Problem(400, type="invalid_request_error", code="resource_missing", param="customer", message="No such customer: 'cus_0'")
                if STATE["away"] and method == "POST":
                    STATE["away"] -= 1
                    raise Problem(500, type="api_error", message="Something went wrong on the stand-in's end.")
                if method == "GET":
                    return self.answer(200, get(path.path, dict(parse_qsl(path.query))))
                key = self.headers.get("Idempotency-Key")
                STATE["calls"].append({"path": path.path, "key": key, "body": body})
                status, thing = post(path.path, body, key)
                if STATE["silence"]:
                    # It has happened, and nobody is told.
                    STATE["silence"] -= 1
                    self.close_connection = True
                    return self.connection.close()
                return self.answer(status, thing)
            except Problem as problem:
                return self.answer(problem.status, {"error": problem.error})

    def do_GET(self):
        self.handle_one("GET")

    def do_POST(self):
        self.handle_one("POST")


def deliver(address, secret):
    """Posts every event to the portal, once."""
    while True:
        body = json.dumps(OUTBOX.get())
        at = int(time.time())
        code = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={code}"})
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError as error:
            print(f"not delivered: {error}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", type=int, default=0)
    parser.add_argument("--deliver", help="where events are posted: the portal's address and /webhooks/stripe")
    parser.add_argument("--secret", default="whsec_standin", help="what signs them")
    given = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    STATE["port"] = server.server_address[1]
    if given.deliver:
        threading.Thread(target=deliver, args=(given.deliver, given.secret), daemon=True).start()
    print(STATE["port"], flush=True)
    server.serve_forever()
