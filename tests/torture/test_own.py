"""
Messages of the classes of RFC 4475 and RFC 5118, in our own words, each with what must become of it beside it.

They stand in messages.sip: a title of name and outcome, then the message.  Its lines end by CRLF, C{|} begins a
line that continues the one before, C{\\xNN} is that byte; the body ends where the next title begins.
"""

from pathlib import Path

import pytest

from tests.torture.outcome import DROPPED, REACHED, outcome


def read(text):
    """Name -> (outcome, message)."""
    found = {}
    for part in text.lstrip("\n").split("== ")[1:]:
        title, _, rest = part.partition("\n")
        name, expected = title.split(": ")
        head, _, body = rest.rpartition("\n\n") if name == "emptyLinesBefore" else rest.partition("\n\n")
        body = body.removesuffix("\n")
        wire = head.replace("\n|", "\n").replace("\n", "\r\n").encode("ascii") + b"\r\n\r\n" + body.encode("ascii")
        for byte in range(256):
            wire = wire.replace(rb"\x%02x" % byte, bytes([byte]))
        found[name] = (expected, wire)
    return found


TABLE = read(Path(__file__).with_name("messages.sip").read_text("ascii"))


#: These say something else on a stream.
DATAGRAMS = ("lengthTooLong", "bytesAfterTheBody", "noTagAsOfOld", "emptyLinesBefore")
CASES = [(name, "UDP") for name in TABLE] + [(name, "TCP") for name in TABLE if name not in DATAGRAMS]


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_message(name, protocol):
    """
    What becomes of it is the same over UDP and over TCP, where a message states its length.
    """
    expected, data = TABLE[name]
    found, answer, _ = outcome(data, protocol)
    assert found == (int(expected) if expected.isdigit() else expected), f"{found}\n{answer!r}"


def test_outcomesAreNamed():
    """
    The table says nothing that no test could find.
    """
    kinds = {expected for expected, _ in TABLE.values()}
    assert {kind for kind in kinds if not kind.isdigit()} == {REACHED, DROPPED}
