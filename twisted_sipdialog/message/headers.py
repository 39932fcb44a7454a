"""
The header fields of a message (RFC 3261 section 7.3): ordered, case-insensitive, lossless.

Three forms, made from each other when asked for: the I{block} of text as received,
the I{lines} in their order and spelling, and the I{index} from lower-case full
name to raw values.  A received message has block and index (the parser needs it
to check the message); a message we build has the lines.  Typed values are read
on demand and remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.fields import CANONICAL, COMPACT, parseField
from twisted_sipdialog.message.grammar import isToken, splitList

#: Spelling on the wire -> lower-case full name, for every spelling seen often.
_KEYS: dict[str, str] = {}
for _name, _proper in CANONICAL.items():
    _KEYS[_name] = _KEYS[_proper] = _KEYS[_proper.upper()] = _name
for _letter, _name in COMPACT.items():
    _KEYS[_letter] = _KEYS[_letter.upper()] = _name.lower()


def keyOf(name: str) -> str:
    """
    The lower-case full name that C{name} (any case, or compact) stands for.

    @raise ParseError: C{name} is no token.
    """
    key = _KEYS.get(name)
    if key is None:
        if not isToken(name):
            raise ParseError(f"header name {name[:40]!r} is not a token")
        key = name.lower()
        key = _KEYS.get(key, key)
    return key


def _checked(name: str, value: str) -> tuple[str, str]:
    # What an application gives must not be able to start a header of its own (CRLF injection).
    if name not in _KEYS and not isToken(name):
        raise InvalidValue("header name", name, "must be a token (RFC 3261 section 25.1)")
    if "\r" in value or "\n" in value or "\0" in value:
        raise InvalidValue(f"header {name}", value, "must not contain CR, LF or NUL")
    return name, value


def headerText(fields: Iterable[tuple[str, str]]) -> str:
    """
    The lines of C{fields} as they go on the wire.

    @raise InvalidValue: a line break, or a name that is no token.
    """
    text = ""
    for field in fields:
        name, value = _checked(*field)
        text += f"{name}: {value}\r\n"
    return text


class Headers:
    """
    An ordered multimap of header fields.

    Names compare without case and compact forms equal their full names; values
    are raw text without the fold.  What goes in through the methods is checked
    (L{InvalidValue} for a line break or a name that is no token).
    """

    __slots__ = ("_block", "_index", "_lines", "_repeated", "_typed", "changed")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._block = ""
        #: Touched since it was made: bytes remembered elsewhere no longer tell the truth.
        self.changed = False
        self._lines: list[tuple[str, str]] | None = [_checked(n, v) for n, v in fields]
        self._index: dict[str, str] | None = None
        self._repeated: dict[str, list[str]] | None = None
        self._typed: dict[str, Any] | None = None

    @classmethod
    def fromBlock(cls, block: str, most: int = 200) -> Headers:
        """
        Read header lines as they stand on the wire, joined by CRLF, folds included.

        @param most: how many lines there may be (513).
        @raise ParseError: a line without a colon, a name that is no token, a bare CR or LF.
        """
        lines = block.split("\r\n")
        breaks = len(lines) - 1
        if breaks >= most:
            raise ParseError("too many header lines", 513)
        if block.count("\n") != breaks or block.count("\r") != breaks:
            raise ParseError("a bare CR or LF among the headers")
        index: dict[str, str] = {}
        repeated: dict[str, list[str]] | None = None
        known = _KEYS.get
        for line in lines:
            name, colon, value = line.partition(":")
            key = known(name)
            if key is None:
                if line[:1] in (" ", "\t"):
                    return cls.fromBlock(_unfold(block), most)
                key = _keyOnWire(name)
            if not colon:
                raise ParseError(f"header line without a colon: {line[:40]!r}")
            value = value.strip(" \t")
            if key not in index:
                index[key] = value
            else:
                if repeated is None:
                    repeated = {}
                repeated.setdefault(key, [index[key]]).append(value)
        self = cls.__new__(cls)
        self.changed = False
        self._block = block
        self._lines = None
        self._index = index
        self._repeated = repeated
        self._typed = None
        return self

    @classmethod
    def _trusted(cls, lines: list[tuple[str, str]]) -> Headers:
        """Lines that this package wrote itself, unchecked."""
        self = cls.__new__(cls)
        self.changed = False
        self._block = ""
        self._lines = lines
        self._index = self._repeated = None
        self._typed = None
        return self

    def _indexed(self) -> dict[str, str]:
        """The first value of each name; where there are more, C{_repeated} has them all."""
        index = self._index
        if index is None:
            index = self._index = {}
            assert self._lines is not None
            for name, value in self._lines:
                key = keyOf(name)
                if key in index:
                    if self._repeated is None:
                        self._repeated = {}
                    self._repeated.setdefault(key, [index[key]]).append(value)
                else:
                    index[key] = value
        return index

    def _all(self, key: str) -> list[str]:
        """All values of a key, in order."""
        index = self._index or self._indexed()
        if self._repeated is not None and key in self._repeated:
            return list(self._repeated[key])
        return [index[key]] if key in index else []

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first raw value of C{name}, or C{default}."""
        return (self._index or self._indexed()).get(_KEYS.get(name) or keyOf(name), default)

    def getAll(self, name: str) -> list[str]:
        """All raw values of C{name}, one for each header line, in order."""
        return self._all(_KEYS.get(name) or keyOf(name))

    def elements(self, name: str) -> list[str]:
        """The elements of a comma list, over all lines of C{name}."""
        return [element for value in self.getAll(name) for element in splitList(value)]

    def typed(self, name: str) -> Any:
        """
        The value of C{name} as its grammar says: a field class of L{twisted_sipdialog.message.fields},
        an address, an int, a list of those; None (or an empty list, for lists) when absent.

        @raise ParseError: the value does not follow its grammar.
        """
        memo = self._typed
        if memo is None:
            memo = self._typed = {}
        key = keyOf(name)
        if key not in memo:
            memo[key] = parseField(key, self._all(key))
        return memo[key]

    def mentions(self, names: frozenset[str]) -> bool:
        """One of C{names} is there; they are in lower case and long form."""
        return not names.isdisjoint(self._index or self._indexed())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and keyOf(name) in (self._index or self._indexed())

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(list(self._listed()))

    def __len__(self) -> int:
        return len(self._listed())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._listed() == other._listed()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._listed()!r})"

    def _listed(self) -> list[tuple[str, str]]:
        lines = self._lines
        if lines is None:
            split = [line.partition(":") for line in self._block.split("\r\n")]
            lines = self._lines = [(name.rstrip(" \t"), value.strip(" \t")) for name, _, value in split]
        return lines

    def _changed(self) -> list[tuple[str, str]]:
        lines = self._listed()
        self._index = self._repeated = self._typed = None
        self.changed = True
        return lines

    def add(self, name: str, value: str) -> None:
        """Append one header line."""
        field = _checked(name, value)
        self._changed().append(field)

    def prepend(self, name: str, value: str) -> None:
        """Put one header line before all others (Via, Record-Route)."""
        field = _checked(name, value)
        self._changed().insert(0, field)

    def set(self, name: str, value: str) -> None:
        """Replace all lines of C{name} by one, in the place of the first; append it when there is none."""
        self._put(*_checked(name, value))

    def _put(self, name: str, value: str) -> None:
        """As L{set}, for what came from the wire and may go back there as it is."""
        key = keyOf(name)
        lines = self._changed()
        places = [i for i, (n, _) in enumerate(lines) if keyOf(n) == key]
        if not places:
            lines.append((name, value))
            return
        lines[places[0]] = (name, value)
        for i in reversed(places[1:]):
            del lines[i]

    def remove(self, name: str) -> None:
        """Take all lines of C{name} away."""
        key = keyOf(name)
        lines = self._changed()
        lines[:] = [line for line in lines if keyOf(line[0]) != key]

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers._trusted(list(self._listed()))

    def toText(self) -> str:
        """The lines as they go on the wire, each ended by CRLF."""
        return "".join([f"{name}: {value}\r\n" for name, value in self._listed()])


def _keyOnWire(name: str) -> str:
    # White space before the colon is allowed (section 7.3.1), inside or before the name it is not.
    return keyOf(name.rstrip(" \t"))


def _unfold(block: str) -> str:
    """Section 7.3.1: a line that begins with white space continues the one before it; the fold reads as one space."""
    if block[0] in " \t":
        raise ParseError("the first header line begins with white space")
    lines: list[str] = []
    parts: list[str] = []
    for line in block.split("\r\n"):
        if line[:1] in (" ", "\t"):
            parts.append(line.strip(" \t"))
        else:
            if parts:
                lines.append(" ".join(parts))
            parts = [line.rstrip(" \t") if line else line]
    lines.append(" ".join(parts))
    return "\r\n".join(lines)
