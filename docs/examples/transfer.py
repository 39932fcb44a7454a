"""All sides of a transfer: who sends another elsewhere, who goes there, who is called."""

from twisted.internet.defer import TimeoutError

from twisted_sipdialog import ReferDelegate, UserAgentDelegate
from twisted_sipdialog.errors import ReferFailed, RemoteError
from twisted_sipdialog.message.uri import SipUri


# blind
async def blindTransfer(dialog, target):
    """Ask our peer to call C{target}; we hang up once that call stands.  True if it does."""
    return await succeeds(dialog.refer(target))


async def succeeds(referring):
    """Whether the call comes about that a REFER of ours asks for."""
    try:
        refer = await referring  # the 202
        status = await refer.whenFinished()  # the final status of that call
    except RemoteError:  # it was refused, or nobody says how it fares
        return False
    return status.statusCode < 300


# attended
async def consult(ua, dialogToBob, carol):
    """Bob waits while we talk to Carol."""
    await dialogToBob.modify("hold")
    return await ua.invite(carol)


async def attendedTransfer(dialogToBob, dialogToCarol):
    """Connect Bob to Carol: his call is to take the place of ours with her (RFC 3891)."""
    if await succeeds(dialogToBob.refer(dialogToCarol)):
        await dialogToCarol.destroy()  # nothing to do if her phone knows Replaces
        return True
    return await resume(dialogToBob)


async def resume(dialog):
    """Nothing came of a transfer: talk on."""
    if dialog.ended is None:
        await dialog.modify("unhold")
    return False


# semi-attended
async def semiAttendedTransfer(ua, clock, dialogToBob, carol, seconds):
    """Connect Bob to Carol, if she answers in time; if not, let her phone ring for him."""
    await dialogToBob.modify("hold")
    try:
        dialogToCarol = await ua.invite(carol).addTimeout(seconds, clock)
    except TimeoutError:  # a CANCEL ends the ringing
        return await blindTransfer(dialogToBob, carol) or await resume(dialogToBob)
    except RemoteError:  # she does not want to
        return await resume(dialogToBob)
    return await attendedTransfer(dialogToBob, dialogToCarol)


# transferee
class Meter(ReferDelegate):
    """What becomes of one REFER."""

    def __init__(self, show):
        self._show = show

    def referInviteSent(self, context, request):
        self._show("dialling", str(context.referTo.uri))

    def referProgress(self, context, status):
        self._show(status.statusCode, status.reasonPhrase)

    def referAccepted(self, context, status):
        self._show("connected")

    def referRejected(self, context, status):
        self._show("back to the old call:", status.statusCode)


class Softphone(UserAgentDelegate):
    """Goes where it is sent, but only to hosts that it knows."""

    def __init__(self, hosts, show):
        self._hosts = hosts
        self._show = show
        self.current = None

    async def inviteReceived(self, invitation):
        self.current = await invitation.accept()

    async def referReceived(self, context):
        uri = context.referTo.uri
        if not isinstance(uri, SipUri) or uri.host not in self._hosts:
            await context.reject(603)
            return
        try:
            dialog = await context.accept(followRefer=True, delegate=Meter(self._show))
        except ReferFailed:
            return  # it asked for another request than an INVITE, and was refused
        if dialog is not None:  # the NOTIFYs to the referrer are sent for us
            self.current = dialog


# target
class Reception(UserAgentDelegate):
    """Rings for a call, but not for one that takes the place of another: that one was answered already."""

    def __init__(self, show):
        self._show = show
        self.ringing = []

    async def inviteReceived(self, invitation):
        if invitation.replacee is not None:
            await invitation.accept()
            return
        self.ringing.append(invitation)
        await invitation.progress(180)
        invitation.answerLater()

    def dialogReplaced(self, dialog, newDialog):
        self._show(dialog.callingParty.uri, "handed over to", newDialog.callingParty.uri)


# click to dial
async def connect(ua, phone, target):
    """Have C{phone} call C{target}, as the button beside a number does."""
    return await succeeds(ua.refer(phone, target))


# dialled for
class DeskPhone(UserAgentDelegate):
    """Dials for others, if who sits here agrees.  With C{allowOutOfDialogRefers=True}."""

    def __init__(self, agrees):
        self._agrees = agrees  # a function of the URI; its Deferred gives True or False

    async def outOfDialogReferRequested(self, context):
        if await self._agrees(context.referTo.uri):
            await context.accept(followRefer=True)
        else:
            await context.reject(603)
