"""The drain: micro-batch by micro-batch from the stream into the tables, with what the rules find in them."""
