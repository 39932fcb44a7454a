"""What can be changed in a call, and what the peer changes.  Each function is handed a dialog."""

from twisted.internet.task import deferLater

from twisted_sipdialog import Configuration, DialogDelegate, UserAgentDelegate
from twisted_sipdialog.errors import InvalidState, RemoteError, ResponseError


# hold
async def consult(dialog, question):
    """The peer is on hold while C{question}, a Deferred, has no answer."""
    await dialog.modify("hold")
    try:
        return await question
    finally:
        await dialog.modify("unhold")


# modify
async def change(dialog, sdp):
    """Offer something else; True if the peer took it.  If not, all is as it was."""
    try:
        await dialog.modify(sdp)
    except ResponseError:
        return False
    return True


# late offer
async def connect(dialog, other):
    """Have the peers of two calls send their media to each other: what one offers, the other answers."""
    late = await dialog.modify(None)
    try:
        answer = await other.modify(late.offer)
    except RemoteError:
        await late.answer()  # our own session description answers: the call stays with us
        raise
    await late.answer(answer)


# update
async def keep(dialog):
    """An UPDATE without an offer changes nothing; True if the peer still knows the call."""
    response = await dialog.update()
    return response.statusCode == 200


# held
class Told(DialogDelegate):
    """What the peer does to the session, answered by default."""

    def __init__(self, show):
        self._show = show

    def dialogHeld(self, dialog, request):
        self._show("held")

    def dialogResumed(self, dialog, request):
        self._show("resumed")

    def dialogModified(self, dialog, request):
        self._show("modified")

    def dialogRefreshed(self, dialog, request):
        self._show("refreshed")


# asked
class AudioOnly(DialogDelegate):
    """Every change is our decision: no video."""

    def inviteReceived(self, context):
        if context.offer is not None and b"m=video" in context.offer:
            context.reject(488)
        else:
            context.accept()  # as by default: the session description answers

    updateReceived = inviteReceived


# timers
configuration = Configuration(
    aor="sip:desk@example.com",
    sessionTimers="always",  # also with peers that do not know them
    sessionExpires=600,  # seconds
)


def lifetime(dialog):
    timer = dialog.sessionTimer
    if timer is None:
        return "until somebody hangs up"
    return f"{timer.seconds} s, unless refreshed; the one to do so: {timer.refresher}"


# early media
class Announcing(UserAgentDelegate):
    """Says something before the call is answered, which often means: before it is paid for."""

    def __init__(self, clock, media, seconds):
        self._clock = clock
        self._media = media  # a factory of session descriptions, which play it
        self._seconds = seconds

    async def inviteReceived(self, invitation):
        try:
            await invitation.progress(183, reliable=True, media=self._media)  # until the PRACK
        except InvalidState:
            await invitation.progress(183, media=self._media)  # the caller does not know 100rel
        await deferLater(self._clock, self._seconds)
        await invitation.accept()  # of the same session description


# dtmf
async def enter(dialog, pin):
    """Type a number, wait, and confirm it."""
    await dialog.dtmf(pin + ",#", duration=0.2)


class Menu(DialogDelegate):
    """What the peer types, up to #."""

    def __init__(self, chosen):
        self._chosen = chosen
        self._typed = ""

    def toneReceived(self, dialog, tone, duration):
        if tone == "#":
            self._chosen(self._typed)
            self._typed = ""
        else:
            self._typed += tone


# forks
class Everybody(DialogDelegate):
    """With C{forkedAnswers="all"}: each phone that answers our call has a call."""

    def __init__(self):
        self.dialogs = []

    def dialogConfirmed(self, dialog):
        self.dialogs.append(dialog)

    def dialogTerminated(self, dialog, ended):
        if dialog in self.dialogs:  # else it only rang
            self.dialogs.remove(dialog)
