"""Modifiers: functions over our session descriptions before they go out."""

from twisted_sipdialog.message.sdp import NotAcceptable, SessionDescription


def audioOnly(description):
    """No video with this peer, whatever the media could do."""
    media = [media for media in description.media if media.type != "video"]
    return SessionDescription.fromLines([*description.lines, *(line for each in media for line in each.lines)])


class Without:
    """No such codec: C{Without("PCMU")}."""

    def __init__(self, codec):
        self._codec = codec.lower()

    def __call__(self, description):
        lines = [line for media in description.media for line in self._stripped(media)]
        return SessionDescription.fromLines([*description.lines, *lines])

    def _stripped(self, media):
        named = [(payload, media.encoding(payload)) for payload in media.formats]
        kept = [payload for payload, encoding in named if encoding is None or encoding[0].lower() != self._codec]
        if not kept:
            raise NotAcceptable(f"{media.type} has no other codec than {self._codec}")
        taken = tuple(f"{of}:{payload} " for payload in set(media.formats) - set(kept) for of in ("a=rtpmap", "a=fmtp"))
        first, *others = media.lines
        yield " ".join([*first.split()[:3], *kept])
        yield from (line for line in others if not line.startswith(taken))


class Relayed:
    """Our media go by a relay, which is asked for its address."""

    def __init__(self, relay):
        self._relay = relay

    async def __call__(self, description):
        host = await self._relay.hostFor(description.origin.sessionId)
        lines = [f"c=IN IP4 {host}" if line.startswith("c=") else line for line in description.allLines]
        return SessionDescription.fromLines(lines)


def call(ua, target, relay):
    """Each of our offers and answers in this call is of audio, and names the relay."""
    return ua.invite(target, modifiers=[audioOnly, Relayed(relay)])


async def dropVideo(dialog):
    """This once: the video there is ends."""
    await dialog.modify("sendrecv", modifiers=[audioOnly])
