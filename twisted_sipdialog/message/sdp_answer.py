"""
Offer and answer between two session descriptions (RFC 3264).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from twisted_sipdialog.errors import InvalidValue
from twisted_sipdialog.message.sdp import (
    DIRECTIONS,
    Media,
    NotAcceptable,
    SessionDescription,
    answerDirection,
    directed,
    narrowed,
)

#: Encodings that carry no media by themselves: events, comfort noise, redundancy.
_AUXILIARY: Final = frozenset({"telephone-event", "cn", "red"})
#: Attributes that speak of one format: the payload type is their first word.
_PER_FORMAT: Final = ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:")
# RFC 3550 section 5.1: seven bits.
_PAYLOAD_TYPE = re.compile(r"[0-9]|[1-9][0-9]|1[01][0-9]|12[0-7]", re.ASCII)


def fitAnswer(
    offer: SessionDescription, local: SessionDescription, usable: Callable[[Media], bool] = lambda offered: True
) -> SessionDescription:
    """
    The answer to C{offer} that C{local} can give (RFC 3264 section 6): a media
    description for each that is offered, in order; those that we have, with the formats
    in common in the offer's order and under its payload types, the direction
    narrowed to what the offer allows; the others refused with port 0; the
    time as offered.  It is C{local} itself when that fits as it is.

    Formats are compared by encoding, clock rate and channels; their parameters are not.

    @param usable: whether an offered media description may be accepted at all.
    @raise NotAcceptable: live media are offered, and none fits.
    """
    unused = [media for media in local.media if media.port]
    media: list[list[str]] = []
    fitting = 0
    for offered in offer.media:
        section = None
        if offered.port and usable(offered):
            section = _firstFit(offered, unused)
        if section is None:
            media.append(_refused(offered, local))
        else:
            media.append(section)
            fitting += 1
    if not fitting and any(offered.port for offered in offer.media):
        raise NotAcceptable("no offered media fits ours")
    lines = _timed(local.lines, offer.lines) + [line for section in media for line in section]
    return local if lines == local.allLines else SessionDescription.fromLines(lines)


def fitOffer(full: SessionDescription, previous: SessionDescription) -> SessionDescription:
    """
    The next offer of a session whose last description of ours was C{previous}
    (RFC 3264 section 8): C{full}, all we can do, when its media take the same
    places; else the same media as last time, in the directions that the ones at the same port have in C{full}.
    It is C{previous} itself when nothing changes.
    """
    if [_slot(media) for media in full.media] == [_slot(media) for media in previous.media] and not _conflict(
        full, previous
    ):
        return full.asNextOf(previous)
    # The port tells which of several of one type it was: an answer may have them in other places.
    wanted = {(_slot(media), media.port): media.direction for media in reversed(full.media)}
    offer = previous
    for index, media in enumerate(previous.media):
        if media.port:
            offer = offer.withDirection(wanted.get((_slot(media), media.port), media.direction), index)
    return offer.asNextOf(previous)


def checkLimit(limit: str) -> None:
    """
    @raise InvalidValue: C{limit} is no direction.
    """
    if limit not in DIRECTIONS:
        raise InvalidValue("limit", limit, "one of " + ", ".join(DIRECTIONS))


def limited(description: SessionDescription, limit: str) -> SessionDescription:
    """
    C{description} with none of its live media wanting more than C{limit} (RFC 3264 section 8.4): C{"sendonly"}
    puts the peer on hold, which makes sendrecv sendonly, and recvonly inactive.  It is C{description} itself when
    all of them are within the limit.

    @raise InvalidValue: a limit that is no direction.
    """
    checkLimit(limit)
    for index, media in enumerate(description.media):
        if media.port:
            description = description.withDirection(narrowed(media.direction, limit), index)
    return description


def numbered(ours: SessionDescription, *known: bytes | None) -> SessionDescription:
    """
    C{ours} under an o= line of its session that means nothing else yet (RFC 3264 section 8: where the version is
    not raised, the description is the one that had it).

    @param known: our description in force, and the last one sent; None where there is none.  A refused offer is
        never in force, yet the peer has seen its version.
    @return: one of C{known} when C{ours} differs from it in nothing but o=; else C{ours} with the next version.
    """
    for data in known:
        if data is not None:
            previous = SessionDescription.parse(data)
            ours = ours.asNextOf(previous)
            if ours is previous:
                break
    return ours


def noneOf(offer: SessionDescription, local: SessionDescription) -> SessionDescription:
    """
    The answer that takes none of what was offered (RFC 3264 section 6: each of the media with port 0).

    @param local: our description in force: the answer is the next of its session.
    """
    lines = _timed(local.lines, offer.lines) + [line for media in offer.media for line in _refused(media, local)]
    return SessionDescription.fromLines(lines).asNextOf(local)


def placed(ours: SessionDescription, places: Iterable[Media], more: bool = True) -> SessionDescription:
    """
    C{ours} with its media in C{places}, in their order, by their types; port 0 stands where it has none (RFC 3264
    sections 6 and 8.2).  It is C{ours} itself when that is so already.

    @param more: its further media come behind them; False: they are left out.
    """
    rest = list(ours.media)
    lines = list(ours.lines)
    for place in places:
        media = next((media for media in rest if media.type == place.type), None)
        if media is None:
            lines += _refused(place, ours)
        else:
            rest.remove(media)
            lines += media.lines
    if more:
        lines += [line for media in rest for line in media.lines]
    return ours if lines == ours.allLines else SessionDescription.fromLines(lines)


def checkAnswer(offer: SessionDescription, answer: SessionDescription) -> None:
    """
    An answer must have the media of the offer in their order, and accept at
    least one of them (RFC 3264 sections 6 and 7).

    @raise NotAcceptable: it does not.
    """
    if [media.type for media in offer.media] != [media.type for media in answer.media]:
        raise NotAcceptable("the answer does not have the media of the offer")
    pairs = list(zip(offer.media, answer.media, strict=True))
    if any(offered.port for offered, _ in pairs) and not any(theirs.port for offered, theirs in pairs if offered.port):
        raise NotAcceptable("the answer refuses all media")


def commonFormats(offered: Media, ours: Media) -> list[tuple[str, str]]:
    """
    The formats in common, in the offer's order (RFC 3264 section 6.1): (offered, our own name of it).
    Empty when all they have in common carries no media by itself.
    """
    own: dict[object, str] = {}
    for payload in ours.formats:
        own.setdefault(_formatKey(ours, payload), payload)
    common: dict[str, str] = {}
    useful = False
    for payload in offered.formats:
        key = _formatKey(offered, payload)
        if offered.isRtp and not _PAYLOAD_TYPE.fullmatch(payload):
            continue
        if key in own and payload not in common:
            common[payload] = own[key]
            useful = useful or not (isinstance(key, tuple) and key[0] in _AUXILIARY)
    return list(common.items()) if useful else []


def _formatKey(media: Media, payload: str) -> object:
    encoding = media.encoding(payload) if media.isRtp else None
    return encoding or payload.lower()


def _firstFit(offered: Media, unused: list[Media]) -> list[str] | None:
    for ours in unused:
        if (ours.type, ours.protocol.upper()) == (offered.type, offered.protocol.upper()):
            common = commonFormats(offered, ours)
            if common:
                unused.remove(ours)
                return _fitted(offered, ours, common)
    return None


def _fitted(offered: Media, ours: Media, common: list[tuple[str, str]]) -> list[str]:
    port = f"{ours.port}/{ours.portCount}" if ours.portCount > 1 else str(ours.port)
    lines = [f"m={ours.type} {port} {offered.protocol} {' '.join([theirs for theirs, _ in common])}"]
    names: dict[str, list[str]] = {}
    for theirs, own in common:
        names.setdefault(own, []).append(theirs)
    for line in ours.lines[1:]:
        start = next((start for start in _PER_FORMAT if line.startswith(start)), None)
        if start is None:
            lines.append(line)
            continue
        payload, space, rest = line[len(start) :].partition(" ")
        if payload not in ours.formats:
            lines.append(line)  # a=rtcp-fb:* speaks of all
        lines += [f"{start}{theirs}{space}{rest}" for theirs in names.get(payload, ())]
    direction = answerDirection(offered.direction, ours.direction)
    return lines if direction == ours.direction else directed(lines, direction)


def _refused(offered: Media, local: SessionDescription) -> list[str]:
    # At least one format must stand there, though it means nothing (RFC 3264 section 6).
    lines = [f"m={offered.type} 0 {offered.protocol} {' '.join(offered.formats) or '0'}"]
    if local.connection is None:
        # Without a c= line of the session each media description has one (RFC 8866 section 5.7).
        lines += [line for media in local.media[:1] for line in media.lines if line.startswith("c=")][:1]
    return lines


def _timed(ours: Iterable[str], offered: Iterable[str]) -> list[str]:
    """
    Our session lines with the times of the offer, which are not negotiated (RFC 3264 section 6).
    """
    times = [line for line in offered if line.startswith(("t=", "r=", "z="))]
    if not times:
        return list(ours)
    lines: list[str] = []
    for line in ours:
        if not line.startswith(("t=", "r=", "z=")):
            lines.append(line)
        else:
            lines += times
            times = []
    return lines + times


def _slot(media: Media) -> tuple[str, str]:
    return media.type, media.protocol.upper()


def _conflict(full: SessionDescription, previous: SessionDescription) -> bool:
    """
    A payload type keeps its meaning for the whole session (RFC 3264 section 8.3.2).
    """
    for new, old in zip(full.media, previous.media, strict=True):
        if old.isRtp:
            known = {payload: _formatKey(old, payload) for payload in old.formats}
            mine = {payload: _formatKey(new, payload) for payload in new.formats}
            names = {key: payload for payload, key in known.items()}
            for payload, key in mine.items():
                if known.get(payload, key) != key or names.get(key, payload) != payload:
                    return True
    return False
