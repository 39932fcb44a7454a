"""
The usages of a dialog (RFC 5057): what it is there for.  A dialog lives until its last usage ends.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Usage:
    """
    One usage.

    @ivar kind: C{"invite"}, C{"subscribe"} or C{"refer"}.
    @ivar event: the event package of a subscription, C{""} else.
    @ivar id: the C{id} parameter that tells subscriptions of one package apart, C{""} else.
    """

    kind: str
    event: str = ""
    id: str = ""


#: The session itself; a dialog has it once at most.
INVITE = Usage("invite")
