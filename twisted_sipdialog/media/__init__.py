"""
What answers a call with a real session description: a fixed one, or an RTP echo (RFC 3264, 3550).
"""
