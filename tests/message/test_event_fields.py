"""Header fields about events and other dialogs (RFC 3326, 3515, 3891, 3911, 4028, 4538, 6665)."""

from tests.message.cases import FieldCase
from twisted_sipdialog.message.fields import (
    EventField,
    Join,
    MinSE,
    Reason,
    Replaces,
    RetryAfter,
    SessionExpires,
    SubscriptionState,
    TargetDialog,
    parseField,
)


class EventTests(FieldCase):
    def test_event(self) -> None:
        self.reads("presence.winfo", EventField("presence.winfo"))
        self.reads("Refer ; ID=93809824;x", EventField("Refer", "93809824", {"x": None}))
        self.refuses(EventField, "", ";id=1", "a b", "a;id", "a;id=", "a;id=1;id=1", "a,b")

    def test_subscriptionState(self) -> None:
        self.reads("Active;expires=600", SubscriptionState("active", expires=600))
        self.reads(
            "terminated;reason=Probation;retry-after=9;x=y",
            SubscriptionState("terminated", "probation", None, 9, {"x": "y"}),
        )
        self.reads("waiting", SubscriptionState("waiting"))
        self.refuses(
            SubscriptionState, "", ";x", "active;expires", "active;expires=x", "active;expires=4294967296", "a;reason"
        )

    def test_replaces(self) -> None:
        """RFC 3891 section 6.1: both tags, once each."""
        self.reads(
            "98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff",
            Replaces("98732@sip.example.com", "ff87ff", "r33th4x0r"),
        )
        self.reads("a;to-tag=0;from-tag=0;Early-Only;x=1", Replaces("a", "0", "0", True))
        self.reads(
            "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{;to-tag=a=b;from-tag=c",
            Replaces("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "a=b", "c"),
        )
        self.refuses(
            Replaces,
            "",
            "a",
            ";to-tag=1;from-tag=2",
            "a;to-tag=1",
            "a;from-tag=1",
            "a;to-tag;from-tag=1",
            "a;to-tag=;from-tag=1",
            'a;to-tag="";from-tag=1',
            "a;to-tag=1;to-tag=1;from-tag=2",
            "a b;to-tag=1;from-tag=2",
            "a,b;to-tag=1;from-tag=2",
        )

    def test_joinAndTargetDialog(self) -> None:
        self.reads("12adf2f34456gs5;to-tag=12345;from-tag=54321", Join("12adf2f34456gs5", "12345", "54321"))
        self.reads(
            "fa77as7dad8-sd98ajzz@host;local-tag=kkaz-;remote-tag=6544",
            TargetDialog("fa77as7dad8-sd98ajzz@host", "kkaz-", "6544"),
        )
        self.refuses(Join, "", "a", "a;to-tag=1", "a;local-tag=1;remote-tag=2")
        self.refuses(TargetDialog, "", "a", "a;local-tag=1", "a;to-tag=1;from-tag=2")

    def test_sessionTimers(self) -> None:
        """RFC 4028 sections 4 and 5."""
        self.reads("4000;Refresher=UAC;x", SessionExpires(4000, "uac", {"x": None}))
        self.reads(" 90 ", SessionExpires(90))
        self.refuses(SessionExpires, "", "x", "90;refresher", "90;refresher=me", "90;refresher=", "-1", "4294967296")
        self.reads("60;lr", MinSE(60, {"lr": None}))
        self.refuses(MinSE, "", "x", "60;", "+60")

    def test_retryAfter(self) -> None:
        """RFC 3261 section 20.33."""
        self.reads("18000;duration=3600", RetryAfter(18000, 3600))
        self.reads("120 (I'm in a meeting)", RetryAfter(120, None, "I'm in a meeting"))
        self.reads("120(a (b) \\) ;c) ; duration=3;x=y", RetryAfter(120, 3, "a (b) \\) ;c", {"x": "y"}))
        self.reads('5;x="("', RetryAfter(5, parameters={"x": "("}))
        self.refuses(
            RetryAfter,
            "",
            "()",
            "x",
            "949302838503028349304023988",
            "5 (",
            "5 (a",
            "5 (a))",
            "5 (\\)",
            "5 () x",
            "5;duration",
            "5 (a\nb)",
        )

    def test_reason(self) -> None:
        """RFC 3326: the text is always quoted."""
        self.reads('SIP ;cause=200 ;text="Call completed elsewhere"', Reason("SIP", 200, "Call completed elsewhere"))
        self.reads("Q.850;Cause=16;x", Reason("Q.850", 16, None, {"x": None}))
        self.assertEqual(str(Reason("SIP", 487, "Gone")), 'SIP;cause=487;text="Gone"')
        self.refuses(Reason, "", ";cause=1", "SIP;cause=x", "SIP;cause", "SIP;cause=-1", "SIP;cause=1;cause=2", "a b")

    def test_noParameterIsLost(self) -> None:
        """What has an attribute leaves C{parameters}, and only that."""
        value = parseField("session-expires", ["90;refresher=uas;x=1"])
        self.assertEqual(value.parameters, {"x": "1"})
