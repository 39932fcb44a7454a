"""Answer every call, talk for five seconds, hang up."""

from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.task import deferLater

from twisted_sipdialog import Configuration, UserAgent, UserAgentDelegate

ANSWER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Receptionist(UserAgentDelegate):
    def __init__(self, clock):
        self._clock = clock

    async def inviteReceived(self, invitation):
        await invitation.progress(180)
        # A CANCEL from the caller cancels this coroutine at its current await;
        # the 487 is sent for us.
        await deferLater(self._clock, 1.0)
        dialog = await invitation.accept(body=ANSWER)  # fires when the ACK is here
        await deferLater(self._clock, 5.0)
        await dialog.destroy()  # BYE; nothing to do if they hung up first


application = Application("receptionist")  # twistd -ny receptionist.py
configuration = Configuration(aor="sip:desk@example.com", listen=("udp:5060", "tcp:5060"))
UserAgent(reactor, configuration, Receptionist(reactor)).setServiceParent(application)
