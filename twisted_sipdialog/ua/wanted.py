"""
What a change of the session is to make of it.
"""

from __future__ import annotations

from typing import Any

import attrs

from twisted_sipdialog.ua.session import SDP


@attrs.frozen
class Wanted:
    """
    What a change is to make of the session.

    @ivar offers: it has an offer at all.
    @ivar body: the offer, if the application gave it.
    @ivar contentType: its type.
    @ivar limit: else the direction that limits our media from now on; None: as before.
    @ivar resumes: it ends a hold of ours, and is nothing without one.
    @ivar modifiers: those of its offer, or of the answer to a late one.
    """

    offers: bool = True
    body: bytes | None = None
    contentType: str = SDP
    limit: str | None = None
    resumes: bool = False
    modifiers: tuple[Any, ...] = ()
