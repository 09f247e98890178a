"""What `bin/start` and `bin/test` run: installing, preparing, supervising. No Django model, no app."""
