"""Publish presence; it is refreshed by itself, after 0.9 of the time that was granted."""

from twisted.internet.task import deferLater

from twisted_sipdialog import PublishDelegate

OPEN = b"<presence .../>"
BUSY = b"<presence .../>"


# watch
class Watch(PublishDelegate):
    """What becomes of a publication, also when nobody waits for it."""

    def __init__(self, show):
        self._show = show

    def published(self, publication, response):
        self._show("published for", publication.expires, "s")

    def publishProgress(self, publication, response):
        self._show("recovering from", response.statusCode)  # 412 or 423, which are repaired

    def publishFailed(self, publication, failure):
        self._show("failed:", failure.getErrorMessage())  # a refresh, too

    def unpublished(self, publication, response):
        self._show("gone")


# publish
async def presence(clock, ua, show):
    """At the desk for a minute, then busy, then gone."""
    publication = await ua.publish(
        "sip:alice@example.com",
        event="presence",
        body=OPEN,
        contentType="application/pidf+xml",
        expires=3600,  # seconds
        delegate=Watch(show),
    )
    await deferLater(clock, 60)
    await publication.publish(BUSY)
    await deferLater(clock, 60)
    await publication.unpublish()
    await publication.close()
