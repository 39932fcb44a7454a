"""Ways to place a call.  Each function is handed a running user agent."""

from twisted.internet.defer import TimeoutError

from twisted_sipdialog import DialogDelegate
from twisted_sipdialog.errors import RemoteError, ResponseError


# progress
class Ringing(DialogDelegate):
    """Tells what happens until the answer."""

    def __init__(self, show):
        self._show = show

    def progressReceived(self, context, response):
        self._show(f"{response.statusCode} {response.reasonPhrase}, ringing at {len(context.dialogs)}")


# hunt
async def hunt(ua, clock, targets, offer, seconds=20.0):
    """Try one after the other; the dialog with the first that answers, or None."""
    for target in targets:
        try:
            return await ua.invite(target, body=offer).addTimeout(seconds, clock)
        except ResponseError as error:
            if error.response.statusCode >= 600:
                return None  # nobody else is to be asked (RFC 3261 section 21.6)
        except (RemoteError, TimeoutError):
            pass  # not reached, or not answered
    return None


# cancel
class Group:
    """Call several at once; who answers first has the call."""

    def __init__(self, ua, targets, offer):
        self._calls = [ua.inviteContext(target, body=offer) for target in targets]
        self._open = len(self._calls)

    def whenAnswered(self, answered, nobody):
        for call in self._calls:
            call.whenAnswered().addCallbacks(self._first, self._refused, (call, answered), None, (nobody,))

    def _first(self, dialog, call, answered):
        for other in self._calls:
            if other is not call:
                other.cancel(reason="Call completed elsewhere")  # a Reason header (RFC 3326)
        answered(dialog)

    def _refused(self, failure, nobody):
        self._open -= 1
        if not self._open:
            nobody()


# forks
class Forks(DialogDelegate):
    """A proxy may ring many phones: each that answers provisionally has an early dialog of its own."""

    def __init__(self):
        self.tags = set()

    def progressReceived(self, context, response):
        self.tags = {dialog.sip.remoteTag for dialog in context.dialogs}

    def dialogTerminated(self, dialog, ended):
        self.tags.discard(dialog.sip.remoteTag)


# late offer
def callWithoutOffer(ua, target, media):
    """The peer makes the offer, C{media} answers it in the ACK."""
    return ua.invite(target, body=b"", media=media)


# in a call
async def whoIsThere(dialog):
    """A request within the call fires with its final response, whatever its status."""
    response = await dialog.request("OPTIONS")
    return response.headers.get("allow")


# outside
async def say(ua, target, text):
    """A request outside any call: 200 or 202, or it was refused."""
    response = await ua.message(target, text.encode(), "text/plain;charset=utf-8")
    return 200 <= response.statusCode < 300
