"""
The id that tells the subscriptions of several REFERs to us apart (RFC 3515 section 2.4.6).
"""

from __future__ import annotations

from tests.ua.transferee import TransfereeCase, later


class IdTests(TransfereeCase):
    def event(self) -> str:
        """Event of the next NOTIFY."""
        text: str = self.notified().headers.get("event")
        return text

    def test_first(self) -> None:
        """The first may do without."""
        self.stand(later)
        self.asks()
        self.notes.refer.accept()
        self.assertEqual(self.event(), "refer")
        self.notes.refer.sendNotify(486)
        self.assertEqual(self.event(), "refer")

    def test_afterOneThatWasRefused(self) -> None:
        """The second that came has one, although it is the first that makes a subscription."""
        self.stand(later)
        self.asks()
        self.notes.refer.reject(603)
        self.network.advance(0.01)
        self.asks()
        self.notes.refer.accept()
        self.assertEqual(self.event(), f"refer;id={self.request.cseqNumber}")
        self.notes.refer.sendNotify(486)
        self.assertEqual(self.event(), f"refer;id={self.request.cseqNumber}")

    def test_beforeTheFirst(self) -> None:
        """Also when it is accepted before the first is."""
        self.stand(later)
        self.asks()
        self.asks()
        first, second = self.notes.referContexts
        for context, event in ((second, f"refer;id={self.request.cseqNumber}"), (first, "refer")):
            context.accept()
            self.assertEqual(self.event(), event)
            context.sendNotify(486)
            self.assertEqual(self.event(), event)
