"""
From bytes to messages (RFC 3261 sections 7 and 18.3).

What is checked here is what every later step relies on: the start line, the
lines of the header block, the five fields that make a transaction, the length of
the body.  The rest is read when somebody asks.  What fails yields a
L{ParseError} that knows its status and holds what is needed to answer.
"""

from __future__ import annotations

import attrs

from twisted_sipdialog.errors import ParseError
from twisted_sipdialog.message.fields import CSeq, Via
from twisted_sipdialog.message.grammar import digits, isToken, parameterOf, splitList
from twisted_sipdialog.message.headers import Headers
from twisted_sipdialog.message.message import Message, tagOf
from twisted_sipdialog.message.request import Request
from twisted_sipdialog.message.response import Response


@attrs.frozen
class Limits:
    """
    How large a message may be.

    @ivar message: bytes of a whole message: 513 beyond it.
    @ivar headers: bytes of start line and headers together.
    @ivar headerCount: header lines.
    @ivar headerLine: characters of one header line.
    @ivar uri: characters of a Request-URI: 414 beyond it.
    @ivar body: bytes of a body: 413 beyond it.
    """

    message: int = 65_535
    headers: int = 32_768
    headerCount: int = 200
    headerLine: int = 8_192
    uri: int = 2_048
    body: int = 60_000


DEFAULT_LIMITS = Limits()

#: Known to be tokens.
_METHODS = frozenset(
    [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "UPDATE",
        "INFO",
        "MESSAGE",
        "SUBSCRIBE",
        "NOTIFY",
        "REFER",
        "PUBLISH",
    ]
)
#: Mandatory and single-valued (section 8.1.1); their absence or repetition is refused at once.
_SINGLE = ("from", "to", "call-id", "cseq")


