"""The web page: what a browser loads, and how it is handed out."""
