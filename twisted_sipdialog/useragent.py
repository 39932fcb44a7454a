"""
The user agent: a Twisted service that wires the strata together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.configuration import Configuration
from twisted_sipdialog.errors import InvalidState
from twisted_sipdialog.interfaces import IUserAgent
from twisted_sipdialog.message import Response
from twisted_sipdialog.message.event_fields import Replaces
from twisted_sipdialog.message.identifiers import SystemBits
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.transaction.layer import TransactionLayer
from twisted_sipdialog.transport.layer import TransportLayer
from twisted_sipdialog.transport.locate import Locator
from twisted_sipdialog.ua.call import callTo
from twisted_sipdialog.ua.client_context import ClientContext
from twisted_sipdialog.ua.core import DELEGATED, Core
from twisted_sipdialog.ua.delegation import Waiters, fire, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.identity import Identity
from twisted_sipdialog.ua.info import infoReceived, sendTones
from twisted_sipdialog.ua.invite_client import InviteClientContext
from twisted_sipdialog.ua.leg import EVENTS
from twisted_sipdialog.ua.modify import modify, refresh, update
from twisted_sipdialog.ua.prack import prackReceived
from twisted_sipdialog.ua.publish_client import PublishClientContext
from twisted_sipdialog.ua.refer_client import ReferClientContext, refer
from twisted_sipdialog.ua.refer_received import referReceived, referReceivedOutside, subscribeReceivedOutside
from twisted_sipdialog.ua.reinvite_server import reinviteReceived
from twisted_sipdialog.ua.replaces import callNamed
from twisted_sipdialog.ua.request_client import askAlone
from twisted_sipdialog.ua.request_server import requestReceived
from twisted_sipdialog.ua.stopping import standing, stop
from twisted_sipdialog.ua.subscribe_client import Subscription, subscribe
from twisted_sipdialog.ua.subscribe_received import eventReceived
from twisted_sipdialog.ua.subscriber import Notification
from twisted_sipdialog.ua.subscribing import positive
from twisted_sipdialog.ua.uac import UserAgentClient
from twisted_sipdialog.ua.uas import UserAgentServer
from twisted_sipdialog.ua.update import updateReceived
from twisted_sipdialog.ua.watch import Watch

_log = Logger()


def _outcome(context: Any, outcome: Deferred[Any]) -> Deferred[Any]:
    """C{outcome} for the application: to cancel it is to cancel C{context}."""
    asked: Deferred[Any] = Deferred(lambda _: context.cancel())
    outcome.addBoth(lambda result: fire(asked, result))
    return asked


@implementer(IUserAgent)
class UserAgent(Service):
    """
    @see: L{IUserAgent<twisted_sipdialog.interfaces.IUserAgent>}
    """

    def __init__(
        self,
        reactor: Any,
        configuration: Configuration,
        delegate: Any = None,
        random: Any = None,
        observer: Any = None,
        locator: Any = None,
    ) -> None:
        """
        @param delegate: the application (L{IUserAgentDelegate<twisted_sipdialog.interfaces.IUserAgentDelegate>}).
        @param random: a source of C{getrandbits}, default L{SystemBits}.
        @param observer: an L{IMessageObserver<twisted_sipdialog.interfaces.IMessageObserver>}, or None.
        @param locator: finds addresses, default L{Locator}.
        @raise ConfigurationError: a listen description that cannot be understood.
        """
        self.configuration = configuration
        timers = self._timers = TimerSet(reactor)
        transactions = self._transactions = TransactionLayer(timers, configuration.timers, configuration.loadLimits)
        transport = self._transport = TransportLayer(reactor, configuration, timers, transactions, observer)
        identity = Identity(configuration, random or SystemBits())
        client = UserAgentClient(identity, transport, transactions, locator or Locator(reactor, transport.reaches))
        core = self._core = Core(self, identity, timers, client, delegate)
        core.verbs = {
            **dict.fromkeys(("MESSAGE", "OPTIONS", *DELEGATED), requestReceived),
            **dict.fromkeys(EVENTS, eventReceived),
            "INVITE": reinviteReceived,
            "INFO": infoReceived,
            "PRACK": prackReceived,
            "REFER": referReceived,
            "UPDATE": updateReceived,
        }
        core.outside = {"REFER": referReceivedOutside, "SUBSCRIBE": subscribeReceivedOutside}
        core.sends = {
            "dtmf": sendTones,
            "modify": modify,
            "refer": refer,
            "refresh": refresh,
            "subscribe": subscribe,
            "update": update,
        }
        if overrides(delegate, "dialogStateChanged"):
            core.watch = Watch(delegate)
        transactions.transport = transport
        transactions.user = UserAgentServer(core)
        self._listening = Waiters()
        self._stopped = Waiters()

    @property
    def delegate(self) -> Any:
        """The application."""
        return self._core.delegate

    @property
    def dialogs(self) -> list[Dialog]:
        return standing(self._core)

    def dialogsByCallId(self, callId: str) -> list[Dialog]:
        return [dialog for dialog in self.dialogs if dialog.dialogState.callId == callId]

    def dialogByReplaces(self, replaces: Any) -> Dialog | None:
        named = Replaces.parse(replaces) if isinstance(replaces, str) else replaces
        found = callNamed(self._core, named)
        return None if found is None or found.ended is not None else found

    # Life.

    def startService(self) -> None:
        """Open the ports; L{whenListening} tells how that went."""
        if self.running:
            return
        super().startService()  # type: ignore[no-untyped-call]
        self._transport.listen().addCallbacks(self._opened, self._unopened)

    def _opened(self, _: None) -> None:
        addresses = [(protocol, host, port) for host, port, protocol in self._transport.listening()]
        for protocol, host, port in addresses:
            _log.info("listening on {protocol} {host} port {port}", protocol=protocol, host=host, port=port)
        self._listening.fire(addresses)

    def _unopened(self, failure: Failure) -> None:
        _log.error("{reason}", reason=failure.getErrorMessage())
        self._listening.fire(failure)

    def whenListening(self) -> Deferred[list[tuple[str, str, int]]]:
        return self._listening.wait()

    def stopService(self) -> Deferred[None]:
        """
        Refuse new calls, end those there are, wait C{stopTimeout} seconds at most for the peers, close the ports.

        A call whose 2xx has no ACK yet may still get it during the first half of that time; then its BYE goes out.

        @return: fires when everything is closed; never fails.
        """
        if not self._core.stopping:
            super().stopService()  # type: ignore[no-untyped-call]
            stopping = Deferred.fromCoroutine(self._stop())
            stopping.addErrback(lambda failure: _log.failure("the service did not stop cleanly", failure))
            stopping.addCallback(self._stopped.fire)
        return self._stopped.wait()

    async def _stop(self) -> None:
        await stop(self._core)
        self._transactions.abandonAll()
        await self._transport.close()
        self._timers.stop()

    # Calling.

    def invite(
        self,
        target: str,
        body: bytes | None = None,
        contentType: str = "application/sdp",
        extraHeaders: Iterable[tuple[str, str]] = (),
        delegate: Any = None,
        media: Any = None,
        modifiers: Iterable[Any] = (),
    ) -> Deferred[Dialog]:
        context = self.inviteContext(target, body, contentType, extraHeaders, delegate, media, modifiers)
        return _outcome(context, context.whenAnswered())

    def inviteContext(
        self,
        target: str,
        body: bytes | None = None,
        contentType: str = "application/sdp",
        extraHeaders: Iterable[tuple[str, str]] = (),
        delegate: Any = None,
        media: Any = None,
        modifiers: Iterable[Any] = (),
    ) -> InviteClientContext:
        self._mayCall("invite")
        context = callTo(self._core, target, body, contentType, extraHeaders, delegate, media, modifiers)
        self._whenReady(context.start, context.transactionFailed)
        return context

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        delegate: Any = None,
    ) -> Deferred[Response]:
        context = self.requestContext(method, target, body, contentType, extraHeaders, delegate)
        return _outcome(context, context.whenFinished())

    def requestContext(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        contentType: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        delegate: Any = None,
    ) -> ClientContext:
        self._mayCall("request")
        context = askAlone(self._core, method, target, body, contentType, extraHeaders, delegate)
        self._whenReady(context.start, context.transactionFailed)
        return context

    def message(
        self,
        target: str,
        body: bytes,
        contentType: str = "text/plain",
        extraHeaders: Iterable[tuple[str, str]] = (),
        delegate: Any = None,
    ) -> Deferred[Response]:
        return self.request("MESSAGE", target, body, contentType, extraHeaders, delegate)

    def refer(
        self,
        applicant: str,
        target: Any,
        extraHeaders: Iterable[tuple[str, str]] = (),
        receiveResponse: Callable[[Response], Any] | None = None,
        delegate: Any = None,
        subscription: str | None = None,
        targetDialog: Any = None,
    ) -> Deferred[ReferClientContext]:
        return ReferClientContext(
            self,
            applicant,
            target,
            extraHeaders,
            receiveResponse=receiveResponse,
            delegate=delegate,
            subscription=subscription,
            targetDialog=targetDialog,
        ).refer()

    def publish(
        self,
        target: str,
        event: str,
        body: bytes,
        contentType: str = "text/plain",
        expires: int = 3600,
        extraHeaders: Iterable[tuple[str, str]] = (),
        unpublishOnClose: bool = True,
        delegate: Any = None,
        entityTag: str | None = None,
    ) -> Deferred[PublishClientContext]:
        context = PublishClientContext(
            self, target, event, contentType, expires, extraHeaders, unpublishOnClose, delegate, entityTag
        )
        return context.publish(body).addCallback(lambda _: context)

    def subscribe(
        self,
        target: str,
        event: Any,
        expires: int | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        delegate: Any = None,
        accept: Iterable[str] | None = None,
        resubscribe: bool = True,
    ) -> Deferred[Subscription]:
        subscription = Subscription(
            self, target, event, positive(expires), extraHeaders, body, contentType, delegate, accept, resubscribe
        )
        return subscription.begin()

    def fetch(
        self,
        target: str,
        event: Any,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        contentType: str | None = None,
        accept: Iterable[str] | None = None,
    ) -> Deferred[Notification]:
        once = Subscription(self, target, event, 0, extraHeaders, body, contentType, accept=accept)
        return once.begin().addCallback(lambda subscription: subscription.notification)

    def _whenReady(self, start: Callable[[], Any], failed: Callable[[Any], Any]) -> None:
        """A request waits for our ports; without them it fails (it could not be answered)."""
        self._listening.wait().addCallbacks(lambda _: start(), lambda failure: failed(failure.value))

    def _mayCall(self, verb: str) -> None:
        if self._core.stopping or not self.running:
            raise InvalidState(verb, "the user agent is not running", "startService() comes first")

    def leftovers(self) -> list[str]:
        """
        Every dialog, transaction, unanswered call and timer that is still there; empty when all is over, and the
        connections that peers keep open have been idle for long enough to be closed.
        """
        core = self._core
        left = [repr(leg) for leg in core.dialogs.values()] + self._transactions.leftovers()
        counted: dict[str, dict[Any, Any]] = {
            "unanswered INVITEs": core.invitations,
            "unanswered requests": core.answering,
            "INVITEs of ours": core.calling,
            "requests of ours": core.asking,
            "sources": core.fromSource,
            "coroutines": core.unfinished,
            "publications, subscriptions, REFERs": core.kept,
            "URIs that are published to": core.publishing,
            "requests whose NOTIFYs make dialogs": core.openings,
            "REFERs that may be asked for": core.referEvents,
            "sources of subscriptions": core.watching,
        }
        left += [f"{kind}: {len(found)}" for kind, found in counted.items() if found]
        if self._timers.count:
            left.append(f"timers: {self._timers.count}")
        return left
