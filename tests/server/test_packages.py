"""
The state agent with the packages of event/: documents that are counted, and partial ones.
"""

from tests.server.publishing import ALICE
from tests.server.watching import AgentCase, Watcher
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.event.dialog_info import DialogInfo
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.event.reg import RegInfo
from twisted_sipdialog.server.limits import CompositorLimits

DIALOG, REG, PIDF = "application/dialog-info+xml", "application/reginfo+xml", "application/pidf+xml"


def dialogs(version, state="full"):
    return DialogInfo(ALICE, version, state).toBytes()


class CountedTests(AgentCase):
    """RFC 4235 section 4.1, RFC 3680 section 5.1: the documents of each subscription are counted from 0."""

    def setUp(self):
        super().setUp()
        self.begin(["dialog", "reg", "presence"])

    def publishInfo(self, version, tag=None, **headers):
        return self.published(dialogs(version), tag, Event="dialog", Content_Type=DIALOG, **headers)

    def version(self, watcher):
        """Which document it is that is told next."""
        return DialogInfo.parse(watcher.told()[1]).version

    def test_eachItsOwn(self):
        """What the publisher counts does not matter, and neither does what others were told."""
        first = Watcher(self, Event="dialog")
        self.assertEqual(first.told()[1], b"")
        tag = self.publishInfo(7)
        self.assertEqual(self.version(first), 0)
        self.network.advance(2)
        second = Watcher(self, Event="dialog")
        self.assertEqual(self.version(second), 0)
        tag = self.publishInfo(3, tag)
        self.assertEqual((self.version(first), self.version(second)), (1, 1))
        self.network.advance(2)
        self.published(b"", tag, "0", Event="dialog")
        self.assertEqual((first.told()[1], second.told()[1]), (b"", b""))
        for watcher in (first, second):
            watcher.says("0", Event="dialog")
            watcher.told()

    def test_refreshed(self):
        """A refresh is answered by one more, which is counted, too."""
        self.publishInfo(0)
        watcher = Watcher(self, Event="dialog")
        self.assertEqual(self.version(watcher), 0)
        for version in (1, 2):
            self.network.advance(2)
            watcher.says("600", Event="dialog")
            self.assertEqual(self.version(watcher), version)
        self.network.advance(2)
        self.assertEqual(watcher.count, 3)
        watcher.says("0", Event="dialog")
        watcher.told()

    def test_reg(self):
        """Those of reg as well."""
        self.agent_.set(ALICE, "reg", RegInfo(9, "full").toBytes())
        watcher = Watcher(self, Event="reg")
        self.assertEqual(RegInfo.parse(watcher.told()[1]).version, 0)
        watcher.says("0", Event="reg")
        watcher.told()

    def test_partial(self):
        """A part of the state is no state: 400, and InvalidValue to the application."""
        answer = self.publish(dialogs(1, "partial"), Event="dialog", Content_Type=DIALOG)
        self.assertEqual(answer.statusCode, 400)
        self.assertRaises(InvalidValue, self.agent_.set, ALICE, "dialog", dialogs(1, "partial"))

    def test_interval(self):
        """RFC 3856 section 6.10: of presence a NOTIFY in five seconds, with what holds by then."""
        watcher = Watcher(self, Event="presence")
        self.assertEqual(Presence.parse(watcher.told()[1]).tuples, ())
        tag = None
        for basic in ("open", "closed"):
            body = Presence.of(ALICE, basic).toBytes()
            tag = self.published(body, tag, Event="presence", Content_Type=PIDF)
        self.network.advance(4.9)
        self.assertEqual(watcher.count, 1)
        self.assertEqual(Presence.parse(watcher.told()[1]).basic, "closed")
        watcher.says("0", Event="presence")
        watcher.told()

    def test_names(self):
        """Of names those of event/ are known; a type is told from the package."""
        self.assertRaises(InvalidValue, self.begin, ["words"])
        self.assertEqual(self.publish(b"<x/>", Event="presence", Content_Type=DIALOG).headers.get("accept"), PIDF)


class TogetherTests(AgentCase):
    def test_tooMuch(self):
        """RFC 3903 section 6, step 5: what all publish together has a bound, or no watcher could be told of it."""
        self.begin(["presence"], limits=CompositorLimits(document=500))
        watcher = Watcher(self, Event="presence")
        watcher.told()
        one, two, three = (Presence.of(ALICE, "open", letter * 100).toBytes() for letter in "xyz")
        headers = {"Event": "presence", "Content_Type": PIDF}
        first = self.published(one, **headers)
        self.published(two, **headers)
        self.assertEqual(self.publish(three, **headers).statusCode, 413)
        self.assertEqual(len(Presence.parse(watcher.told()[1]).tuples), 2)
        # One that takes the place of another counts instead of it; and one that is withdrawn does not count.
        first = self.published(three, first, **headers)
        self.published(b"", first, "0", **headers)
        self.published(one, **headers)
        watcher.says("0", Event="presence")
        self.assertEqual(len(Presence.parse(watcher.told()[1]).tuples), 2)
