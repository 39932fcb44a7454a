"""
What the verbs of one user agent share: its identity, clock, transactions, dialogs and delegate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted_sipdialog.dialog.state import DialogId
from twisted_sipdialog.timers import TimerSet
from twisted_sipdialog.ua.delegation import overrides, tell
from twisted_sipdialog.ua.identity import Identity
from twisted_sipdialog.ua.uac import UserAgentClient

#: Methods that are answered without the delegate, and therefore always allowed.
_OWN_METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS")
#: Methods taken inside a dialog, by default or by its delegate.
_DIALOG_METHODS = ("INFO", "MESSAGE", "NOTIFY")
#: Methods taken when a delegate overrides them.  A closed list: no peer may name an attribute of the delegate.
DELEGATED = ("PUBLISH", "SUBSCRIBE", "REGISTER", "REFER")


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
    @ivar calling: client contexts of INVITEs without a final response.
    @ivar asking: other requests of ours without a final response.
    @ivar fromSource: how many unanswered INVITEs each source address has here.
    @ivar unfinished: coroutines and Deferreds of the delegate that still run; a stop cancels them.
    @ivar stopping: no new calls are taken.
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
        self.calling: dict[Any, None] = {}
        self.asking: dict[Any, None] = {}
        self.fromSource: dict[str, int] = {}
        self.unfinished: dict[Any, None] = {}
        self.stopping = False
        #: Method -> who takes it inside a dialog: called with this, the server transaction and the dialog.
        self.verbs: dict[str, Callable[[Core, Any, Any], None]] = {}
        self._capabilities: str | None = None

    def allow(self, refused: str = "") -> str:
        """
        The methods we take, for Allow (RFC 3261 section 20.5): what the delegate overrides is among them.

        @param refused: the method that a 405 says is not taken here and now.
        """
        names = [*_OWN_METHODS, *_DIALOG_METHODS, *[m for m in DELEGATED if overrides(self.delegate, receiver(m))]]
        return ", ".join([name for name in names if name != refused])

    def takes(self, method: str) -> bool:
        """The delegate answers C{method} outside dialogs."""
        return (method in DELEGATED or method in _DIALOG_METHODS) and overrides(self.delegate, receiver(method))

    def capabilities(self) -> str:
        """Header text for responses that say what we can do: Allow, Supported."""
        known = self._capabilities
        if known is None:
            known = f"Allow: {self.allow()}\r\n"
            if self.configuration.supported:
                known += f"Supported: {', '.join(self.configuration.supported)}\r\n"
            self._capabilities = known
        return known

    def register(self, dialog: Any) -> None:
        """C{dialog} takes requests from now on."""
        self.dialogs[dialog.dialogState.id] = dialog

    def unregister(self, dialog: Any) -> None:
        """C{dialog} takes no more."""
        self.dialogs.pop(dialog.dialogState.id, None)

    def tellAll(self, own: Any, name: str, *arguments: Any) -> None:
        """Tell a dialog's own delegate, then the user agent's."""
        tell(own, name, *arguments)
        if self.delegate is not own:
            tell(self.delegate, name, *arguments)
