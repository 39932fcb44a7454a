"""An echo for callers as an application of its own: twistd -ny echo.py."""

from twisted.application.service import Application
from twisted.internet import reactor

from twisted_sipdialog import Configuration, UserAgent, UserAgentDelegate
from twisted_sipdialog.media.echo import EchoMedia
from twisted_sipdialog.media.echo_stream import EchoLimits
from twisted_sipdialog.timers import TimerSet


class Echo(UserAgentDelegate):
    async def inviteReceived(self, invitation):
        dialog = await invitation.accept()
        # A caller that vanishes sends no BYE, but no packets either.
        await dialog.session.whenSilent()
        await dialog.destroy()


media = EchoMedia(reactor, TimerSet(reactor), portRange=(20000, 20100), limits=EchoLimits(silenceTimeout=10.0))
application = Application("echo")
UserAgent(reactor, Configuration(aor="sip:echo@example.com", media=media), Echo()).setServiceParent(application)
