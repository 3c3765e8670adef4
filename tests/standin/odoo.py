#!/usr/bin/env python3
"""A stand-in for Odoo 19: NOT Odoo, it keeps nobody's books, for tests and somebody's own machine only.

Speaks as much of the external API (JSON-2) as src/books/odoo.rs uses, for the models res.partner, account.journal, account.account,
account.tax, account.move, account.move.line, account.payment and account.partial.reconcile. What it does was read in Odoo 19's own sources:

- `load` makes a record and its external id together or neither, finds what has the external id, and with the context `mode=update` and
  `noupdate` leaves that as it is; refusals are messages, not errors. Fields are named as in imports; further lines stand in further rows.
- Taxes are rounded for all lines of a tax together (`round_globally`, Odoo 19's default) or by line.
- What is posted has a line on the customer's account, and only that can be reconciled: by as much as is open on both sides. What is
  reconciled already is refused.
- Errors are JSON with `name` and `message`: 401 a wrong key, 404 no such model or record, 422 a UserError. A wrong database is an HTML page.

It misbehaves on command (POST /_control), and prints the port that it listens on.
"""
import json
import sys
import threading
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.RLock()
STATE = {"rounding": "round_globally", "down": False, "silent": {}, "broken": {}, "calls": []}
KEY, DATABASE = "key-of-the-books", "books"
XIDS = {"base.EUR": ("res.currency", 1), "base.MAD": ("res.currency", 2), "base.ma": ("res.country", 1), "base.fr": ("res.country", 2)}
RECORDS = {
    "res.partner": {},
    "account.journal": {
        7: {"id": 7, "code": "INV", "type": "sale", "company_id": 1}, 8: {"id": 8, "code": "BNK1", "type": "bank", "company_id": 1},
        9: {"id": 9, "code": "CARD", "type": "bank", "company_id": 1},
    },
    "account.account": {70: {"id": 70, "code": "712400", "company_ids": [1]}},
    "account.tax": {
        20: {"id": 20, "name": "20% G", "amount": 20.0, "tax_scope": "consu"}, 21: {"id": 21, "name": "20% S", "amount": 20.0, "tax_scope": "service"},
        10: {"id": 10, "name": "10%", "amount": 10.0, "tax_scope": False}, 30: {"id": 30, "name": "0% EX", "amount": 0.0, "tax_scope": False},
        31: {"id": 31, "name": "0% EU", "amount": 0.0, "tax_scope": False},
    },
    "account.move": {}, "account.move.line": {}, "account.payment": {}, "account.partial.reconcile": {},
}
for tax in RECORDS["account.tax"].values():
    tax.update(type_tax_use="sale", amount_type="percent", price_include=False, company_id=1)
FIELDS = {
    "res.partner": {"id", "name", "is_company", "street", "street2", "zip", "city", "country_id", "vat", "company_registry", "email"},
    "account.move": {"id", "move_type", "name", "ref", "payment_reference", "invoice_origin", "partner_id", "journal_id", "currency_id",
                     "invoice_date", "invoice_date_due", "invoice_payment_term_id", "reversed_entry_id", "invoice_line_ids"},
    "account.payment": {"id", "payment_type", "partner_type", "partner_id", "journal_id", "currency_id", "amount", "date", "memo",
                        "payment_reference"},
}
REFERS = {"country_id": "res.country", "partner_id": "res.partner", "journal_id": "account.journal", "currency_id": "res.currency",
          "reversed_entry_id": "account.move", "invoice_payment_term_id": "account.payment.term", "account_id": "account.account",
          "tax_ids": "account.tax"}


class Problem(Exception):
    def __init__(self, status, name, message):
        super().__init__(message)
        self.status, self.body = status, {"name": name, "message": message, "arguments": [message], "context": {}, "debug": ""}


def user_error(message):
    return Problem(422, "odoo.exceptions.UserError", message)


def cents(amount):
    return Decimal(repr(float(amount))).quantize(Decimal("0.01"), ROUND_HALF_UP)


def new(model, values):
    values["id"] = max(RECORDS[model], default=100) + 1
    RECORDS[model][values["id"]] = values
    return values


def refer(field, how, value):
    """The record that a cell names by its external id (`id`) or its own (`.id`)."""
    if not value:
        return False
    if how == ".id":
        if int(value) not in RECORDS.get(REFERS[field], {}):
            raise user_error(f"No matching record found for database id '{value}' in field '{field}'")
        return int(value)
    xid = value if "." in value else f"sayoo.{value}"
    if XIDS.get(xid, ("", 0))[0] != REFERS[field]:
        raise user_error(f"No matching record found for external id '{xid}' in field '{field}'")
    return XIDS[xid][1]


