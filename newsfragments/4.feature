Call transfer: ``dialog.refer()`` sends the peer to a URI or to the other party of another call, and hangs up once that call stands; ``referReceived`` and ``referPolicy`` say which REFERs of peers are followed, and the referrer is told how it fares (``docs/howto/transfer.rst``).
An INVITE with Replaces takes the place of a call, if the delegate accepts it: ``context.replacee``, ``dialogReplaced``.
``UserAgent.refer()``, a REFER outside any call, and ``outOfDialogReferRequested``, which by default nobody gets to see.
``twistd sipua --delegate transfer --transfer-to URI`` sends its callers elsewhere; ``--refer-policy`` says which REFERs it follows, by default none.
