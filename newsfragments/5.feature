``UserAgent.publish()`` publishes event state and keeps it up: refreshed, changed, withdrawn, and repaired after 412, 423 and silence (``docs/howto/publish.rst``).
