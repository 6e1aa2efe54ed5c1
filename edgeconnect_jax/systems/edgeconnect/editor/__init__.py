"""The page of EdgeConnect and the service behind it."""
