"""
Functions over the session descriptions of a call of ours (RFC 3264).
"""

from twisted.internet.defer import CancelledError, Deferred

from tests.media.test_modified import Adds, noVideo, ports
from tests.ua.calling import ANSWER, BOB, OFFER, CallerCase
from tests.ua.changing import Description
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.media.fixed import FixedMedia

#: What the modifier of these tests makes of OFFER.
MARKED = OFFER + b"a=x\r\n"
BOTH = OFFER + b"m=video 4002 RTP/AVP 31\r\n"
MARKS = Adds("a=x")
MARKS_ONCE = Adds("a=once")


class Waits:
    """A modifier that waits until the test lets it go on."""

    def __init__(self):
        self.cancelled = 0

    def __call__(self, description):
        def cancelled(_):
            self.cancelled += 1

        self.waiting = Deferred(cancelled)
        self.waiting.addCallback(lambda _: MARKS(description))
        return self.waiting


def raises(description):
    raise ZeroDivisionError


async def fails(description):
    raise ZeroDivisionError


class InviteTests(CallerCase):
    def stands(self, calling, invite):
        self.peer.respond(invite, 200, body=ANSWER)
        self.peer.expect("ACK")
        return self.successResultOf(calling)

    def test_offer(self):
        """RFC 3261 section 13.2.1: the offer goes out as modified, whatever it comes from, and is in force."""
        for how in ({"body": OFFER}, {"body": None, "media": FixedMedia(OFFER)}):
            calling, invite = self.invite(modifiers=[MARKS], **how)
            self.assertEqual((invite.body, invite.headers.get("content-type")), (MARKED, "application/sdp"))
            dialog = self.stands(calling, invite)
            self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (MARKED, ANSWER))
            dialog.destroy()
            self.endsBye()
        self.assertNothingLeft()

    def test_context(self):
        context, invite = self.context(modifiers=iter([MARKS]))
        self.assertEqual(invite.body, MARKED)
        context.cancel()
        self.network.advance(1)
        self.peer.respond(invite, 487)
        self.failureResultOf(context.whenAnswered(), CancelledError)
        self.assertNothingLeft()

    def test_lateOffer(self):
        """13.2.1: without an offer of ours it is the answer in the ACK."""
        calling, invite = self.invite(body=b"", media=FixedMedia(OFFER), modifiers=[MARKS])
        self.assertEqual(invite.body, b"")
        self.peer.respond(invite, 200, body=ANSWER)
        ack = self.peer.expect("ACK")
        self.assertEqual(ack.body, MARKED)
        self.assertEqual(self.successResultOf(calling).local.sdp, MARKED)
        self.alice.dialogs[0].destroy()
        self.endsBye()
        self.assertNothingLeft()

    def test_waits(self):
        """The INVITE waits for one that waits."""
        waits = Waits()
        calling = self.alice.invite(BOB, body=OFFER, modifiers=[waits])
        self.network.advance(1)
        self.assertEqual(self.network.seenBy(self.alice), [])
        waits.waiting.callback(None)
        invite = self.peer.expect("INVITE")
        self.assertEqual(invite.body, MARKED)
        self.stands(calling, invite).destroy()
        self.endsBye()
        self.assertNothingLeft()

    def test_cancelled(self):
        """9.1: the call is given up while one waits: it is cancelled, and nothing is sent."""
        waits = Waits()
        calling = self.alice.invite(BOB, body=OFFER, modifiers=[waits])
        self.network.advance(1)
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        self.assertEqual((waits.cancelled, self.network.seenBy(self.alice)), (1, []))
        self.assertNothingLeft()

    def test_raises(self):
        """The call fails with what one raised, and nothing is sent; the media are closed."""
        for modifier in (raises, fails):
            media = Description()
            calling = self.alice.invite(BOB, media=media, modifiers=[MARKS, modifier])
            self.network.advance(1)
            self.failureResultOf(calling, ZeroDivisionError)
            self.assertEqual(media.calls, ["offer", "rollback", "close"])
        calling = self.alice.invite(BOB, body=OFFER, modifiers=[lambda d: d.toBytes()])
        self.network.advance(1)
        self.failureResultOf(calling, InvalidValue)
        self.assertEqual(self.network.seenBy(self.alice), [])
        self.assertNothingLeft()

    def test_raisesLate(self):
        """13.2.2.4: what cannot be answered in the ACK is acknowledged, and ended."""
        calling, invite = self.invite(body=b"", media=FixedMedia(OFFER), modifiers=[raises])
        self.peer.respond(invite, 200, body=ANSWER)
        self.assertEqual(ports(self.peer.expect("ACK").body), [("audio", 0)])
        self.endsBye()
        self.failureResultOf(calling, ZeroDivisionError)
        self.assertEqual(self.notes.reasons, [Reason.MEDIA_LOST])
        self.assertNothingLeft()

    def test_refusedBefore(self):
        """What cannot be so is told at once."""
        for how in (
            {"body": b"nonsense"},
            {"body": OFFER, "contentType": "text/plain"},
            {"body": OFFER, "modifiers": ["a=x"]},
            {"body": OFFER, "modifiers": MARKS},
        ):
            self.assertRaises(InvalidValue, self.alice.invite, BOB, **{"modifiers": [MARKS], **how})
        self.assertEqual(self.network.seenBy(self.alice), [])
        self.assertNothingLeft()

    def test_forks(self):
        """13.2.2.4: each dialog takes its own answer to what was sent."""
        calling, invite = self.invite(body=None, media=FixedMedia(BOTH), modifiers=[noVideo, MARKS])
        self.assertEqual(invite.body, MARKED)
        for tag in ("one", "two"):
            self.fork(invite, 183, tag)
        self.network.advance(0.1)
        self.fork(invite, 200, "two")
        self.fork(invite, 200, "one")
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        self.assertEqual((dialog.sip.remoteTag, dialog.local.sdp), ("two", MARKED))
        self.endsBye()
        dialog.destroy()
        self.endsBye()
        self.assertNothingLeft()


class ForkTests(CallerCase):
    settings = {"forkedAnswers": "all"}

    def test_both(self):
        """Each fork has the modifiers: its next offer is the same description."""
        calling, invite = self.invite(body=None, media=FixedMedia(BOTH), modifiers=[noVideo, MARKS])
        for tag in ("one", "two"):
            self.fork(invite, 200, tag)
        self.network.advance(1)
        self.successResultOf(calling)
        for dialog in self.notes.confirmed:
            self.assertEqual((dialog.local.sdp, dialog.remote.sdp), (MARKED, ANSWER))
            changing = dialog.modify("sendrecv")
            again = self.peer.expect("INVITE")
            self.assertEqual(again.body, MARKED)
            self.peer.respond(again, 200, body=ANSWER)
            self.network.advance(1)
            self.assertEqual(self.successResultOf(changing), ANSWER)
        self.assertEqual(len(self.notes.confirmed), 2)
        for dialog in self.notes.confirmed:
            dialog.destroy()
            self.endsBye()
        self.assertNothingLeft()
