"""A session description of one's own: RTP ports lent by a media server somewhere else."""

from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory, IToneSource
from twisted_sipdialog.media.fixed import FixedDescription


@implementer(ISessionDescriptionFactory)
class ServerMedia:
    """
    Called once for each call, with the address of ours that its peer reaches.
    """

    def __init__(self, server):
        self._server = server

    def __call__(self, localHost):
        return ServerDescription(self._server)


class Loan:
    """
    A borrowed port, returned when the last who uses it is done.
    """

    def __init__(self, server, port):
        self._server = server
        self.port = port
        self.users = 0

    def giveBack(self):
        self.users -= 1
        if not self.users:
            self._server.giveBack(self.port)


@implementer(ISessionDescription, IToneSource)
class ServerDescription:
    """
    Borrows a port for its first offer or answer, and returns it when the call is over.
    """

    contentType = "application/sdp"

    def __init__(self, server):
        self._server = server
        self._loan = None
        self._fixed = None  # does the comparing of offers and answers
        self._told = []

    @property
    def local(self):
        return self._fixed and self._fixed.local

    @property
    def remote(self):
        return self._fixed and self._fixed.remote

    async def _describe(self):
        if self._fixed is None:
            # A Deferred: signalling waits for it, and cancels it when the call ends meanwhile.
            port = await self._server.borrow()
            self._use(Loan(self._server, port), FixedDescription(self._server.sdp(port)))
        return self._fixed

    def _use(self, loan, fixed):
        loan.users += 1
        self._loan, self._fixed = loan, fixed

    def _connect(self):
        if self.remote is not None:
            self._server.connect(self._loan.port, self.remote, self._heard)

    async def _answer(self, offer):
        answer = (await self._describe()).answer(offer)
        self._connect()
        return answer

    def offer(self, limit=None):
        return Deferred.fromCoroutine(self._describe()).addCallback(lambda fixed: fixed.offer(limit))

    def answer(self, offer):
        return Deferred.fromCoroutine(self._answer(offer))

    def update(self, answer):
        self._fixed.update(answer)
        self._connect()

    def rollback(self):
        if self._fixed is not None:
            self._fixed.rollback()
            self._connect()

    def fork(self, offer=None):
        fork = ServerDescription(self._server)
        if offer is not None:
            # The offer named one port, and whoever answers it sends to that one.
            fork._use(self._loan, self._fixed.fork(offer))
        return fork

    def tellTones(self, told):
        self._told.append(told)

    def _heard(self, tone, duration):
        for told in self._told:
            told(tone, duration)

    def close(self):
        self._told = []
        if self._loan is not None:
            self._loan.giveBack()
        self._loan = None
