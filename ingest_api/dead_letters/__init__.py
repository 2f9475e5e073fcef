"""What could not be stored: shown, mended, sent again."""
