"""
UPDATE (RFC 3311), from both ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from twisted_sipdialog.dialog.change import Change, changeOf
from twisted_sipdialog.dialog.offer_answer import Exchange, refusalOf
from twisted_sipdialog.dialog.state import Phase
from twisted_sipdialog.errors import DialogTerminated, InvalidState, ParseError, SipError
from twisted_sipdialog.interfaces import ISessionServerContext
from twisted_sipdialog.message import Response
from twisted_sipdialog.ua.core import Core
from twisted_sipdialog.ua.delegation import Outcome, ask, cancel, fire, overrides
from twisted_sipdialog.ua.dialog import Dialog
from twisted_sipdialog.ua.modification import Modification
from twisted_sipdialog.ua.outgoing import Lines, extraLines
from twisted_sipdialog.ua.reinvite_server import TOLD, isDefault, isOffering, refuse
from twisted_sipdialog.ua.server_context import ServerContext, oneLine
from twisted_sipdialog.ua.session import checkModifiers, describeAnew, discard, sdpOf, takeBack


class Update(Modification):
    """
    One change by UPDATE, or a mere refresh (section 5.1).
    """

    __slots__ = ()

    method = "UPDATE"

    def _success(self, response: Response) -> None:
        self._learn(response)
        answer: Any = None
        if self._wanted.offers and not self._isOver:
            answer = self._take(response)
        self._over(self._outcome(response, answer))

    def _outcome(self, response: Response, answer: Any) -> Any:
        return answer


class RawUpdate(Update):
    """
    As C{dialog.update()} sends it: it fires with the response, whatever that is.
    """

    __slots__ = ()

    retries = False

    def _outcome(self, response: Response, answer: Any) -> Any:
        return response

    def _refusal(self, response: Response) -> Any:
        return response


def updateReceived(core: Core, transaction: Any, dialog: Dialog) -> None:
    """An UPDATE of the peer: by default the session description answers (section 5.2)."""
    request = transaction.request
    refusal: int | None = None
    try:
        offer = sdpOf(request)
    except ParseError as error:
        transaction.respond(request.response(error.statusCode or 400))
        return
    if dialog.updating is not None:
        refusal = 500
    elif offer is not None:
        refusal = 491 if isOffering(dialog) else refusalOf(dialog.dialogState.exchange)
    if refusal is not None:
        refuse(core, transaction, request, refusal)
        return
    context = UpdateServerContext(core, transaction, dialog, offer)
    dialog.updating = context
    delegate = dialog.delegate if overrides(dialog.delegate, "updateReceived") else core.delegate
    if isDefault(core, dialog, context.change, delegate, "updateReceived"):
        context.answerByDefault()
    else:
        ask(delegate, "updateReceived", context)


@implementer(ISessionServerContext)
class UpdateServerContext(ServerContext):
    """
    @see: L{ISessionServerContext<twisted_sipdialog.interfaces.ISessionServerContext>}
    """

    __slots__ = ("_answering", "_byDefault", "_session", "change", "offer")

    def __init__(self, core: Core, transaction: Any, dialog: Dialog, offer: bytes | None) -> None:
        super().__init__(core, transaction, dialog, 200)
        self.offer = offer
        self.change: Change = changeOf(dialog.remote.sdp, offer)
        self._answering: Deferred[Any] | None = None
        self._byDefault = False
        self._session: Any = None
        if offer is not None:
            dialog.dialogState.exchanged("offer received")

    def accept(
        self,
        statusCode: int = 200,
        reasonPhrase: str | None = None,
        extraHeaders: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        contentType: str | None = None,
        media: Any = None,
        modifiers: Iterable[Any] = (),
    ) -> Deferred[Any]:
        code = self._checked("accept", statusCode, 200, 299)
        if self._answering is not None:
            raise InvalidState("accept", "it was accepted already and its answer is being made")
        lines = extraLines(extraHeaders)
        if reasonPhrase is not None:
            oneLine("reasonPhrase", reasonPhrase)
        if self.offer is None:
            return succeed(self._accepted(b"", code, reasonPhrase, lines))
        checked = checkModifiers(modifiers, body, contentType) if modifiers else ()
        flow = self.transaction.flow
        session = self._session = describeAnew(self.core, self.dialog, body, contentType, media, flow, checked)
        try:
            answer = session.answer(self.offer)
        except Exception:
            failure = Failure()
            self._undescribed(failure)
            return fail(failure)
        if isinstance(answer, bytes):
            return succeed(self._accepted(answer, code, reasonPhrase, lines))
        done = Outcome()
        self._answering = answer
        answer.addCallback(self._accepted, code, reasonPhrase, lines).addErrback(self._undescribed)
        answer.addBoth(lambda outcome: fire(done, outcome))
        self.wait()
        return done

    def _accepted(self, answer: bytes, code: int, phrase: str | None, extra: Lines) -> Any:
        """Offer and answer are through, and the session lives on (sections 5.2, RFC 4028 section 9)."""
        session, self._session = self._session, None
        if self.answered:
            takeBack(session, self.dialog)
            raise self._overtaken()
        dialog, core = self.dialog, self.core
        if self.offer is not None:
            dialog.dialogState.exchanged("answer sent")
            dialog.adopt(session)
        core.onlyFlows.moved(dialog, self.request, self.transaction.flow)
        interval, lines = core.terms.answer(self.request, dialog.sessionTimer)
        own = [("Contact", core.identity.contact(self.transaction.flow)), *core.abilities(), *lines]
        kind = session.contentType if answer else None
        response = self.request.response(code, phrase, self.localTag(), [*own, *extra], answer, kind)
        self._respond(response)
        dialog.keep(interval)
        if self._byDefault:
            core.tellAll(dialog.delegate, TOLD[self.change], dialog, self.request)
        self.responded(response)
        dialog.goOn()
        return response

    def _undescribed(self, failure: Failure) -> Failure:
        """No answer could be made: the offer is refused, the session stays (RFC 6337 section 3)."""
        session, self._session = self._session, None
        discard(session, self.dialog)
        if self.answered:
            return Failure(self._overtaken())
        self._refuseFor(failure)
        return failure

    def _overtaken(self) -> SipError:
        """What C{accept()} fails with that came to nothing."""
        assert self.response is not None
        return DialogTerminated(f"answered with {self.response.statusCode} before the description was made")

    def _respond(self, response: Response) -> None:
        super()._respond(response)
        if response.statusCode >= 300 and self.dialog.state is not Phase.TERMINATED:
            # What of ours had to wait for it may go on.
            self.dialog.goOn()

    def _close(self) -> None:
        super()._close()
        dialog = self.dialog
        if dialog.updating is self:  # else the offer in a PRACK came after it
            dialog.updating = None
        if dialog.dialogState.exchange is Exchange.REMOTE and self.offer is not None:
            dialog.dialogState.exchanged("failed")
        cancel(self._answering)

    def dialogEnded(self, error: SipError) -> None:
        """RFC 3261 section 15.1.2: what is still open is answered with 487."""
        if not self.answered:
            pending, self.pending = self.pending, None
            self.reject(487)
            cancel(pending)

    def answerByDefault(self) -> None:
        if self.answered or self._answering is not None:
            return
        if self.offer is not None and self.dialog.session is None:
            self.reject(488)
        else:
            self._byDefault = True
            self.accept().addErrback(lambda _: None)
