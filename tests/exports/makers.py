"""Rows for the tests of exports: fixed ids and dates, so that golden files hold."""
