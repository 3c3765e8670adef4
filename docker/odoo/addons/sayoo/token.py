"""The ticket with which the portal logs a customer in: base64url(JSON) "." base64url(Ed25519 signature of the first part).

The JSON has `aud` (the runtime's code), `login`, `exp` (unix seconds), `jti` (random) and perhaps `lang`.
Pure: no database, no clock.
"""
import base64
import binascii
import hmac
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# A ticket is used at once; one that lives longer was not made by the portal as it should be.
LIFETIME_SECONDS = 60
LONGEST_TOKEN = 4096


class Refused(Exception):
    """The ticket does not open this Odoo. `reason` is a key of the texts in pages.py."""

    def __init__(self, reason, lang=None):
        super().__init__(reason)
        self.reason = reason
        self.lang = lang


def decode(text):
    return base64.b64decode(text + '=' * (-len(text) % 4), altchars=b'-_', validate=True)


def public_key(text):
    """Reads the portal's key: 32 bytes in hexadecimal or base64 of either alphabet."""
    text = text.strip()
    try:
        raw = bytes.fromhex(text) if len(text) == 64 else decode(text.replace('+', '-').replace('/', '_').rstrip('='))
    except ValueError as error:
        raise ValueError('SAYOO_SSO_PUBLIC_KEY is neither hexadecimal nor base64') from error
    return Ed25519PublicKey.from_public_bytes(raw)


def verify(token, key, audience, now):
    """Returns what the ticket says, or raises Refused. Whether it was used before is the caller's question."""
    if not audience or len(token) > LONGEST_TOKEN:
        raise Refused('invalid')
    try:
        signed, signature = token.split('.')
        key.verify(decode(signature), signed.encode('ascii'))
        said = json.loads(decode(signed))
        aud, login, exp, jti = said['aud'], said['login'], said['exp'], said['jti']
        lang = said.get('lang')
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, InvalidSignature) as error:
        raise Refused('invalid') from error
    if not (isinstance(aud, str) and isinstance(login, str) and isinstance(jti, str) and type(exp) is int):
        raise Refused('invalid')
    if not login or not 16 <= len(jti) <= 128 or not hmac.compare_digest(aud.encode(), audience.encode()):
        raise Refused('invalid')
    lang = lang if isinstance(lang, str) else None
    if exp <= now:
        raise Refused('expired', lang)
    if exp > now + LIFETIME_SECONDS:
        raise Refused('invalid', lang)
    return {'login': login, 'jti': jti, 'exp': exp, 'lang': lang}
