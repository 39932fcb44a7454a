"""
INFO (RFC 6086), and digits that go by it.
"""

from twisted.internet.defer import CancelledError

from tests.ua.callee import ANSWER, OFFER, Callee, CalleeTestCase, Notes
from tests.ua.calling import CallerCase
from twisted_sipdialog.delegates import DialogDelegate
from twisted_sipdialog.dialog.ended import Reason
from twisted_sipdialog.errors import DialogTerminated, InvalidValue, ResponseError, Timeout, TransportError

RELAY = {"Content-Type": "application/dtmf-relay"}


class Hearing(Callee):
    """A callee who hears digits."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.tones = []

    def toneReceived(self, dialog, tone, duration):
        self.tones.append((dialog, tone, duration))


class Asked(Hearing):
    """One who takes INFO, too."""

    def __init__(self, answer=None):
        super().__init__(answer)
        self.infos = []

    def infoReceived(self, context):
        self.infos.append(context)
        context.accept()


class InfoCase(CalleeTestCase):
    def stand(self, callee=None, headers=None, **settings):
        self.callee = callee or Hearing()
        self.userAgent = self.agent(self.callee, **settings)
        invite = self.peer.request("INVITE", self.userAgent, headers=headers or {}, body=OFFER)
        self.ok = self.finalTo(invite)
        self.peer.ack(self.ok)
        self.network.advance(0.01)
        self.dialog = self.callee.dialog

    def info(self, body=b"", headers=RELAY):
        return self.finalTo(self.peer.request("INFO", within=self.ok, headers=headers, body=body)).statusCode

    def stands(self):
        self.assertEqual(self.userAgent.dialogs, [self.dialog])
        self.finalTo(self.peer.request("BYE", within=self.ok))
        self.assertEqual(self.callee.events, ["confirmed", "terminated"])


class ToneTests(InfoCase):
    def test_heard(self):
        """A digit in an INFO is told with its dialog and its seconds, and answered with 200."""
        self.stand()
        for body, kind, tone, duration in (
            (b"Signal=5\r\nDuration=160\r\n", "application/dtmf-relay", "5", 0.16),
            (b"Signal= #\nDuration= 250", "Application/DTMF-Relay", "#", 0.25),
            (b"Signal=11\r\n", "application/dtmf-relay; charset=utf-8", "#", None),
            (b"Signal=*", "application/dtmf-relay", "*", None),
            (b"d", "application/dtmf", "D", None),
            (b"0\r\n", "application/dtmf", "0", None),
        ):
            self.assertEqual(self.info(body, {"Content-Type": kind}), 200, body)
            self.assertEqual(self.callee.tones.pop(), (self.dialog, tone, duration))
        self.assertEqual(self.callee.tones, [])
        self.stands()

    def test_repeated(self):
        """A retransmission is no second digit (RFC 3261 section 17.2.2)."""
        self.stand()
        request = self.peer.request("INFO", within=self.ok, headers=RELAY, body=b"Signal=1")
        for _ in range(3):
            self.peer.send(request.toBytes(), self.userAgent)
        self.network.advance(1)
        self.assertEqual(len(self.callee.tones), 1)
        self.stands()

    def test_unreadable(self):
        """What holds no digit: 400, nobody hears anything, and the call goes on."""
        self.stand()
        for body in (
            b"",
            b"Signal=",
            b"Signal=x",
            b"Signal=12345",
            b"Duration=100",
            b"Signal=1\r\nDuration=x",
            b"\xff",
        ):
            self.assertEqual(self.info(body), 400, body)
        self.assertEqual(self.callee.tones, [])
        self.stands()

    def test_both(self):
        """The dialog's delegate and the user agent's both hear it; a deaf one that takes INFO gets no digit."""
        own, callee = Hearing(), Asked()
        callee.answer = lambda context: context.accept(body=ANSWER, delegate=own) and None
        self.stand(callee)
        self.assertEqual(self.info(b"Signal=7"), 200)
        self.assertEqual((own.tones, callee.tones), ([(self.dialog, "7", None)], [(self.dialog, "7", None)]))
        self.assertEqual(callee.infos, [])
        # Another body is an INFO like any other.
        self.assertEqual(self.info(b"x", {"Content-Type": "text/plain"}), 200)
        (context,) = callee.infos
        self.assertEqual((context.dialog, context.body, context.contentType), (self.dialog, b"x", "text/plain"))
        self.stands()

    def test_deaf(self):
        """Where nobody hears digits, the INFO goes to who takes INFO, else by default."""
        for delegate, status in ((Callee(), 200), (DialogDelegate(), 200)):
            callee = Callee()
            callee.answer = lambda context, own=delegate: context.accept(body=ANSWER, delegate=own) and None
            self.stand(callee)
            self.assertEqual(self.info(b"Signal=7"), status)
            self.stands()

    def test_raising(self):
        """A delegate that raises does not hurt the call."""

        class Raising(Callee):
            def toneReceived(self, dialog, tone, duration):
                raise ZeroDivisionError

        self.stand(Raising())
        self.assertEqual(self.info(b"Signal=7"), 200)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.stands()


class PackageTests(InfoCase):
    def test_unknown(self):
        """RFC 6086 section 4.2.2: 469 with the packages that would do; a digit in one is none."""
        self.stand(infoPackages=("foo", "bar"))
        for package in ("baz", "foobar", "fo", ""):
            request = self.peer.request("INFO", within=self.ok, headers={**RELAY, "Info-Package": package}, body=b"1")
            answer = self.finalTo(request)
            self.assertEqual(answer.statusCode, 469, package)
            self.assertEqual(answer.headers.elements("recv-info"), ["foo", "bar"])
        self.assertEqual(self.callee.tones, [])
        self.stands()

    def test_none(self):
        """Section 5.2.3: who takes none says nil."""
        self.stand()
        answer = self.finalTo(self.peer.request("INFO", within=self.ok, headers={"Info-Package": "foo"}))
        self.assertEqual((answer.statusCode, answer.headers.get("recv-info")), (469, "nil"))
        self.stands()

    def test_known(self):
        """One that we take goes to the delegate, parameters and all."""
        callee = Asked()
        self.stand(callee, infoPackages=("foo",))
        self.assertEqual(self.ok.headers.elements("recv-info"), ["foo"])
        self.assertEqual(self.info(b"Signal=1", {**RELAY, "Info-Package": "foo;x=1"}), 200)
        self.assertEqual(callee.infos[0].request.headers.get("info-package"), "foo;x=1")
        self.assertEqual(callee.tones, [])
        self.stands()

    def test_told(self):
        """Section 5.2.3: Recv-Info stands in INVITE, UPDATE and their 2xx, and in the 200 to OPTIONS."""
        self.stand(infoPackages=("foo", "bar"))
        answers = [self.ok, self.finalTo(self.peer.request("OPTIONS", within=self.ok))]
        answers.append(self.finalTo(self.peer.request("UPDATE", within=self.ok)))
        self.dialog.update()
        update = self.peer.expect("UPDATE")
        self.peer.respond(update, 200)
        for message in (*answers, update):
            self.assertEqual(message.headers.elements("recv-info"), ["foo", "bar"], message)
        self.stands()


class SendingTests(CallerCase):
    def digits(self, *arguments, **how):
        self.dialog, self.sent, _ = self.call()
        sending = self.dialog.dtmf(*arguments, **how)
        self.addCleanup(sending.addErrback, lambda _: None)
        self.start = self.network.clock.seconds()
        return sending

    def next(self, status=200, seconds=10.0):
        """The next digit: what it says, and when it was sent."""
        info = self.peer.expect("INFO", seconds)
        at = round(self.network.clock.seconds() - self.start - 0.01, 2)
        self.peer.respond(info, status)
        self.assertEqual(info.headers.get("content-type"), "application/dtmf-relay")
        return info.body, at

    def test_sequence(self):
        """One after the other, each once its predecessor is answered, with the gap between; a comma is two seconds."""
        sending = self.digits("1a,#", duration=0.25, gap=0.1)
        self.assertEqual(self.next(), (b"Signal=1\r\nDuration=250\r\n", 0.0))
        self.assertEqual(self.next(), (b"Signal=A\r\nDuration=250\r\n", 0.12))
        self.assertEqual(self.next(), (b"Signal=#\r\nDuration=250\r\n", 2.14))
        self.assertNoResult(sending)
        self.network.advance(0.1)
        self.assertIsNone(self.successResultOf(sending))
        self.assertEqual(self.count("INFO"), 3)

    def test_default(self):
        """A tenth of a second each, and half a second between."""
        self.digits("12")
        self.assertEqual(self.next(), (b"Signal=1\r\nDuration=100\r\n", 0.0))
        self.assertEqual(self.next()[1], 0.52)

    def test_wrong(self):
        """What cannot be sent raises, and nothing is."""
        dialog, _, _ = self.call()
        for arguments in (("",), ("x",), ("1 2",), ("1", 0.06), ("1", 6.1), ("1", 0.1, 0.04), ("1", float("nan"))):
            self.assertRaises(InvalidValue, dialog.dtmf, *arguments)
        for gap in ("nan", "inf"):
            self.assertRaises(InvalidValue, dialog.dtmf, "12", 0.1, float(gap))
        self.network.advance(1)
        self.assertEqual(self.count("INFO"), 0)

    def test_refused(self):
        """The first that is refused ends it, not the call (RFC 5057 section 5.1)."""
        sending = self.digits("123")
        self.next()
        self.next(415)
        self.network.advance(20)
        self.assertEqual(self.failureResultOf(sending, ResponseError).value.statusCode, 415)
        self.assertEqual((self.count("INFO"), self.notes.ended), (2, []))

    def test_silence(self):
        """RFC 5057 section 5.1: an INFO that nobody answers ends the digits, not the call."""
        sending = self.digits("12")
        self.peer.expect("INFO")
        self.network.advance(40)
        self.failureResultOf(sending, Timeout)
        self.assertEqual((self.notes.ended, self.alice.dialogs), ([], [self.dialog]))

    def test_ended(self):
        """The call ends meanwhile: between two digits, in a pause, and while one is on its way."""
        for tones in ("12", ",1", "1"):
            self.notes.ended.clear()
            sending = self.digits(tones)
            if tones == "12":
                self.next()
                self.network.advance(0.1)
            self.peer.request("BYE", within=self.sent)
            self.network.advance(40)
            self.failureResultOf(sending, DialogTerminated, Timeout)
            self.assertEqual(self.notes.reasons, [Reason.REMOTE_BYE])
            self.assertNothingLeft()

    def test_afterwards(self):
        """On a call that is over."""
        dialog, _, _ = self.call()
        dialog.destroy()
        self.failureResultOf(dialog.dtmf("1"), DialogTerminated)
        self.endsBye()

    def test_cancelled(self):
        """Cancelling it sends no more of them."""
        sending = self.digits("123")
        self.next()
        self.network.advance(0.1)
        sending.cancel()
        self.failureResultOf(sending, CancelledError)
        self.network.advance(20)
        self.assertEqual(self.count("INFO"), 1)

    def test_stop(self):
        """The service stops meanwhile."""
        sending = self.digits("1,2")
        self.next()
        self.network.advance(0.1)
        self.alice.stopService()
        self.endsBye()
        self.network.advance(10)
        self.failureResultOf(sending, DialogTerminated, TransportError)
        self.assertNothingLeft()

    def test_early(self):
        """An early dialog takes them, too: announcements ask for digits (RFC 6086 section 4.1)."""
        context, invite = self.context()
        self.peer.respond(invite, 183)
        self.network.advance(0.1)
        sending = context.dialog.dtmf("5")
        self.peer.respond(self.peer.expect("INFO"), 200)
        self.network.advance(0.1)
        self.assertIsNone(self.successResultOf(sending))
        self.peer.respond(invite, 486)
        self.network.advance(0.1)

    def test_heard(self):
        """Between two of us: what is sent is what is heard."""
        callee = Hearing()
        self.network.userAgent("sip:desk@b.example", callee)
        own = Notes()
        calling = self.alice.invite("sip:desk@b.example", body=OFFER, delegate=own)
        self.network.advance(1)
        dialog = self.successResultOf(calling)
        sending = dialog.dtmf("0123456789*#abcd", duration=0.07, gap=0.05)
        self.network.advance(10)
        self.successResultOf(sending)
        self.assertEqual("".join(tone for _, tone, _ in callee.tones), "0123456789*#ABCD")
        self.assertEqual({duration for _, _, duration in callee.tones}, {0.07})
        dialog.destroy()
        self.network.advance(1)
