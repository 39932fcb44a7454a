"""What the tests of event documents share."""

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.event.xml_body import Element

#: What text XML 1.0 can carry.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters="\ufffe\uffff"), max_size=12)
#: Of that, what is no white space at its ends: it is stripped where schemas say so.
WORDS = TEXT.map(str.strip)
LOCAL = st.from_regex(r"[a-z]([a-z0-9-]{0,4}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(0, 2**32 - 1)
TIMES = st.datetimes(
    datetime(1000, 1, 1), timezones=st.integers(-720, 840).map(lambda m: timezone(timedelta(minutes=m)))
)
PRIORITIES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


#: For tests of whole documents: fewer examples, and no clock over them.
EXAMPLES = settings(max_examples=30, deadline=None)


def maybe(strategy: Any) -> Any:
    """Of that strategy, or None."""
    return st.none() | strategy


def several(strategy: Any) -> Any:
    """A few of that strategy, as a tuple."""
    return st.lists(strategy, max_size=2).map(tuple)


def named(local: str) -> str:
    """An element name that no schema knows."""
    return f"{{urn:example:{local}}}{local}"


#: Attributes that no schema knows.
ATTRIBUTES = st.dictionaries(LOCAL.map(named) | LOCAL.map("a-{}".format), TEXT, max_size=2)
_LEAVES = st.builds(Element, LOCAL.map(named), ATTRIBUTES, TEXT.map(lambda text: (text,) if text else ()))
#: An element that no schema knows.
FOREIGN = st.recursive(
    _LEAVES,
    lambda inner: st.builds(Element, LOCAL.map(named), ATTRIBUTES, st.lists(inner, max_size=2).map(tuple)),
    max_leaves=3,
)
REST = {"elements": several(FOREIGN), "attributes": ATTRIBUTES}


class DocumentCase(SynchronousTestCase):
    def written(self, value: Any) -> None:
        """C{value} is read as it was written, and writes the same bytes again."""
        body = value.toBytes()
        again = type(value).parse(body)
        self.assertEqual(again, value)
        self.assertEqual(again.toBytes(), body)

    def refuses(self, cls: Any, *bodies: bytes, status: int = 400) -> None:
        for body in bodies:
            error = self.assertRaises(ParseError, cls.parse, body)
            self.assertEqual(error.statusCode, status, body[:200])
            self.assertTrue(str(error))

    def refusesWithout(self, cls: Any, body: bytes, *pieces: bytes) -> None:
        """C{body} is whole, and each of the pieces is needed."""
        cls.parse(body)
        for piece in pieces:
            self.assertIn(piece, body)
            self.refuses(cls, body.replace(piece, b"", 1))

    def survives(self, cls: Any, body: bytes) -> None:
        """Read or refused: nothing else comes out of it."""
        try:
            cls.parse(body)
        except ParseError as error:
            self.assertIn(error.statusCode, (400, 413))
