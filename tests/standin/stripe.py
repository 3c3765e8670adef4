#!/usr/bin/env python3
"""A stand-in for Stripe: NOT Stripe, no money moves, for tests and somebody's own machine only.

Speaks the part of Stripe's HTTP that src/payments/stripe.rs uses, keeps state, and misbehaves on command (POST /_control).
Prints the port that it listens on. Events are not sent by themselves: whoever asks gets one signed (`sign`) and delivers it as often,
as late and in whatever order it likes.
"""
import hashlib
import hmac
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

LOCK = threading.RLock()
STATE = {"now": int(time.time()), "livemode": False, "serial": 0, "silence": 0, "away": 0, "calls": [], "keep_keys": True}
INTENTS, REFUNDS, DISPUTES, EVENTS, KEYS = {}, {}, {}, [], {}
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


def nest(pairs):
    """`metadata[a]=1` becomes {"metadata": {"a": "1"}}."""
    nested = {}
    for name, value in pairs:
        found = re.fullmatch(r"(\w+)\[(\w+)\]", name)
        if found:
            nested.setdefault(found[1], {})[found[2]] = value
        else:
            nested[name] = value
    return nested


def tell(kind, thing):
    event = {
        "id": new_id("evt"), "object": "event", "type": kind, "created": STATE["now"], "livemode": STATE["livemode"],
        "api_version": "2026-09-30", "data": {"object": json.loads(json.dumps(thing))},
    }
    EVENTS.append(event)


def create_intent(form):
    for needed in ("amount", "currency"):
        if needed not in form:
            raise Problem(400, type="invalid_request_error", code="parameter_missing", param=needed,
                          message=f"Missing required param: {needed}.")
    if not form["amount"].isdigit() or int(form["amount"]) < 1:
        raise Problem(400, type="invalid_request_error", code="parameter_invalid_integer", message="Invalid integer")
    intent = {
        "id": new_id("pi"), "object": "payment_intent", "amount": int(form["amount"]), "amount_received": 0,
        "currency": form["currency"], "customer": form.get("customer"), "payment_method": form.get("payment_method"),
        "metadata": form.get("metadata", {}), "livemode": STATE["livemode"], "created": STATE["now"],
        "status": "requires_confirmation", "last_payment_error": None, "description": form.get("description"),
    }
    INTENTS[intent["id"]] = intent
    tell("payment_intent.created", intent)
    if form.get("confirm") != "true":
        return intent
    decline = DECLINES.get(intent["payment_method"])
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
    tell("payment_intent.succeeded", intent)
    tell("charge.succeeded", charge_of(intent))


def charge_of(intent):
    refunded = sum(r["amount"] for r in REFUNDS.values() if r["payment_intent"] == intent["id"])
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
    if path.startswith("/v1/disputes/"):
        return found(DISPUTES, path.rsplit("/", 1)[1])
    if path == "/v1/events":
        since = int(query.get("created[gte]", 0))
        return listed([e for e in reversed(EVENTS) if e["created"] >= since], {k: v for k, v in query.items() if k != "created[gte]"})
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
        if path != "/v1/payment_intents":
            raise Problem(404, type="invalid_request_error", code="", message=f"Unrecognized request URL (POST: {path})")
        status, answer = 200, json.loads(json.dumps(create_intent(form)))
    except Problem as problem:
        status, answer = problem.status, {"error": problem.error}
    if key and STATE["keep_keys"]:
        KEYS[key] = ((path, body), status, answer)
    return status, answer


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
        return {"intents": list(INTENTS.values()), "events": EVENTS, "calls": STATE["calls"]}
    if do == "finish":
        succeed(found(INTENTS, order["intent"]))
        return {}
    if do == "refund":
        intent = found(INTENTS, order["intent"])
        if charge_of(intent)["amount_refunded"] + order["amount"] > intent["amount"]:
            raise Problem(400, type="invalid_request_error", code="", message="Refund amount is greater than unrefunded amount on charge")
        refund = {"id": new_id("re"), "object": "refund", "amount": order["amount"], "payment_intent": intent["id"],
                  "status": "succeeded", "currency": intent["currency"]}
        REFUNDS[refund["id"]] = refund
        tell("charge.refunded", charge_of(intent))
        tell("refund.created", refund)
        return refund
    if do == "dispute":
        intent = found(INTENTS, order["intent"])
        dispute = {"id": new_id("dp"), "object": "dispute", "amount": order.get("amount", intent["amount"]), "currency": intent["currency"],
                   "status": "needs_response", "reason": "fraudulent", "payment_intent": intent["id"],
                   "created": STATE["now"], "livemode": intent["livemode"]}
        DISPUTES[dispute["id"]] = dispute
        tell("charge.dispute.created", dispute)
        return dispute
    if do == "decide":
        dispute = found(DISPUTES, order["dispute"])
        dispute["status"] = order["status"]
        tell("charge.dispute.closed", dispute)
        return dispute
    if do == "sign":
        body = order.get("body") or json.dumps(next(e for e in EVENTS if e["id"] == order["event"]))
        at = order.get("at", STATE["now"])
        code = hmac.new(order["secret"].encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
        return {"body": body, "header": f"t={at},v1={code},v0=00"}
    raise Problem(400, message=f"unknown order {do}")


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

    def handle_one(self, method):
        path, body = urlsplit(self.path), self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with LOCK:
            try:
                if path.path == "/_control":
                    return self.answer(200, control(json.loads(body)))
                if not self.headers.get("Authorization", "").startswith("Bearer sk_"):
                    raise Problem(401, type="invalid_request_error", message="You did not provide an API key.")
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


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
