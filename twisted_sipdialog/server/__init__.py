"""
Roles that are built from a user agent.
"""