def convert(model, fields, cells):
    values = {}
    for field, cell in zip(fields, cells):
        assert isinstance(cell, str), f"cells are texts: {cell!r}"
        name, _, how = field.partition("/")
        if name not in FIELDS[model]:
            raise Problem(500, "builtins.ValueError", f"Invalid field name {name!r}")
        if name != "invoice_line_ids":
            values[name] = refer(name, how, cell) if name in REFERS else cell or False
    return values


def lines_of(fields, rows):
    lines = []
    for cells in rows:
        line = {"tax_ids": [], "account_id": False}
        for field, cell in zip(fields, cells):
            head, _, rest = field.partition("/")
            if head == "invoice_line_ids":
                name, _, how = rest.partition("/")
                value = refer(name, how, cell) if name in REFERS else cell
                line[name] = ([value] if value else []) if name == "tax_ids" else value
        lines.append(line)
    return lines


def add_up(move):
    bases, untaxed, by_line = {}, Decimal(0), Decimal(0)
    for line in move["lines"]:
        net = cents(line["price_unit"])
        untaxed += net
        for tax in line["tax_ids"]:
            bases[tax] = bases.get(tax, Decimal(0)) + net
            by_line += (net * Decimal(str(RECORDS["account.tax"][tax]["amount"])) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    globally = sum(((base * Decimal(str(RECORDS["account.tax"][tax]["amount"])) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
                    for tax, base in bases.items()), Decimal(0))
    tax = globally if STATE["rounding"] == "round_globally" else by_line
    move.update(amount_untaxed=float(untaxed), amount_tax=float(tax), amount_total=float(untaxed + tax))


def load(model, fields, data, context):
    own = [place for place, field in enumerate(fields) if not field.startswith("invoice_line_ids")]
    groups = []
    for row in data:
        if any(row[place] for place in own):
            groups.append([row])
        else:
            groups[-1].append(row)
    before = json.dumps([sorted(XIDS.items()), sorted((m, sorted(r.items())) for m, r in RECORDS.items())], default=str)
    ids = []
    try:
        for rows in groups:
            values = convert(model, fields, rows[0])
            xid = f"{context.get('module', '__import__')}.{values.pop('id')}"
            known = XIDS.get(xid)
            if known and known[1] in RECORDS[model]:
                if not (context.get("mode") == "update" and context.get("noupdate")):
                    if model != "res.partner":
                        raise user_error("this stand-in changes partners only")
                    RECORDS[model][known[1]].update(values)
                ids.append(known[1])
                continue
            if model == "res.partner" and not values["name"]:
                raise user_error("Contacts require a name")
            if model == "account.move":
                values.update(state="draft", lines=lines_of(fields, rows))
                add_up(values)
            if model == "account.payment":
                values.update(state="draft", amount=float(values["amount"]), has_entry=bool(context.get("force_payment_move")))
            XIDS[xid] = (model, new(model, values)["id"])
            ids.append(values["id"])
    except Problem as problem:
        if problem.status != 422:
            raise
        after = json.dumps([sorted(XIDS.items()), sorted((m, sorted(r.items())) for m, r in RECORDS.items())], default=str)
        assert before == after, "one record at a time: nothing is half done"
        return {"ids": False, "messages": [{"type": "error", "message": problem.body["message"], "rows": {"from": 0, "to": 0}}], "nextrow": 0}
    return {"ids": ids, "messages": [], "nextrow": 0}


def fits(record, condition):
    field, operator, wanted = condition
    value = record.get(field, False)
    if operator == "=":
        return value == wanted
    assert operator == "in", operator
    return any(one in wanted for one in value) if isinstance(value, list) else value in wanted


def search_read(model, domain, fields, limit=None, order="id"):
    found = [r for _, r in sorted(RECORDS[model].items()) if all(fits(r, condition) for condition in domain)]
    return [{"id": r["id"], **{field: r.get(field, False) for field in fields}} for r in found][:limit]


def customers_line(amount, **of):
    new("account.move.line", {"amount_residual_currency": float(amount), "move_id": False, "payment_id": False, "parent_state": "posted",
                              "account_id.account_type": "asset_receivable", **of})


def post(model, ids):
    for record in (RECORDS[model][id] for id in ids):
        if model == "account.move":
            if record["state"] != "draft":
                raise user_error(f"The entry {record['name']} (id {record['id']}) must be in draft.")
            if any(m["name"] == record["name"] and m["state"] == "posted" for m in RECORDS[model].values()):
                raise user_error("Posted journal entry must have an unique sequence number per company.")
            record["state"] = "posted"
            sign = 1 if record["move_type"] == "out_invoice" else -1
            customers_line(sign * record["amount_total"], move_id=record["id"])
        elif record["state"] == "draft":
            record["state"] = "in_process"
            if record["has_entry"]:
                customers_line((-1 if record["payment_type"] == "inbound" else 1) * record["amount"], payment_id=record["id"])
    return False


def reconcile(ids):
    lines = [RECORDS["account.move.line"][id] for id in ids]
    if any(line["amount_residual_currency"] == 0 for line in lines):
        raise user_error("You are trying to reconcile some entries that are already reconciled.")
    for debit in [line for line in lines if line["amount_residual_currency"] > 0]:
        for credit in [line for line in lines if line["amount_residual_currency"] < 0]:
            amount = min(cents(debit["amount_residual_currency"]), -cents(credit["amount_residual_currency"]))
            if amount > 0:
                debit["amount_residual_currency"] = float(cents(debit["amount_residual_currency"]) - amount)
                credit["amount_residual_currency"] = float(cents(credit["amount_residual_currency"]) + amount)
                new("account.partial.reconcile", {"debit_move_id": debit["id"], "credit_move_id": credit["id"],
                                                  "debit_amount_currency": float(amount)})


def unlink(model, ids):
    for id in ids:
        record = RECORDS[model].pop(id)
        if model == "account.partial.reconcile":
            for end, sign in (("debit_move_id", 1), ("credit_move_id", -1)):
                line = RECORDS["account.move.line"][record[end]]
                line["amount_residual_currency"] = float(cents(line["amount_residual_currency"]) + sign * cents(record["debit_amount_currency"]))
        for xid in [xid for xid, of in XIDS.items() if of == (model, id)]:
            del XIDS[xid]
    return True


def call(model, method, given):
    context = given.pop("context", {})
    if model not in RECORDS:
        raise Problem(404, "werkzeug.exceptions.NotFound", f"the model {model!r} does not exist")
    ids = given.pop("ids", [])
    for id in ids:
        if id not in RECORDS[model]:
            raise Problem(404, "odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
    if method == "load" and model in FIELDS:
        return load(model, given["fields"], given["data"], context)
    if method == "search_read":
        return search_read(model, **given)
    if method == "action_post" and model in ("account.move", "account.payment"):
        return post(model, ids)
    if (model, method) == ("account.move.line", "reconcile"):
        return reconcile(ids)
    if method == "unlink":
        return unlink(model, ids)
    raise Problem(404, "werkzeug.exceptions.NotFound", f"The method '{model}.{method}' does not exist")


def control(order):
    """What a test asks for. Returns whatever it wants to know."""
    do = order.pop("do")
    if do == "set":
        STATE.update(order)
        return {}
    if do == "state":
        models = {model: list(records.values()) for model, records in RECORDS.items()}
        return {"records": models, "xids": {xid: of[1] for xid, of in XIDS.items()}, "calls": STATE["calls"]}
    if do == "post":
        post(order["model"], order["ids"])
        return {}
    if do == "unlink":
        unlink(order["model"], order["ids"])
        return {}
    raise Problem(400, "", f"unknown order {do}")


def counted_down(what, name):
    left = STATE[what].get(name, 0)
    STATE[what][name] = left - 1
    return left > 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, thing, kind="application/json; charset=utf-8"):
        data = thing.encode() if isinstance(thing, str) else json.dumps(thing).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Sayoo-Standin", "this is not Odoo")
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with LOCK:
            try:
                if self.path == "/_control":
                    return self.answer(200, control(json.loads(body)))
                STATE["calls"].append(self.path)
                if STATE["down"]:
                    return self.answer(502, "<html>Bad Gateway</html>", "text/html")
                if self.headers.get("X-Odoo-Database") != DATABASE:
                    return self.answer(404, "<html>No database is selected</html>", "text/html")
                if self.headers.get("Authorization") != f"bearer {KEY}":
                    raise Problem(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
                _, json2, two, model, method = self.path.split("/")
                assert (json2, two) == ("json", "2")
                name = f"{model}/{method}"
                if counted_down("broken", name):
                    raise Problem(500, "builtins.KeyError", "'a bug of this Odoo'")
                result = call(model, method, json.loads(body))
                if counted_down("silent", name):
                    # It has happened, and nobody is told.
                    self.close_connection = True
                    return self.connection.close()
                return self.answer(200, result)
            except Problem as problem:
                return self.answer(problem.status, problem.body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
