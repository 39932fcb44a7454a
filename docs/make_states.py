"""
Draws docs/states.rst from the tables of the transactions, and of offers and answers: C{python docs/make_states.py}.

tests/transaction/test_states.py says when it has to be drawn anew.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from twisted_sipdialog.dialog import offer_answer
from twisted_sipdialog.transaction import ict, ist, nict, nist

#: Title, module and class of each machine, in the order of the figures of RFC 3261.
MACHINES: tuple[tuple[str, Any, Any], ...] = (
    ("INVITE client transaction", ict, ict.InviteClient),
    ("Non-INVITE client transaction", nict, nict.NonInviteClient),
    ("INVITE server transaction", ist, ist.InviteServer),
    ("Non-INVITE server transaction", nist, nist.NonInviteServer),
)

HEAD = """\
.. Drawn by docs/make_states.py from the tables in the source; do not edit.

States
======

The four transaction machines of RFC 3261 section 17, as RFC 6026 corrects them, and the exchange of offers and answers
within a dialog. Each is a table in the source, and this page is drawn from those tables. What a transaction ignores is
ignored on purpose, and the reason stands beside it.

Where the transport is reliable, timers A, E and G do not run, and timers D, I, J and K are zero: the state they would
end is left as soon as it is entered.

``request`` and ``ack`` are messages of the peer; ``1xx``, ``2xx`` and ``300-699`` are responses, of the peer for a
client and of the transaction user for a server. ``send failed`` is a message that could not be sent or a flow that was
lost, and ``abandon`` is what the transaction user says 64*T1 after it sent CANCEL.
"""


def page() -> str:
    """The text of docs/states.rst."""
    return "\n".join([HEAD, *[section(title, module, kind) for title, module, kind in MACHINES], exchange()])


def exchange() -> str:
    """Offers and answers."""
    title = "Offers and answers"
    moves = [(state.value, event, following.value) for (state, event), following in offer_answer.TRANSITIONS.items()]
    return "\n".join(
        [
            title,
            "-" * len(title),
            "",
            said(offer_answer),
            f"It begins in ``{offer_answer.Exchange.NONE.value}``. The table is in"
            " ``twisted_sipdialog/dialog/offer_answer.py``.",
            "",
            *table(("State", "Event", "Next state"), "34 33 33", moves, prose=False),
        ]
    )


def section(title: str, module: Any, kind: Any) -> str:
    """One machine."""
    moves = [
        (state, event, "" if following == state else following, said(getattr(kind, action)))
        for (state, event), (following, action) in module.TRANSITIONS.items()
    ]
    ignored = [(state, event, reason) for (state, event), reason in module.IGNORED.items()]
    source = f"twisted_sipdialog/transaction/{module.__name__.rpartition('.')[2]}.py"
    return "\n".join(
        [
            title,
            "-" * len(title),
            "",
            said(module),
            f"It begins in ``{kind.first}``. The table is in ``{source}``.",
            "",
            *table(("State", "Event", "Next state", "What is done"), "14 14 14 58", moves),
            "Ignored on purpose:",
            "",
            *table(("State", "Event", "Why"), "14 14 72", ignored),
        ]
    )


def table(head: tuple[str, ...], widths: str, rows: list[tuple[str, ...]], prose: bool = True) -> list[str]:
    """The lines of one table; its columns are names, but the last one if it is C{prose}."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for n, row in enumerate([head, *rows]):
        names = len(row) - prose if n else 0
        cells = [*[f"``{cell}``" if cell else "" for cell in row[:names]], *row[names:]]
        marks = ["*", *[" "] * (len(cells) - 1)]
        lines += [f"   {mark} - {cell}".rstrip() for mark, cell in zip(marks, cells, strict=True)]
    return [*lines, ""]


def said(thing: Any) -> str:
    """The docstring of C{thing} as reStructuredText on one line."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    assert text, f"{thing} has no docstring"
    text = re.sub(r"L\{([^{}<]+)(<[^{}]*>)?\}", r"``\1``", text)
    return re.sub(r"C\{([^{}]+)\}", r"``\1``", text)


if __name__ == "__main__":
    Path(__file__).with_name("states.rst").write_text(page(), encoding="utf-8")
