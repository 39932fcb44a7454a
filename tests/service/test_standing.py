"""
What C{twistd sipua} publishes and watches by itself: two of it, one of which shows the other.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from twisted_sipdialog.errors import ResponseError
from twisted_sipdialog.event.dialog_info import Dialog, DialogInfo
from twisted_sipdialog.event.message_summary import Counts, MessageSummary
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.service import maker
from twisted_sipdialog.service.maker import SipuaService
from twisted_sipdialog.service.options import Options
from twisted_sipdialog.service.settings import WrongSetting
from twisted_sipdialog.service.standing import told
from twisted_sipdialog.service.stated import Stated
from twisted_sipdialog.service.text_log import lineOf
from twisted_sipdialog.testing import MemoryNetwork, ScriptedPeer

ALICE = "sip:alice@a.example"


class StandingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.network = MemoryNetwork()
        self.addCleanup(self.network.assertQuiet)
        self.patch(maker, "_restCollector", lambda: None)
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def observe(self, event: dict[str, Any]) -> None:
        if event["log_namespace"] == "twisted_sipdialog.service.standing":
            self.lines.append(str(lineOf(event)).partition("] ")[2].rstrip("\n"))

    def sipua(self, aor: str, *words: str) -> SipuaService:
        host = self.network.host(aor.partition("@")[2])
        options = Options()
        options.parseOptions(["--listen", f"udp:5060:interface={host.ipv4}", "--aor", aor, *words])
        service = SipuaService(host, options.settings)
        self.addCleanup(service.stopService)
        service.startService()
        return service

    def alice(self, *words: str) -> SipuaService:
        return self.sipua(ALICE, "--delegate", "presence", *words)

    def bob(self, *words: str) -> SipuaService:
        return self.sipua("sip:bob@b.example", *words)

    def seen(self, seconds: float) -> list[str]:
        """What was logged in the next C{seconds}."""
        self.network.advance(seconds)
        lines, self.lines = self.lines, []
        return lines


class StandingTests(StandingCase):
    def test_watched(self) -> None:
        """One shows the other, also after that was away for a while (RFC 6665 section 4.1.3)."""
        alice = self.alice("--publish", "presence:meal:Back at two")
        self.assertEqual(self.seen(1), [f"presence of {ALICE} is published"])
        bob = self.bob("--watch", ALICE)
        self.assertEqual(self.seen(1), [f"presence of {ALICE}: open, meal, 'Back at two'"])
        alice.stopService()
        gone = f"presence of {ALICE} is told no more (probation); watched again in 5 s"
        self.assertIn(gone, self.seen(2))
        self.alice("--publish", "presence:open")
        self.assertEqual(
            self.seen(10), [f"presence of {ALICE} is published", f"presence of {ALICE}: open"], self.network.ladder()
        )
        bob.stopService()
        self.seen(1)

    def test_notThereYet(self) -> None:
        """Who is not there, or refuses, is tried again and again; a line says why."""
        peer = ScriptedPeer(self.network, "a.example")
        self.bob("--watch", ALICE)
        self.network.advance(0.1)
        peer.respond(peer.expect("SUBSCRIBE"), 404)
        self.assertEqual(self.seen(1), [f"presence of {ALICE} cannot be watched: 404 Not Found"])
        peer.respond(peer.expect("SUBSCRIBE", 5), 404)
        self.assertEqual(self.seen(8), [f"presence of {ALICE} cannot be watched: 404 Not Found"])
        ok = peer.respond(peer.expect("SUBSCRIBE", 10), 200)
        self.assertIsNotNone(ok)
        notify = {"Event": "presence", "Subscription-State": "terminated;reason=rejected"}
        peer.request("NOTIFY", within=ok, headers=notify)
        lines = self.seen(1)
        self.assertIn(f"presence of {ALICE}: nothing is known (terminated)", lines)

    def test_thereAgain(self) -> None:
        """Once it was there the pauses begin anew, from the shortest."""
        peer = ScriptedPeer(self.network, "a.example")
        self.bob("--watch", ALICE)
        for seconds in (0.1, 6, 11):
            refused = peer.expect("SUBSCRIBE", seconds)
            peer.respond(refused, 404)
        subscribe = peer.expect("SUBSCRIBE", 21)
        peer.respond(subscribe, 200, headers={"Expires": "600"})
        for state in ("active;expires=600", "terminated;reason=rejected"):
            notify = {"Event": "presence", "Subscription-State": state}
            peer.request("NOTIFY", within=subscribe, headers=notify)
            self.network.advance(0.1)
        self.assertIn(f"presence of {ALICE} is refused (rejected); tried again in 5 s", self.seen(1))
        peer.respond(peer.expect("SUBSCRIBE", 5), 404)
        self.seen(1)

    def test_nothingAnyMore(self) -> None:
        """RFC 6665 section 4.2.2: a NOTIFY without a body shows nothing, and not once more what was shown before."""
        peer = ScriptedPeer(self.network, "a.example")
        bob = self.bob("--watch", f"message-summary:{ALICE}")
        subscribe = peer.expect("SUBSCRIBE")
        peer.respond(subscribe, 200, headers={"Expires": "600"})
        body = MessageSummary(True, counts={"voice-message": Counts(2, 8)}).toBytes()
        headers = {"Event": "message-summary", "Subscription-State": "active;expires=600"}
        kind = {"Content-Type": "application/simple-message-summary"}
        peer.request("NOTIFY", within=subscribe, headers={**headers, **kind}, body=body)
        self.assertEqual(self.seen(1), [f"message-summary of {ALICE}: messages wait (voice-message 2/8)"])
        peer.request("NOTIFY", within=subscribe, headers=headers)
        self.assertEqual(self.seen(1), [f"message-summary of {ALICE}: nothing is known"])
        bob.stopService()
        peer.respond(peer.expect("SUBSCRIBE"), 481)
        self.seen(1)

    def test_notPublished(self) -> None:
        """So is the one that is to keep our state."""
        peer = ScriptedPeer(self.network, "c.example")
        self.sipua("sip:carol@b.example", "--publish", "presence:closed", "--settings", self.proxy("sip:c.example"))
        publish = peer.expect("PUBLISH")
        self.assertEqual(Presence.parse(publish.body), Presence.of("sip:carol@b.example", "closed"))
        peer.respond(publish, 403)
        self.assertEqual(self.seen(1), ["presence of sip:carol@b.example was not published: 403 Forbidden"])
        peer.respond(peer.expect("PUBLISH", 5), 200, headers={"SIP-ETag": "x", "Expires": "100"})
        self.assertEqual(self.seen(1), ["presence of sip:carol@b.example is published"])

    def test_notPublishedAnyMore(self) -> None:
        """One whose refresh is refused is begun anew: it is to stand as long as the service runs."""
        peer = ScriptedPeer(self.network, "c.example")
        self.sipua("sip:carol@b.example", "--publish", "presence:closed", "--settings", self.proxy("sip:c.example"))
        peer.respond(peer.expect("PUBLISH"), 200, headers={"SIP-ETag": "x", "Expires": "100"})
        self.seen(1)
        peer.respond(peer.expect("PUBLISH", 100), 403)
        self.assertEqual(
            self.seen(1),
            [
                "presence of sip:carol@b.example was not published: 403 Forbidden",
                "presence of sip:carol@b.example is not published any more",
            ],
        )
        publish = peer.expect("PUBLISH", 5)
        self.assertEqual((publish.headers.get("sip-if-match"), bool(publish.body)), (None, True))
        peer.respond(publish, 200, headers={"SIP-ETag": "y", "Expires": "100"})
        self.assertEqual(self.seen(1), ["presence of sip:carol@b.example is published"])

    def proxy(self, uri: str) -> str:
        path = self.folder / "sipua.toml"
        path.write_text(f'outboundProxy = "{uri}"')
        return str(path)

    def test_file(self) -> None:
        """Of any package what a file has, and several of them; a watcher says which."""
        path = self.folder / "waiting.txt"
        path.write_bytes(MessageSummary(True, counts={"voice-message": Counts(2, 8)}).toBytes())
        self.alice("--publish", f"message-summary:@{path}", "--publish", "presence:on-the-phone")
        self.seen(1)
        self.bob("--watch", f"message-summary:{ALICE}", "--watch", ALICE)
        self.assertEqual(
            sorted(self.seen(1)),
            [
                f"message-summary of {ALICE}: messages wait (voice-message 2/8)",
                f"presence of {ALICE}: open, on-the-phone",
            ],
        )

    def test_wrong(self) -> None:
        """One line names the option, the value, and the rule."""
        empty = self.folder / "empty.txt"
        empty.write_bytes(b"")
        packages = "presence:, message-summary:, dialog:, reg:, conference:"
        first = f"must begin with an event package and a colon: {packages}"
        rule = "must be presence:open, presence:closed, or an activity of RFC 4480 such as presence:on-the-phone"
        for words, line in (
            (["--publish", "open"], f"--publish 'open': {first}"),
            (["--publish", "refer:open"], f"--publish 'refer:open': {first}"),
            (["--publish", "presence:"], f"--publish 'presence:': {rule}"),
            (["--publish", "presence:Open!"], f"--publish 'presence:Open!': {rule}"),
            # RFC 4480 section 3.2 has no such activity: were it one, who is gone would be open.
            (["--publish", "presence:close"], f"--publish 'presence:close': {rule}"),
            (["--publish", "dialog:early"], "--publish 'dialog:early': must name a file with the state: dialog:@FILE"),
            (["--publish", "dialog:@/none"], "--publish 'dialog:@/none': /none: No such file or directory"),
            (
                ["--publish", f"presence:@{empty}"],
                f"--publish 'presence:@{empty}': {empty}: must have 1 to 60000 bytes",
            ),
            (["--watch", "alice"], "--watch 'alice': must be a SIP URI such as sip:desk@example.com"),
            (
                ["--publication-store", "x"],
                "--publication-store 'x': is for the delegate presence alone",
            ),
        ):
            options = Options()
            with self.subTest(line):
                try:
                    options.parseOptions(words)
                    options.settings.configuration(None)
                except SystemExit as e:
                    self.assertEqual(e.code, f"twistd sipua: {line}")
                except Exception as e:
                    self.assertEqual(str(e), line)
                else:
                    self.fail("it was taken")

    def test_notOfThePackage(self) -> None:
        """What a file has must be of the package."""
        path = self.folder / "presence.xml"
        path.write_bytes(b"<presence/>")
        error = self.assertRaises(ValueError, Stated.parse, f"presence:@{path}")
        self.assertTrue(str(error).startswith(f"{path}: is not application/pidf+xml: "), error)

    def test_told(self) -> None:
        """States in a few words."""
        for value, text in (
            (Presence("sip:a@b"), "unknown"),
            (Presence.of("sip:a@b", "closed", "Gone"), "closed, 'Gone'"),
            (MessageSummary(False), "messages do not wait"),
            (DialogInfo("sip:a@b"), "no call"),
            (DialogInfo("sip:a@b", 0, "full", (Dialog("1", "early", direction="recipient"),)), "recipient early"),
            (None, "nothing is known"),
        ):
            self.assertEqual(told(value), text)


class EventsTests(StandingCase):
    def test_events(self) -> None:
        """RFC 3903 section 6, step 2: a package that C{events} does not name is not published either."""
        path = self.folder / "sipua.toml"
        path.write_text('events = ["message-summary"]')
        self.alice("--settings", str(path))
        peer = ScriptedPeer(self.network, "c.example")
        headers = {"Event": "presence", "Content-Type": "application/pidf+xml", "From": f"<{ALICE}>;tag=c"}
        body = Presence.of(ALICE, "open").toBytes()
        peer.request("PUBLISH", to=(self.network.host("a.example").ipv4, 5060), uri=ALICE, headers=headers, body=body)
        self.assertEqual(peer.expect(489).headers.get("allow-events"), "message-summary")


class DomainTests(StandingCase):
    def test_domains(self) -> None:
        """What is kept is the state of users of those domains, if any are told; of others there is none: 404."""
        path = self.folder / "sipua.toml"
        path.write_text('publicationDomains = ["a.example"]')
        self.alice("--settings", str(path))
        there = self.network.userAgent("sip:bob@b.example")
        for target, code in ((ALICE, None), (f"sip:alice@{self.network.host('a.example').ipv4}", 404)):
            asked = there.fetch(target, "presence")
            self.network.advance(1)
            if code is None:
                self.assertIsNone(self.successResultOf(asked).value.basic)
            else:
                self.assertEqual(self.failureResultOf(asked, ResponseError).value.statusCode, code)

    def test_notThere(self) -> None:
        """They are for presence alone."""
        path = self.folder / "sipua.toml"
        path.write_text('publicationDomains = ["a.example"]')
        options = Options()
        options.parseOptions(["--settings", str(path)])
        error = self.assertRaises(WrongSetting, options.settings.configuration, None)
        self.assertIn("is for the delegate presence alone", str(error))


class StoreTests(StandingCase):
    def test_opened(self) -> None:
        """A store is opened by the process that twistd ends up with, while that has root's rights."""
        path = self.folder / "store"
        service = self.alice("--publication-store", str(path))
        self.assertEqual([each.name for each in self.folder.iterdir()], ["store"])
        service.privilegedStartService()
        self.assertTrue((self.folder / "store-wal").exists())
        service._store._close()

    def test_store(self) -> None:
        """A file that is none of ours is one line, before anything starts."""
        path = self.folder / "store"
        path.write_text("no database")
        options = Options()
        options.parseOptions(["--delegate", "presence", "--publication-store", str(path)])
        error = self.assertRaises(maker.WrongSetting, SipuaService, self.network.host("a.example"), options.settings)
        self.assertTrue(str(error).startswith(f"--publication-store '{path}': "), error)
