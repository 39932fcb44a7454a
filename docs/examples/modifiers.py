"""Modifiers: functions over our session descriptions before they go out."""

from twisted_sipdialog.message.sdp import SessionDescription


def audioOnly(description):
    """No video with this peer, whatever the media could do."""
    media = [media for media in description.media if media.type != "video"]
    return SessionDescription.fromLines([*description.lines, *(line for each in media for line in each.lines)])


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