def parseMessage(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """
    The one message of a datagram.

    @raise ParseError: with the status that answers it, and C{request} when there is something to answer.
    """
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")  # section 7.5
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise _refusal("no empty line after the headers", data, 400)
    head = data[:end]
    if len(data) > limits.message or end > limits.headers:
        raise _refusal("message too large", head, 513)
    message = readHead(head, limits)
    start = end + 4
    length = contentLength(message, limits)
    if length is None:
        message.body = data[start:]
    else:
        # Section 18.3: what follows the stated length is discarded, what is missing makes the message wrong.
        stop = start + length
        if stop > len(data):
            raise _broken("Content-Length is beyond the end of the datagram", message, 400)
        message.body = data[start:stop]
        if stop != len(data):
            data = data[:stop]
    message._wire = data
    return message


def readHead(head: bytes, limits: Limits) -> Request | Response:
    """
    Start line and headers, without the empty line; the body is left empty.

    @raise ParseError: as L{parseMessage}.
    """
    startLine, _, block = str(head, "utf-8", "surrogateescape").partition("\r\n")
    method, _, rest = startLine.partition(" ")
    if method not in _METHODS and method[:4].isascii() and method[:4].upper() == "SIP/":
        return _readResponse(method, rest, block, limits)
    uri, _, version = rest.partition(" ")
    if version != "SIP/2.0" or not uri:
        _checkRequestLine(startLine, block)
    try:
        headers = _readHeaders(block, limits)
        number, cseqMethod = _readCSeq(headers, method)
    except ParseError as e:
        raise _refusal(str(e), head, e.statusCode) from None
    request = Request._parsed(method, uri, headers, number, cseqMethod)
    try:
        index = headers._indexed()
        text = index["via"]
        request.viaText = text = splitList(text)[0] if "," in text else text
        request.via = Via.parse(text)
    except (ParseError, IndexError) as e:
        raise _refusal(f"Via: {e}", head, 400) from None
    # What every layer asks for (sections 12.2.2, 17.2.3).
    request.callId = index["call-id"]
    request.fromTag = tagOf(index["from"])
    request.toTag = tagOf(index["to"])
    if len(uri) > limits.uri:
        raise _broken("Request-URI too long", request, 414)
    if cseqMethod != method:
        raise _broken("the method of CSeq is not that of the request", request, 400)
    if method not in _METHODS and not isToken(method):
        raise _broken("the method is no token", request, 400)
    return request


def _readResponse(version: str, rest: str, block: str, limits: Limits) -> Response:
    code, _, phrase = rest.partition(" ")
    if version.upper() != "SIP/2.0" or not (len(code) == 3 and code.isascii() and code.isdigit() and "1" <= code < "7"):
        raise ParseError("malformed status line", None)
    try:
        headers = _readHeaders(block, limits)
        number, method = _readCSeq(headers, "")
        response = Response._parsed(int(code), phrase, headers, number, method)
        _ = response.via
    except ParseError as e:
        raise ParseError(str(e), None) from None  # a response is never answered
    return response


def _readHeaders(block: str, limits: Limits) -> Headers:
    if len(block) > limits.headerLine and max(map(len, block.split("\r\n"))) > limits.headerLine:
        raise ParseError("header line too long", 513)
    return Headers.fromBlock(block, limits.headerCount)


def _readCSeq(headers: Headers, method: str) -> tuple[int, str]:
    """All mandatory fields are there, once (section 8.1.1); the number and method of CSeq."""
    index, repeated = headers._indexed(), headers._repeated
    get = index.get
    text = get("cseq")
    if not (text and get("from") and get("to") and get("call-id")) or "via" not in index:
        missing = next(name for name in ("via", *_SINGLE) if not get(name))
        raise ParseError(f"{missing}: missing", None if missing == "via" else 400)
    if repeated is not None:
        for name in _SINGLE:
            if name in repeated:
                raise ParseError(f"{name}: more than once")
    number, _, word = text.partition(" ")
    if word == method and 0 < len(number) < 10 and number.isascii() and number.isdigit():
        return int(number), word
    cseq = CSeq.parse(text)
    return cseq.number, cseq.method


def _checkRequestLine(startLine: str, block: str) -> None:
    words = startLine.split(" ")
    version = words[-1]
    # Upper case, with care: there are letters outside ASCII whose capital is an S.
    if len(words) == 3 and words[1] and version.isascii():
        if version.upper() == "SIP/2.0":
            return
        if version[:4].upper() == "SIP/" and version[4:].replace(".", "", 1).isdigit():
            raise _refusal("SIP version", f"{startLine}\r\n{block}".encode("utf-8", "surrogateescape"), 505)
    raise _refusal("malformed request line", f"{startLine}\r\n{block}".encode("utf-8", "surrogateescape"), 400)


def contentLength(message: Message, limits: Limits) -> int | None:
    """
    Content-Length, or None when absent.

    @raise ParseError: malformed, twice, or beyond the limit (413); always C{fatal}.
    """
    try:
        return readLength(message.headers, limits)
    except ParseError as e:
        raise _broken(str(e), message, e.statusCode or 400, fatal=True) from None


def readLength(headers: Headers, limits: Limits) -> int | None:
    """As L{contentLength}, for headers whose message is refused anyway."""
    text = headers._indexed().get("content-length")
    if text is None:
        return None
    if headers._repeated is not None and "content-length" in headers._repeated:
        raise ParseError("Content-Length: more than once")
    if text.isascii() and text.isdigit():
        length = int(text if len(text) < 10 else text.lstrip("0")[:10] or "0")
    else:
        length = digits(text, "Content-Length")  # says what is wrong with it
    if length > limits.body:
        raise ParseError("the body is too large", 413)
    return length


def _broken(text: str, message: Message, statusCode: int, fatal: bool = False) -> ParseError:
    """The message was read, but is refused."""
    if isinstance(message, Request) and message.method != "ACK":
        try:
            _ = message.via
        except ParseError:
            return ParseError(text, None, fatal=fatal)
        return ParseError(text, statusCode, message, fatal)
    return ParseError(text, None, fatal=fatal)


def _refusal(text: str, head: bytes, statusCode: int | None) -> ParseError:
    """The head could not be read: keep the lines that could, when they suffice for an answer."""
    startLine, _, block = str(head[:32_768], "utf-8", "surrogateescape").partition("\r\n")
    block = block.replace("\r\n ", " ").replace("\r\n\t", " ")
    method = startLine.partition(" ")[0]
    if statusCode is None or not isToken(method) or method == "ACK" or startLine[:4].upper() == "SIP/":
        return ParseError(text, None)
    kept: list[tuple[str, str]] = []
    seen: set[str] = set()
    for line in block.split("\r\n")[:200]:
        try:
            headers = Headers.fromBlock(line)
        except (ParseError, IndexError):
            continue
        (key,) = headers._indexed()
        # One of each: an answer with two To headers would be as wrong as the question.
        if key == "via" or (key in _SINGLE and key not in seen and len(line) < 1024):
            if key == "via" and key not in seen:
                via = _wayBack(headers._indexed()[key])
                if via is None:
                    break
                kept.append(("Via", via))
            else:
                kept += headers
            seen.add(key)
    if "via" not in seen:
        return ParseError(text, None)  # nobody to answer
    headers = Headers._trusted(kept)
    request = Request._parsed(method, startLine.split(" ")[1] if " " in startLine else "", headers, 0, method)
    return ParseError(text, statusCode, request)


def _wayBack(via: str) -> str | None:
    """A Via; of a malformed one that which brings an answer back, sent-by and branch, or None."""
    try:
        Via.parse(splitList(via)[0] if "," in via else via)
        return via
    except ParseError:
        sentBy = via.partition(",")[0].partition(";")[0]
        branch = parameterOf(via, "branch")
    try:
        Via.parse(sentBy)
    except ParseError:
        return None
    return f"{sentBy};branch={branch}" if branch and isToken(branch) else sentBy
