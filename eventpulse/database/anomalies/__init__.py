"""What was found, which stretches were looked at for it, and what audits say of both."""
