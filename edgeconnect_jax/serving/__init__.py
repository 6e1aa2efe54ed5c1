"""The HTTP service shared by the pages of all systems. Requires the extra [serve]."""
