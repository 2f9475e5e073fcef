"""How events come in: from the bytes of a request to the stream."""
