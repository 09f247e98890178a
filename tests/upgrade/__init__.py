"""From the release before to this one: a small database of it, migrated while people work."""
