"""The end of the loop, run by itself: `manage.py demo_loop` (docs/loop.md)."""
