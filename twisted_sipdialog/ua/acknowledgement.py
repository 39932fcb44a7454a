"""
ACK to a 2xx, as the caller sends it (RFC 3261 section 13.2.2.4).
"""

from __future__ import annotations

from typing import Any

import attrs

from twisted_sipdialog.errors import SipError, TransportError
from twisted_sipdialog.ua.outgoing import Outgoing
from twisted_sipdialog.ua.uac import UserAgentClient


class Acknowledgement:
    """
    The ACK to a 2xx (section 13.2.2.4): no transaction; written once, sent again for each copy of the 2xx.
    """

    __slots__ = ("_client", "_flow", "_outgoing", "_udpOnly", "_wire", "number")

    def __init__(self, client: UserAgentClient, outgoing: Outgoing) -> None:
        self._client = client
        self._outgoing = outgoing
        self._flow: Any = None
        self._wire: bytes | None = None
        self._udpOnly = False
        self.number = outgoing.sequence()

    def send(self) -> None:
        """Send it, or send it again."""
        if self._wire is not None and self._flow.isOpen and self._flow.send(self._wire):
            return
        only = self._outgoing.flow
        if only is not None:
            self._flow, self._wire = only, self._client.write(self._outgoing, only, self.number, []).toBytes()
            only.send(self._wire)
            return
        try:
            hop = self._outgoing.nextHop()
        except SipError:
            return
        self._client.locate(hop).addCallbacks(self._located, lambda _: None)

    def _located(self, destinations: list[Any]) -> None:
        for destination in destinations:
            try:
                flow = self._client.transport.flowTo(destination)
                wire = self._client.write(self._outgoing, flow, self.number, []).toBytes()
                if not flow.reliable and not self._udpOnly and len(wire) > self._client.configuration.udpLimit:
                    # Section 18.1.1; should that be refused, the next copy of the 2xx gets its ACK by UDP.
                    self._udpOnly = True
                    flow = self._client.transport.flowTo(attrs.evolve(destination, protocol="TCP"))
                    wire = self._client.write(self._outgoing, flow, self.number, []).toBytes()
            except TransportError:
                continue
            if flow.send(wire):
                self._flow, self._wire = flow, wire
                return
