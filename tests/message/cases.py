"""What the tests of message values share."""

from typing import Any

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ParseError

#: Text as a socket can yield it: bytes that are no UTF-8 arrive as lone surrogates.
WIRE_TEXT = st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape")) | st.text(
    alphabet='ab0;=,:@<>"\\ \t%[]().?/*#é\udcff', max_size=40
)
#: What may stand in a quoted string: everything but line breaks.
QUOTABLE = st.text(max_size=30).filter(lambda text: "\r" not in text and "\n" not in text)


class FieldCase(SynchronousTestCase):
    def reads(self, text: str, value: Any) -> None:
        """C{text} means C{value}, and so does what that writes."""
        self.assertEqual(type(value).parse(text), value, text)
        self.assertEqual(type(value).parse(str(value)), value, str(value))

    def refuses(self, cls: Any, *texts: str) -> None:
        for text in texts:
            error = self.assertRaises(ParseError, cls.parse, text)
            self.assertEqual(error.statusCode, 400)
