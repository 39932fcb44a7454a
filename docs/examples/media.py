"""A session description of one's own: RTP ports lent by a media server somewhere else."""

from twisted.internet.defer import Deferred
from zope.interface import implementer

from twisted_sipdialog.interfaces import ISessionDescription, ISessionDescriptionFactory
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


@implementer(ISessionDescription)
class ServerDescription:
    """
    Borrows a port for its first offer or answer, and returns it when the call is over.
    """

    contentType = "application/sdp"

    def __init__(self, server):
        self._server = server
        self._port = None
        self._fixed = None  # does the comparing of offers and answers

    @property
    def local(self):
        return self._fixed and self._fixed.local

    @property
    def remote(self):
        return self._fixed and self._fixed.remote

    async def _describe(self):
        if self._fixed is None:
            # A Deferred: signalling waits for it, and cancels it when the call ends meanwhile.
            self._port = await self._server.borrow()
            self._fixed = FixedDescription(self._server.sdp(self._port))
        return self._fixed

    def offer(self):
        return Deferred.fromCoroutine(self._describe()).addCallback(lambda fixed: fixed.offer())

    def answer(self, offer):
        return Deferred.fromCoroutine(self._describe()).addCallback(lambda fixed: fixed.answer(offer))

    def update(self, answer):
        self._fixed.update(answer)
        self._server.connect(self._port, self.remote)

    def rollback(self):
        if self._fixed is not None:
            self._fixed.rollback()

    def close(self):
        if self._port is not None:
            self._server.giveBack(self._port)
        self._port = None
