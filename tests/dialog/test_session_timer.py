"""
What two sides agree on about the life of a session (RFC 4028).
"""

from unittest import TestCase

from twisted_sipdialog.dialog.session_timer import LOCAL, REMOTE, Interval, Terms
from twisted_sipdialog.message import Request, Response

LINES = [
    ("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"),
    ("From", "<sip:alice@a.example>;tag=at"),
    ("To", "<sip:bob@b.example>"),
    ("Call-ID", "1@a.example"),
    ("CSeq", "7 INVITE"),
]
KNOWS = ("Supported", "replaces, timer")


def request(*more, expires=None, minimum=None):
    return Request("INVITE", "sip:bob@b.example", [*LINES, *more, *_lines(expires, minimum)])


def response(*more, code=200, expires=None, minimum=None):
    return Response(code, None, [*LINES, *more, *_lines(expires, minimum)])


def _lines(expires, minimum):
    named = (("Session-Expires", expires), ("Min-SE", minimum))
    return [(name, str(value)) for name, value in named if value is not None]


class IntervalTests(TestCase):
    def test_refreshAfter(self):
        """
        Section 7.4: after half of the interval.
        """
        self.assertEqual([Interval(n, LOCAL).refreshAfter for n in (90, 1800, 91)], [45, 900, 45.5])

    def test_overAfter(self):
        """
        Section 10: BYE comes before the interval is over, by 32 seconds or a third of it, whichever is less.
        """
        for seconds, after in ((1800, 1768), (120, 88), (97, 65), (96, 64), (90, 60), (30, 20)):
            self.assertAlmostEqual(Interval(seconds, REMOTE).overAfter, after, msg=seconds)

    def test_refreshedInTime(self):
        """
        The refresh is always due before the end.
        """
        for seconds in (1, 2, 90, 95, 96, 97, 1800, 2**32 - 1):
            interval = Interval(seconds, LOCAL)
            self.assertLess(interval.refreshAfter, interval.overAfter, seconds)
            self.assertLess(interval.overAfter, seconds)


class AskTests(TestCase):
    def test_off(self):
        """
        Nothing is asked for, and nothing learnt.
        """
        off = Terms(mode="off")
        self.assertEqual(off.ask(), [])
        self.assertEqual(off.ask(Interval(300, LOCAL), 120), [])
        self.assertIsNone(off.learn(response(expires="300;refresher=uas")))

    def test_first(self):
        """
        Section 7.1: the interval, without a refresher unless one is wanted; Min-SE only where it is not 90 anyway.
        """
        for terms, lines in (
            (Terms(), [("Session-Expires", "1800")]),
            (Terms(mode="always", seconds=600), [("Session-Expires", "600")]),
            (Terms(refresher=LOCAL), [("Session-Expires", "1800;refresher=uac")]),
            (Terms(refresher=REMOTE), [("Session-Expires", "1800;refresher=uas")]),
            (Terms(minimum=120), [("Session-Expires", "1800"), ("Min-SE", "120")]),
        ):
            self.assertEqual(terms.ask(), lines)

    def test_notBelowTheMinimum(self):
        """
        Section 4: an interval is never asked for that is shorter than Min-SE.
        """
        self.assertEqual(Terms(seconds=60).ask(), [("Session-Expires", "90")])
        expected = [("Session-Expires", "300;refresher=uac"), ("Min-SE", "300")]
        self.assertEqual(Terms(minimum=300).ask(Interval(200, LOCAL)), expected)

    def test_after422(self):
        """
        Section 7.3: the next request MUST carry the Min-SE of the 422, or the greater of ours, and an interval that is
        not below it.
        """
        for terms, minimum, lines in (
            (Terms(), 3600, [("Session-Expires", "3600"), ("Min-SE", "3600")]),
            (Terms(), 120, [("Session-Expires", "1800"), ("Min-SE", "120")]),
            (Terms(minimum=300), 120, [("Session-Expires", "1800"), ("Min-SE", "300")]),
            (Terms(refresher=LOCAL), 3600, [("Session-Expires", "3600;refresher=uac"), ("Min-SE", "3600")]),
        ):
            self.assertEqual(terms.ask(minimum=minimum), lines)
        expected = [("Session-Expires", "600;refresher=uas"), ("Min-SE", "600")]
        self.assertEqual(Terms().ask(Interval(300, REMOTE), 600), expected)

    def test_refresh(self):
        """
        Section 7.4: a refresh asks for what is agreed and names who refreshes, by the roles of this request, whatever
        was wanted at first.
        """
        for refresher in (None, LOCAL, REMOTE):
            terms = Terms(refresher=refresher)
            self.assertEqual(terms.ask(Interval(300, LOCAL)), [("Session-Expires", "300;refresher=uac")])
            self.assertEqual(terms.ask(Interval(300, REMOTE)), [("Session-Expires", "300;refresher=uas")])


