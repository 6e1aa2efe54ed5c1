"""The HTTP service: what the pages of all systems share. It needs the extra [serve]."""
