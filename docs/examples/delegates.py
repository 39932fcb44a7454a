"""The same delegate in three forms."""

from twisted.internet.task import deferLater

from twisted_sipdialog import UserAgentDelegate

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


# plain
class Plain(UserAgentDelegate):
    def inviteReceived(self, invitation):
        invitation.progress(180)
        invitation.accept(body=SDP)


# deferred
class WithDeferred(UserAgentDelegate):
    def __init__(self, clock):
        self._clock = clock

    def inviteReceived(self, invitation):
        invitation.progress(180)
        rung = deferLater(self._clock, 2.0)
        return rung.addCallback(lambda _: invitation.accept(body=SDP))


# coroutine
class Coroutine(UserAgentDelegate):
    def __init__(self, clock):
        self._clock = clock

    async def inviteReceived(self, invitation):
        await invitation.progress(180)
        await deferLater(self._clock, 2.0)
        await invitation.accept(body=SDP)
