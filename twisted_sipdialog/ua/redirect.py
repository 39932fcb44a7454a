"""
Redirection (RFC 3261 section 8.1.3.4): where a 3xx sends us.
"""

from __future__ import annotations

import re

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.uri import SipUri

#: A q-value (section 25.1).
_Q = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?", re.ASCII)


def _preference(contact: Address) -> float:
    """The q of a Contact (section 20.10); 1 where there is none."""
    q = contact.parameters.get("q") or ""
    return float(q) if _Q.fullmatch(q) else 1.0


def redirectTarget(response: Response) -> str | None:
    """The Contact that is preferred, as a Request-URI; None when there is none that we can call."""
    try:
        contacts = sorted(response.contacts, key=_preference, reverse=True)
    except ParseError:
        return None
    targets = [c.uri for c in contacts if isinstance(c.uri, SipUri)]
    return str(targets[0].withoutHeaders()) if targets else None
