"""What becomes of an intent to notify, decision by decision: pure, and each answers with a reason."""
