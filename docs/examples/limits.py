"""A small user agent that faces the world."""

from twisted_sipdialog import Configuration, FlowLimits, Limits, LoadLimits

configuration = Configuration(
    aor="sip:desk@example.com",
    loadLimits=LoadLimits(dialogs=200, invitesPerSource=10, retryAfter=30),
    flowLimits=FlowLimits(connections=500, connectionsPerAddress=5),
    messageLimits=Limits(message=16_384, body=8_192),
)