class RaisedTests(TestCase):
    def test_raised(self):
        """
        Section 7.3: the Min-SE of the 422.
        """
        self.assertEqual(Terms().raised(response(code=422, minimum=3600)), 3600)
        self.assertEqual(Terms().raised(response(code=422, minimum="3600;x=1"), 1800), 3600)

    def test_noReason(self):
        """
        Another status, no Min-SE, one that cannot be read, or one that was met already: no reason to try again.
        """
        for refusal, least in (
            (response(code=421, minimum=3600), 0),
            (response(code=422), 0),
            (response(code=422, minimum="x"), 0),
            (response(("Min-SE", "100"), code=422, minimum=3600), 0),
            (response(code=422, minimum=90), 0),
            (response(code=422, minimum=3600), 3600),
            (response(code=422, minimum=3599), 3600),
        ):
            self.assertIsNone(Terms().raised(refusal, least), (refusal, least))
        self.assertIsNone(Terms(minimum=300).raised(response(code=422, minimum=300)))

    def test_loopsEnd(self):
        """
        Two on the way that name different minima do not send us to and fro: what is asked for only grows, and each is
        asked at most once more.
        """
        terms, least, asked = Terms(), 0, []
        for minimum in (2000, 3000, 2000, 3000):
            least = terms.raised(response(code=422, minimum=minimum), least)
            if least is None:
                break
            asked.append(terms.ask(minimum=least)[0][1])
        self.assertEqual(asked, ["2000", "3000"])
        self.assertIsNone(terms.raised(response(code=422, minimum=2**32 - 1), 2**32 - 1))


class LearnTests(TestCase):
    def test_agreed(self):
        """
        Section 7.2: the interval of the 2xx counts, not the one that was asked for; uac is who sent the request.
        """
        for text, interval in (
            ("1800;refresher=uac", Interval(1800, LOCAL)),
            ("300;refresher=uas", Interval(300, REMOTE)),
            ("4000;Refresher=UAS", Interval(4000, REMOTE)),
            # The parameter is mandatory; without it the refreshing is better done than not.
            ("300", Interval(300, LOCAL)),
        ):
            for mode in ("supported", "always"):
                self.assertEqual(Terms(mode=mode, refresher=REMOTE).learn(response(expires=text)), interval, text)

    def test_none(self):
        """
        Section 7.2: without Session-Expires there is no expiration; who wants it refreshes by himself.
        """
        self.assertIsNone(Terms().learn(response()))
        self.assertEqual(Terms(mode="always", seconds=600).learn(response()), Interval(600, LOCAL))
        self.assertEqual(Terms(mode="always", seconds=60).learn(response()), Interval(90, LOCAL))

    def test_unreadable(self):
        """
        What cannot be read agrees to nothing.
        """
        for text in ("x", "-1", "", "300;refresher=me"):
            self.assertIsNone(Terms().learn(response(expires=text)), text)

    def test_minimum(self):
        """
        Section 4: nothing below the minimum, which would have us send requests without end.
        """
        for seconds in (0, 1, 89):
            self.assertEqual(Terms().learn(response(expires=f"{seconds};refresher=uac")), Interval(90, LOCAL))


class RefusalTests(TestCase):
    def test_tooSmall(self):
        """
        Section 9: 422 with our minimum.
        """
        for knows in (KNOWS, ("k", "timer"), ("Require", "timer"), ("Supported", "TIMER")):
            refusal = Terms(minimum=120).refusal(request(knows, expires=119))
            self.assertEqual(refusal.statusCode, 422)
            self.assertEqual(refusal.headers.getAll("min-se"), ["120"])
            self.assertEqual(refusal.callId, "1@a.example")

    def test_notTooSmall(self):
        """
        Section 9: the minimum itself is enough, and nothing need be asked for; Min-SE alone is no interval.
        """
        terms = Terms(minimum=120)
        for one in (
            request(KNOWS, expires=120),
            request(KNOWS, expires="1800;refresher=uac", minimum=90),
            request(KNOWS),
            request(KNOWS, minimum=60),
            request(),
        ):
            self.assertIsNone(terms.refusal(one))

    def test_wouldNotUnderstand(self):
        """
        Sections 8.1 and 9: a 422 for a caller who does not know session timers would only make the call fail.
        """
        for one in (request(expires=60), request(("Supported", "replaces"), expires=60)):
            self.assertIsNone(Terms(minimum=120).refusal(one))

    def test_off(self):
        """
        Who does not do session timers refuses none.
        """
        for text in ("10", "x"):
            self.assertIsNone(Terms(mode="off").refusal(request(KNOWS, expires=text)))

    def test_unreadable(self):
        """
        RFC 3261 section 21.4.1: what cannot be read is a bad request.
        """
        for one in (
            request(KNOWS, expires="x"),
            request(KNOWS, expires="1800;refresher=me"),
            request(KNOWS, ("Session-Expires", "90"), expires=1800),
            request(KNOWS, expires=1800, minimum="x"),
        ):
            self.assertEqual(Terms().refusal(one).statusCode, 400)


