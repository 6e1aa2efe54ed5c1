"""The service behind the editor: the two steps of filling over HTTP. It takes the extra [serve]."""
