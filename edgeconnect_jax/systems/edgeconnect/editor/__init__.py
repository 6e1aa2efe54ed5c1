"""EdgeConnect's page, the service behind it, and the recipes that it saves."""