class AnswerTests(TestCase):
    def check(self, terms, one, seconds, role):
        """The session lives so long and is refreshed by C{role}, and the 2xx says so."""
        interval, lines = terms.answer(one)
        self.assertEqual(interval, Interval(seconds, {"uas": LOCAL, "uac": REMOTE}[role]))
        self.assertIn(("Session-Expires", f"{seconds};refresher={role}"), lines)
        # Section 9: who is to refresh has to know it.
        if role == "uac":
            self.assertIn(("Require", "timer"), lines)
        self.assertLessEqual({name for name, _ in lines}, {"Session-Expires", "Require"})

    def test_unsupported(self):
        """
        Table 2, rows 1 to 3: a caller who does not know of it cannot refresh, whatever a parameter says and we want.
        """
        for refresher in (None, LOCAL, REMOTE):
            for text in ("1800", "1800;refresher=uac", "1800;refresher=uas"):
                self.check(Terms(refresher=refresher), request(expires=text), 1800, "uas")
                self.check(Terms(refresher=refresher), request(("Supported", "100rel"), expires=text), 1800, "uas")

    def test_ours(self):
        """
        Table 2, row 4: without the parameter the choice is ours: the caller, if we want nothing else.
        """
        self.check(Terms(), request(KNOWS, expires=1800), 1800, "uac")
        self.check(Terms(refresher=REMOTE), request(KNOWS, expires=1800), 1800, "uac")
        self.check(Terms(refresher=LOCAL), request(KNOWS, expires=1800), 1800, "uas")

    def test_callers(self):
        """
        Table 2, rows 5 and 6: what the caller says MUST stay.
        """
        for refresher in (None, LOCAL, REMOTE):
            for role in ("uac", "uas"):
                text = f"1800;refresher={role}"
                self.check(Terms(refresher=refresher), request(KNOWS, expires=text), 1800, role)
                self.check(Terms(refresher=refresher), request(("Require", "timer"), expires=text), 1800, role)

    def test_interval(self):
        """
        Section 9: it may be lowered, never below Min-SE, and MUST NOT be raised.
        """
        for terms, expires, minimum, seconds in (
            (Terms(), 3600, None, 1800),
            (Terms(), 600, None, 600),
            (Terms(), 90, None, 90),
            (Terms(), 3600, 2400, 2400),
            (Terms(), 3600, 3600, 3600),
            (Terms(), 3600, 600, 1800),
            (Terms(seconds=300), 1800, 600, 600),
            (Terms(seconds=100, minimum=120), 1800, None, 120),
        ):
            self.check(terms, request(KNOWS, expires=expires, minimum=minimum), seconds, "uac")

    def test_tooSmall(self):
        """
        Sections 4 and 9 (erratum 1687): what is too short and cannot be refused is raised to the minimum, ours or the
        one in the request.
        """
        for expires in (0, 1, 60, 119):
            self.check(Terms(minimum=120), request(expires=expires), 120, "uas")
            self.check(Terms(minimum=120), request(expires=expires, minimum=300), 300, "uas")
        self.check(Terms(), request(expires=0), 90, "uas")

    def test_notAsked(self):
        """
        Section 9: a caller who knows of it may be given one that he did not ask for, not below his Min-SE; one who does
        not has none, but where we refresh by ourselves.
        """
        self.check(Terms(seconds=600), request(KNOWS), 600, "uac")
        self.check(Terms(seconds=600, refresher=LOCAL), request(KNOWS), 600, "uas")
        self.check(Terms(seconds=600), request(KNOWS, minimum=900), 900, "uac")
        self.assertEqual(Terms().answer(request()), (None, []))
        self.assertEqual(Terms().answer(request(minimum=900)), (None, []))
        self.check(Terms(mode="always", seconds=600), request(), 600, "uas")

    def test_off(self):
        """
        Who does not do session timers agrees to none.
        """
        self.assertEqual(Terms(mode="off").answer(request(KNOWS, expires=1800)), (None, []))


class BothEndsTests(TestCase):
    def test_agree(self):
        """
        Caller and callee learn the same from the same 2xx, each refreshing when the other does not.
        """
        for caller in (None, LOCAL, REMOTE):
            for callee in (None, LOCAL, REMOTE):
                client = Terms(refresher=caller, seconds=1200)
                interval, lines = Terms(refresher=callee).answer(request(KNOWS, *client.ask()))
                learnt = client.learn(response(*lines))
                self.assertEqual((learnt.seconds, interval.seconds), (1200, 1200))
                self.assertEqual({learnt.refresher, interval.refresher}, {LOCAL, REMOTE})

    def test_refreshKeeps(self):
        """
        Section 7.4: a refresh, whoever sends it, leaves interval and refresher as they are.
        """
        for mine, theirs in ((LOCAL, REMOTE), (REMOTE, LOCAL)):
            one = request(KNOWS, *Terms().ask(Interval(300, mine)))
            self.assertIsNone(Terms().refusal(one))
            interval, lines = Terms().answer(one)
            self.assertEqual(interval, Interval(300, theirs))
            self.assertEqual(Terms().learn(response(*lines)), Interval(300, mine))
