"""
Subscriptions of ours to event packages that are known by name: what is asked for, and what is read (RFC 6665 section
5.4, and the RFC of each).
"""

from tests.ua.subscribed import SubscribedCase
from twisted_sipdialog.event import PACKAGES

OPEN = (
    b'<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@peer.example">'
    b'<tuple id="a"><status><basic>open</basic></status></tuple></presence>'
)
WAITING = b"Messages-Waiting: yes\r\n"


def dialogs(version, state="partial", *ids):
    """A document of RFC 4235."""
    entries = "".join(f'<dialog id="{name}"><state>confirmed</state></dialog>' for name in ids)
    return (
        f'<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}"'
        f' state="{state}" entity="sip:alice@peer.example">{entries}</dialog-info>'
    ).encode()


class PackageTests(SubscribedCase):
    def knows(self, name, body=b""):
        """A subscription to C{name} whose first NOTIFY has C{body}."""
        self.kind = PACKAGES[name].accept[0] if name in PACKAGES else "text/x-count"
        self.subscribes(event=name)
        self.grants(200, "600")
        self.told_("active", body)
        return self.successResultOf(self.subscribing)

    def told_(self, state, body, code=200):
        self.assertEqual(self.notifies(state, body, Content_Type=self.kind if body else None).statusCode, code)

    def test_asked(self):
        """Accept and Expires are as the RFC of the package has them, unless the application says otherwise."""
        for name, kind, seconds in (
            ("presence", "application/pidf+xml", "3600"),
            ("message-summary", "application/simple-message-summary", "3600"),
            ("dialog", "application/dialog-info+xml", "3600"),
            ("reg", "application/reginfo+xml", "3761"),
            ("conference", "application/conference-info+xml", "3600"),
        ):
            self.subscribes(event=name)
            self.assertEqual((self.header("accept"), self.header("expires")), (kind, seconds))
            self.grants(403)
            self.subscribes(event=name, accept=("text/a",), expires=77)
            self.assertEqual((self.header("accept"), self.header("expires")), ("text/a", "77"))
            self.grants(403)
            self.left()

    def test_unknown(self):
        """A package that nobody knows, and a template on one that is known, are had as bytes."""
        for name in ("x-state", "presence.winfo", "Presence"):
            subscription = self.knows(name, b"<watcherinfo/>")
            self.assertEqual((subscription.package, subscription.value), (None, None))
            self.assertEqual(subscription.notification.body, b"<watcherinfo/>")
            self.assertIsNone(self.header("accept"))
            self.finishes(subscription)

    def test_presence(self):
        """RFC 3856 section 6.5: each document is the whole."""
        subscription = self.knows("presence;a=b", b"")
        self.kind = "application/pidf+xml"
        self.assertIsNone(subscription.value)
        self.told_("active", OPEN)
        value = PACKAGES["presence"].parse(self.kind, OPEN)
        self.assertEqual(subscription.value, value)
        self.told_("active", b"<presence", 400)
        self.assertIsNotNone(self.told.detail("notified").error)
        self.kind = "application/xml"
        self.told_("active", OPEN, 415)
        self.assertEqual(subscription.value, value)
        self.none(10)
        self.finishes(subscription)

    def test_messageSummary(self):
        """RFC 3842 section 3.6: a text."""
        subscription = self.knows("message-summary", WAITING)
        self.assertEqual(subscription.value, PACKAGES["message-summary"].parse(self.kind, WAITING))
        self.finishes(subscription)

    def test_dialog(self):
        """RFC 4235 section 4.3: a partial document adds to the one before; where one is missing, the whole is asked."""
        subscription = self.knows("dialog", dialogs(0, "full", "a"))
        self.told_("active", dialogs(1, "partial", "b"))
        self.assertEqual(self.there(subscription), ["a", "b"])
        self.none(5)
        self.told_("active", dialogs(3, "partial", "d"))
        self.next(0.1)
        self.assertEqual((self.header("expires"), self.request.toTag), ("3600", self.peer.tag))
        self.grants(200, "600")
        self.told_("active", dialogs(4, "full", "a", "b", "c", "d"))
        self.assertEqual(self.there(subscription), ["a", "b", "c", "d"])
        self.told_("active", dialogs(2, "partial", "x"))
        self.assertEqual(self.there(subscription), ["a", "b", "c", "d"])
        self.none(5)
        self.finishes(subscription)

    def there(self, subscription):
        return sorted(dialog.id for dialog in subscription.value.dialogs)

    def test_dialogAnew(self):
        """Section 4.3 there: the versions of one subscription are none of the next one's."""
        subscription = self.knows("dialog", dialogs(7, "full", "a"))
        self.network.advance(100)
        self.notified("terminated;reason=timeout")
        self.next(0.1)
        self.grants(200, "600")
        self.told_("active", dialogs(0, "full", "b"))
        self.assertEqual(self.there(subscription), ["b"])
        self.finishes(subscription)

    def test_fetch(self):
        """Section 4.4.3: a fetch has its value, too."""
        agent = self.userAgent = self.agent()
        fetching = agent.fetch("sip:alice@peer.example", "presence")
        self.next(0.1)
        self.grants(200, "0")
        self.kind = "application/pidf+xml"
        self.told_("terminated;reason=timeout", OPEN)
        self.assertEqual(self.successResultOf(fetching).value, PACKAGES["presence"].parse(self.kind, OPEN))
        self.left()
