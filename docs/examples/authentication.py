"""Who we are, and to whom we say it."""

from twisted_sipdialog import Configuration, Credentials

# realm: each pair is for the one realm that it names
office = Configuration(
    aor="sip:alice@example.com",
    listen="udp:0",
    credentials=(
        Credentials("alice", "wonderland", realm="example.com"),
        Credentials("1234", "looking-glass", realm="gateway.example.net"),
    ),
)

# proxy: without a realm, for whatever our outbound proxy names
home = Configuration(
    aor="sip:alice@example.com",
    listen="udp:0",
    outboundProxy="sip:proxy.example.com",
    credentials=(Credentials("alice", "wonderland"),),
)
