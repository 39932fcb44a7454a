"""
What the verbs of one user agent share: its identity, clock, transactions, dialogs and delegate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted_sipdialog.dialog import referral, reliable, session_timer
from twisted_sipdialog.dialog.state import DialogId
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.ua.delegation import overrides, tell
from twisted_sipdialog.ua.identity import Identity
from twisted_sipdialog.ua.only_flow import OnlyFlows
from twisted_sipdialog.ua.outgoing import Lines
from twisted_sipdialog.ua.uac import UserAgentClient

#: What L{IRequestDelegate<twisted_sipdialog.interfaces.IRequestDelegate>} has of requests to us.
_FARING = ("progressSent", "requestAccepted", "requestRejected", "requestFailed")
#: Methods that are answered without the delegate, and therefore always allowed.
_OWN_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "PRACK")
#: Methods taken inside a dialog, by default or by its delegate.
_DIALOG_METHODS = ("INFO", "MESSAGE", "NOTIFY")
#: Methods taken when a delegate overrides them.  A closed list: no peer may name an attribute of the delegate.
DELEGATED = ("PUBLISH", "SUBSCRIBE", "REGISTER")


def receiver(method: str) -> str:
    """The delegate's method that takes C{method}: C{messageReceived} for MESSAGE."""
    return f"{method.lower()}Received"


