"""
The example of a publication does what its page says.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.test_examples import example
from twisted_sipdialog import Request
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer


class PublishTests(SynchronousTestCase):
    def test_presence(self) -> None:
        """Open, refreshed, lost and published anew, busy, and gone (RFC 3903 section 4)."""
        publish = example("publish")
        network = MemoryNetwork()
        self.addCleanup(network.assertQuiet)
        ua = network.userAgent("sip:alice@a.example")
        compositor = ScriptedPeer(network, "example.com")
        shown: list[tuple[object, ...]] = []
        running = Deferred.fromCoroutine(publish.presence(network.clock, ua, lambda *words: shown.append(words)))

        def answer(code: int, tag: str = "") -> Request:
            request: Request = compositor.expect("PUBLISH", 70)
            headers = {"SIP-ETag": tag, "Expires": "50" if request.body or tag != "end" else "0"} if tag else {}
            compositor.respond(request, code, headers=headers)
            network.advance(0.1)
            return request

        self.assertEqual(answer(200, "one").body, publish.OPEN)
        refresh = answer(412)
        self.assertEqual((refresh.body, refresh.headers.get("sip-if-match")), (b"", "one"))
        self.assertEqual(answer(200, "two").body, publish.OPEN)
        self.assertEqual(answer(200, "three").body, publish.BUSY)
        self.assertEqual(answer(200, "four").body, b"")
        removal = answer(200, "end")
        self.assertEqual((removal.headers.get("expires"), removal.headers.get("sip-if-match")), ("0", "four"))
        self.successResultOf(running)
        lasting = ("published for", 50, "s")
        self.assertEqual(shown, [lasting, ("recovering from", 412), *[lasting] * 3, ("gone",)])
