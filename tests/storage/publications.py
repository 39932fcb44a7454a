"""
What the tests of publications share.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.storage.publication import Publication

ALICE, BOB = "sip:alice@example.com", "sip:bob@example.com"


def publication(entityTag: str, order: int = 1, until: float = 100.0, **more: Any) -> Publication:
    """One of Alice's."""
    given = {
        "entity": ALICE,
        "event": "presence",
        "contentType": "application/pidf+xml",
        "body": f"<{entityTag}/>".encode(),
        **more,
    }
    return Publication(entityTag=entityTag, order=order, until=until, **given)
