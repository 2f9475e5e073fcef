"""The pure core that decides what an anomaly is: frames in, frames out."""