class Core:
    """
    @ivar userAgent: the public object.
    @ivar identity: who we are.
    @ivar timers: the clock.
    @ivar client: sends our requests.
    @ivar transactions: the transaction layer.
    @ivar delegate: the application, or None.
    @ivar dialogs: every dialog, by its id.
    @ivar invitations: server contexts of INVITEs without a final response, oldest first.
    @ivar answering: server contexts of other requests that wait for the application's answer.
    @ivar calling: client contexts of INVITEs without a final response.
    @ivar asking: other requests of ours without a final response.
    @ivar fromSource: how many unanswered INVITEs each source address has here.
    @ivar unfinished: coroutines and Deferreds of the delegate that still run; a stop cancels them.
    @ivar kept: what lasts beyond a request, outside of calls: publications, subscriptions both ways, who is to hear of
        a REFER.  Each has C{stopping()}, a Deferred that fires when it is over, and C{stopped()}.
    @ivar publishing: publications with a PUBLISH open or to be sent, by Request-URI; it is the turn of the first.
    @ivar openings: requests of ours outside dialogs, by Call-ID and our tag, whose NOTIFYs make dialogs.
    @ivar watching: how many subscriptions each source address has here, unanswered SUBSCRIBEs included.
    @ivar referEvents: those of them that somebody may ask for, by the name that Refer-Events-At has for each.
    @ivar hears: the delegate wants to know how each request fares.
    @ivar stopping: no new calls are taken.
    @ivar terms: what we want of session timers (RFC 4028).
    @ivar extensions: the option tags we understand.
    @ivar onlyFlows: the dialogs whose peer can be reached over one connection only.
    @ivar watch: tells the delegate of dialog states (RFC 4235); None when it does not want to know.
    """

    def __init__(self, userAgent: Any, identity: Identity, timers: TimerSet, client: UserAgentClient, delegate: Any):
        self.userAgent = userAgent
        self.identity = identity
        self.configuration = identity.configuration
        self.timers = timers
        self.client = client
        self.transactions = client.transactions
        self.delegate = delegate
        self.dialogs: dict[DialogId, Any] = {}
        self.invitations: dict[Any, None] = {}
        self.answering: dict[Any, None] = {}
        self.calling: dict[Any, None] = {}
        self.asking: dict[Any, None] = {}
        self.fromSource: dict[str, int] = {}
        self.unfinished: dict[Any, None] = {}
        self.kept: dict[Any, None] = {}
        self.publishing: dict[str, dict[Any, None]] = {}
        self.openings: dict[tuple[str, str], Any] = {}
        self.watching: dict[str, int] = {}
        self.referEvents: dict[str, Any] = {}
        self.hears = any(overrides(delegate, name) for name in _FARING)
        self.stopping = False
        #: Method -> who takes it inside a dialog: called with this, the server transaction and the dialog.
        self.verbs: dict[str, Callable[[Core, Any, Any], None]] = {}
        #: Method -> who takes it outside dialogs, where it is not answered as any request.
        self.outside: dict[str, Callable[[Core, Any], None]] = {}
        #: Verb of a dialog -> who sends it: called with the dialog and what the verb was given.
        self.sends: dict[str, Callable[..., Any]] = {}
        configuration = self.configuration
        self.terms = session_timer.Terms(
            configuration.sessionTimers,
            configuration.sessionExpires,
            configuration.minSE,
            configuration.sessionRefresher,
        )
        offered = (
            (reliable.TAG, configuration.rel100),
            (session_timer.TAG, configuration.sessionTimers),
            ("replaces", configuration.replaces),
        )
        self.extensions = (*configuration.supported, *[tag for tag, mode in offered if mode != "off"])
        if configuration.referPolicy != "refuse":
            self.extensions += referral.TAGS
        self.onlyFlows = OnlyFlows(timers, configuration.flowGrace)
        self.watch: Any = None
        self._methods: list[str] = []
        self._capabilities: str | None = None

    def allow(self, refused: str = "") -> str:
        """
        The methods we take, for Allow (RFC 3261 section 20.5): what the delegate overrides is among them.

        @param refused: the method that a 405 says is not taken here and now.
        """
        methods = self._methods
        if not methods:
            reliably = self.configuration.rel100 != "off"
            own = [name for name in _OWN_METHODS if reliably or name != "PRACK"]
            if self.configuration.referPolicy != "refuse":
                own.append("REFER")
            taken = [name for name in DELEGATED if overrides(self.delegate, receiver(name))]
            methods = self._methods = [*own, *_DIALOG_METHODS, *taken]
        return ", ".join([name for name in methods if name != refused])

    def takes(self, method: str) -> bool:
        """The delegate answers C{method} outside dialogs."""
        return (method in DELEGATED or method in _DIALOG_METHODS) and overrides(self.delegate, receiver(method))

    def abilities(self, without: str = "") -> Lines:
        """
        The lines of an INVITE or UPDATE that say what we can do: Allow, Supported, Recv-Info, Allow-Events.

        @param without: an option tag that is not to be used this time.
        """
        lines = [("Allow", self.allow())]
        tags = [tag for tag in self.extensions if tag != without]
        if tags:
            lines.append(("Supported", ", ".join(tags)))
        if self.configuration.infoPackages:
            lines.append(self.infoLine())
        return [*lines, *self.offeredEvents()]

    def infoLine(self) -> tuple[str, str]:
        """RFC 6086 section 5.2.3: the Info-Packages we take, C{nil} for none."""
        return ("Recv-Info", ", ".join(self.configuration.infoPackages) or "nil")

    def eventLines(self) -> Lines:
        """Allow-Events (RFC 6665 section 8.2.2): the event packages that may be subscribed to."""
        packages = [*self.configuration.events]
        if self.configuration.referPolicy != "refuse":
            packages.append("refer")
        return [("Allow-Events", ", ".join(packages))] if packages else []

    def offeredEvents(self) -> Lines:
        """Allow-Events as what makes a dialog has it (RFC 6665 section 4.4.4), unless only the delegate knows them."""
        return self.eventLines() if self.configuration.events else []

    def capabilities(self) -> str:
        """L{abilities} as the text of a response."""
        known = self._capabilities
        if known is None:
            known = self._capabilities = "".join([f"{name}: {value}\r\n" for name, value in self.abilities()])
        return known

    def register(self, dialog: Any, flow: Any) -> None:
        """C{dialog} takes requests from now on; C{flow}: where its peer was met."""
        self.dialogs[dialog.dialogState.id] = dialog
        self.onlyFlows.met(dialog, flow)

    def unregister(self, dialog: Any) -> None:
        """C{dialog} takes no more."""
        self.dialogs.pop(dialog.dialogState.id, None)
        if dialog.flow is not None:
            self.onlyFlows.forget(dialog)

    def countSubscription(self, source: str, more: int) -> None:
        """The address C{source} has C{more} subscriptions here, or SUBSCRIBEs that may become one."""
        left = self.watching.get(source, 0) + more
        if left:
            self.watching[source] = left
        else:
            del self.watching[source]

    def tellRejected(self, own: Any, context: Any, response: Any, cause: Any) -> None:
        """The final response of a request is a refusal, which is also a failure."""
        self.tellAll(own, "requestRejected", context, response, cause)
        self.tellAll(own, "requestFailed", context, response, cause)

    def tellAll(self, own: Any, name: str, *arguments: Any) -> None:
        """Tell a dialog's own delegate, then the user agent's."""
        if own is not None:
            tell(own, name, *arguments)
        if self.delegate is not own:
            tell(self.delegate, name, *arguments)
