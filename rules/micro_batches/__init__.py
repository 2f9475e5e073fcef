"""Rules over micro-batches: what each brings, what is remembered, and what changes."""
