"""
Who we are, as requests and responses say it: From, Contact, Allow, Supported, our own addresses.
"""

from __future__ import annotations

from typing import Any

from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.errors import InvalidValue, ParseError
from twisted_sipdialog.message.address import Address
from twisted_sipdialog.message.identifiers import newBranch, newCallId, newTag
from twisted_sipdialog.message.uri import SipUri, Uri, parseUri


class Identity:
    """
    @ivar configuration: the settings.
    """

    def __init__(self, configuration: Configuration, random: Any) -> None:
        self.configuration = configuration
        self.random = random
        self._from = str(Address(configuration.aor.withoutHeaders(), configuration.displayName, {}))
        self._contacts: dict[tuple[str, str], str] = {}
        product = configuration.userAgent
        #: Header text of what names our software, ready to be put into requests and responses.
        self.userAgentLines = [("User-Agent", product)] if product else []
        self.serverText = f"Server: {product}\r\n" if product else ""

    def newTag(self) -> str:
        """A fresh tag (RFC 3261 section 19.3)."""
        return newTag(self.random)

    def newCallId(self) -> str:
        """A fresh Call-ID (section 8.1.1.4)."""
        return newCallId(self.random)

    def newBranch(self) -> str:
        """A fresh branch (section 8.1.1.7)."""
        return newBranch(self.random)

    def fromValue(self, tag: str) -> str:
        """Our From."""
        return f"{self._from};tag={tag}"

    def contact(self, flow: Any) -> str:
        """Our Contact for a peer that is reached by C{flow} (section 8.1.1.8)."""
        key = (flow.protocol, flow.sentBy)
        known = self._contacts.get(key)
        if known is None:
            if len(self._contacts) > 1000:  # wildcard listeners on hosts with very many addresses
                self._contacts.clear()
            user = f"{self.configuration.aor.user}@" if self.configuration.aor.user else ""
            transport = "" if flow.protocol == "UDP" else f";transport={flow.protocol.lower()}"
            known = self._contacts[key] = f"<sip:{user}{flow.sentBy}{transport}>"
        return known

    def target(self, text: str) -> str:
        """
        The URI that C{text} means: a URI, a name-addr, or a bare user of our own domain.

        @raise InvalidValue: none of them.
        """
        uri = self.uriOf(text)
        # Section 19.1.1: headers of a URI stand neither in a Request-URI nor in To.
        return str(uri.withoutHeaders() if isinstance(uri, SipUri) else uri)

    def uriOf(self, text: str) -> Uri:
        """
        As L{target}, with the headers that C{text} has.

        @raise InvalidValue: as there.
        """
        if not isinstance(text, str):
            raise InvalidValue("target", text, "must be a URI, a name-addr or a user, as text")
        try:
            if "<" in text:
                return Address.parse(text).uri
            if ":" in text:
                return parseUri(text)
            aor = self.configuration.aor
            return parseUri(f"{aor.scheme}:{text}@{aor.hostPort}")
        except ParseError as error:
            raise InvalidValue("target", text, str(error)) from None

    def owns(self, uri: Any, flow: Any) -> bool:
        """C{uri}, of a request that came over C{flow}, means us: our user or none, at a host of ours."""
        if not isinstance(uri, SipUri) or uri.user not in (None, self.configuration.aor.user):
            return False
        return uri.host in (self.configuration.aor.host, self.configuration.advertise, hostOf(flow))


def hostOf(flow: Any) -> str:
    """The host of C{flow}'s address of ours, IPv6 without brackets."""
    sentBy: str = flow.sentBy
    if sentBy.startswith("["):
        return sentBy[1 : sentBy.index("]")]
    return sentBy.partition(":")[0]
