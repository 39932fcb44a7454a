"""Watch somebody's presence, let others watch ours, and tell a phone of its messages."""

from twisted_sipdialog import NotifierDelegate, SubscriptionDelegate, UserAgentDelegate
from twisted_sipdialog.event import PACKAGES
from twisted_sipdialog.event.message_summary import Counts, MessageSummary
from twisted_sipdialog.event.presence import Presence
from twisted_sipdialog.server.state_agent import StateAgent


# watch
class Watch(SubscriptionDelegate):
    """What becomes of a subscription."""

    def __init__(self, show):
        self._show = show

    def notified(self, subscription, notification):
        presence = subscription.value
        if presence is None:  # nothing was shown yet: perhaps we wait to be let in
            self._show(subscription.target, notification.state.state)
        else:
            self._show(subscription.target, presence.basic, *presence.activities)

    def subscriptionSuspended(self, subscription, end, retryAfter):
        self._show("nothing is known for", retryAfter, "s:", end.reason)  # it begins anew by itself

    def subscriptionTerminated(self, subscription, end):
        self._show("over:", end.reason)


async def watch(ua, show):
    """Until somebody calls C{unsubscribe()} of what this returns."""
    return await ua.subscribe("sip:alice@example.com", "presence", delegate=Watch(show))


# once
async def isThere(ua):
    """What Alice's presence is just now."""
    notification = await ua.fetch("sip:alice@example.com", "presence")
    return notification.value is not None and notification.value.basic == "open"


# told
class VoiceMail(UserAgentDelegate, NotifierDelegate):
    """Tells phones how many messages wait (RFC 3842)."""

    def __init__(self):
        self._phones = {}  # notifier -> the user it is about
        self._counts = {}

    def _body(self, user):
        counts = self._counts.get(user, Counts())
        return MessageSummary(counts.new > 0, counts={"voice-message": counts}).toBytes()

    async def subscribeReceived(self, context):
        if context.event.package != "message-summary":
            context.reject(489)
            return
        user = context.request.uri.user
        notifier = await context.accept(body=self._body(user), delegate=self)
        if notifier.ended is None:  # a fetch is told once, and that was it
            self._phones[notifier] = user

    def notifierTerminated(self, notifier, end):
        self._phones.pop(notifier, None)

    def left(self, user, new, old):
        """There are other messages now."""
        self._counts[user] = Counts(new, old)
        for notifier, whose in [*self._phones.items()]:  # one that cannot be reached is over at once
            if whose == user:
                notifier.notify(self._body(user))


# agent
class Office(StateAgent):
    """Keeps what users publish, and shows it to those of their own domain."""

    def __init__(self, clock):
        super().__init__(clock, [PACKAGES["presence"]])

    def mayWatch(self, context, entity):
        return "active" if context.remoteIdentity.uri.host == "example.com" else "pending"

    def newcomers(self, entity):
        """Those who wait to be let in: give one to C{allow()} or C{refuse()}."""
        return [notifier for notifier in self.notifiers(entity, "presence") if notifier.state == "pending"]


# publish
async def publish(ua):
    """Say that we are at lunch."""
    document = Presence.of("sip:alice@example.com", "open", note="At lunch", activities=["meal"])
    return await ua.publish("sip:alice@example.com", "presence", document.toBytes(), "application/pidf+xml")
