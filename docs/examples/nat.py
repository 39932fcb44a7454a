"""Behind a NAT that forwards port 5060 of a public address to us."""

from twisted_sipdialog import Configuration

configuration = Configuration(
    aor="sip:desk@example.com",
    listen=("udp:5060:interface=192.168.1.20", "tcp:5060:interface=192.168.1.20"),
    advertise="203.0.113.7",  # or a name, such as sip.example.com
)
