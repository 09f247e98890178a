"""Running the whole: health, demo, self-check, backup. The top layer: it may import every app."""
