"""`python -m eventpulse` is the command `eventpulse`."""

from eventpulse.cli.main import app

if __name__ == "__main__":
    app(prog_name="eventpulse")
