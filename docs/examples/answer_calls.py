"""Ways to answer a call."""

from twisted.internet.defer import Deferred

from twisted_sipdialog import DialogDelegate, UserAgentDelegate


# screening
class Screening(UserAgentDelegate):
    """Busy while a call stands; some callers are sent elsewhere, some are not let in."""

    def __init__(self, blocked=(), forwarded=None):
        self._blocked = set(blocked)
        self._forwarded = dict(forwarded or {})

    def inviteReceived(self, invitation):
        caller = str(invitation.remoteIdentity.uri)
        if caller in self._blocked:
            invitation.reject(603)
        elif caller in self._forwarded:
            invitation.reject(302, extraHeaders=[("Contact", f"<{self._forwarded[caller]}>")])
        elif len(invitation.userAgent.dialogs) > 0:
            invitation.reject(486, extraHeaders=[("Retry-After", "60")])
        else:
            invitation.accept()  # Configuration.media describes the session


# later
class Switchboard(UserAgentDelegate):
    """Calls ring until somebody picks them up."""

    def __init__(self):
        self.ringing = {}

    def inviteReceived(self, invitation):
        invitation.progress(180)
        invitation.answerLater()  # without this, returning means 480
        self.ringing[invitation.dialog.id] = invitation

    def pickUp(self, dialogId, sdp):
        return self.ringing.pop(dialogId).accept(body=sdp)

    def dialogTerminated(self, dialog, ended):
        self.ringing.pop(dialog.id, None)  # the caller gave up, or nobody came in time


# coroutine
class Attended(UserAgentDelegate):
    """Ask a human, who may take longer than the caller waits."""

    def __init__(self):
        self.questions = []

    async def inviteReceived(self, invitation):
        await invitation.progress(180)
        answer = Deferred()
        self.questions.append((invitation.remoteIdentity.uri, answer))
        if await answer:  # cancelled when the caller hangs up or noAnswerTimeout is over
            await invitation.accept(delegate=Keypad())
        else:
            await invitation.reject(603)


# in the call
class Keypad(DialogDelegate):
    """What comes within one call."""

    def dialogConfirmed(self, dialog):
        dialog.data["digits"] = ""

    def infoReceived(self, context):
        if context.contentType != "application/dtmf-relay":
            context.reject(415, extraHeaders=[("Accept", "application/dtmf-relay")])
            return
        # Signal=5, one line of several; returning unanswered means 200.
        context.dialog.data["digits"] += context.body.decode().partition("Signal=")[2][:1]

    def dialogTerminated(self, dialog, ended):
        print(dialog.id, "typed", dialog.data["digits"], "and ended:", ended.reason.text)
