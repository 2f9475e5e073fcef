"""What is done with history: import it, fill it in, evaluate it again, audit it."""
