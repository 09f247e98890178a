"""What the manager's pages show and read; no request is known here."""
