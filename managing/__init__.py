"""The manager's site: a project's own pages for those who set it up and watch over it. No table lives here."""
