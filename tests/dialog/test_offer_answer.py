"""
Whose turn it is to speak of the session (RFC 3264 section 4, RFC 3311 section 5, RFC 6337 section 2).
"""

from unittest import TestCase

from twisted_sipdialog.dialog.offer_answer import TRANSITIONS, Exchange, refusalOf
from twisted_sipdialog.dialog.state import DialogState
from twisted_sipdialog.errors import InvalidState

NONE, LOCAL, REMOTE, STABLE = Exchange.NONE, Exchange.LOCAL, Exchange.REMOTE, Exchange.STABLE
EVENTS = ("offer sent", "offer received", "answer sent", "answer received", "failed")

#: What each event does in each state; None: it must not happen.
RULES = {
    # Before the first offer nothing can be answered; a call that stands without one goes on to the next.
    NONE: (LOCAL, REMOTE, None, None, STABLE),
    # While ours waits there is no other, and the answer is the peer's to give.
    LOCAL: (None, None, None, STABLE, STABLE),
    # While theirs waits there is no other, and the answer is ours to give.
    REMOTE: (None, None, STABLE, None, STABLE),
    # An answer belongs to an offer; what fails now leaves everything as it was.
    STABLE: (LOCAL, REMOTE, None, None, STABLE),
}


def follow(exchange, event):
    """Where C{event} leads from C{exchange}."""
    state = DialogState()
    state.exchange = exchange
    state.exchanged(event)
    return state.exchange


class FollowTests(TestCase):
    def test_each(self):
        """
        Each event in each state does what the rules say, or raises.
        """
        self.assertEqual(set(RULES), set(Exchange))
        for exchange, row in RULES.items():
            for event, following in zip(EVENTS, row, strict=True):
                if following is None:
                    with self.assertRaises(InvalidState, msg=(exchange, event)) as caught:
                        follow(exchange, event)
                    self.assertEqual(caught.exception.verb, event)
                    self.assertIn(exchange.value, caught.exception.state)
                else:
                    self.assertIs(follow(exchange, event), following, (exchange, event))

    def test_nothingElse(self):
        """
        The table knows no other events, and an unknown one raises.
        """
        self.assertEqual({event for _, event in TRANSITIONS}, set(EVENTS))
        for exchange in Exchange:
            with self.assertRaises(InvalidState):
                follow(exchange, "offer")

    def test_reachable(self):
        """
        Each state can be reached from the first, and none is without a way on.
        """
        seen, waiting = set(), [NONE]
        while waiting:
            exchange = waiting.pop()
            if exchange not in seen:
                seen.add(exchange)
                waiting += [to for (state, _), to in TRANSITIONS.items() if state is exchange]
        self.assertEqual(seen, set(Exchange))
        self.assertEqual({state for state, _ in TRANSITIONS}, set(Exchange))

    def test_exchanges(self):
        """
        RFC 6337 section 2.1, table 1: each pattern of offer and answer is two steps that end stable, from either side
        and as often as one likes.
        """
        for first in (NONE, STABLE):
            for offer, answer in (("offer sent", "answer received"), ("offer received", "answer sent")):
                self.assertIs(follow(follow(first, offer), answer), STABLE)

    def test_neverBack(self):
        """
        Once something was offered there is no way back to the beginning.
        """
        self.assertNotIn(NONE, TRANSITIONS.values())


class RefusalTests(TestCase):
    def test_glare(self):
        """
        RFC 3311 section 5.2, RFC 3261 section 14.2: 491 while our offer waits for its answer.
        """
        self.assertEqual(refusalOf(LOCAL), 491)

    def test_notAnsweredYet(self):
        """
        RFC 3311 section 5.2: 500 while an earlier offer of the peer waits for ours.
        """
        self.assertEqual(refusalOf(REMOTE), 500)

    def test_beforeTheFirst(self):
        """
        RFC 3311 section 5.1: no offer but that of the INVITE or its responses comes before the first exchange.
        """
        self.assertEqual(refusalOf(NONE), 500)

    def test_free(self):
        """
        Otherwise it may come, and the table agrees.
        """
        self.assertIsNone(refusalOf(STABLE))
        for exchange in (LOCAL, REMOTE):
            self.assertNotIn((exchange, "offer received"), TRANSITIONS)
