"""Moments of a report, which are ISO texts there, as datetimes for Django's `date` filter."""

from datetime import datetime

from django import template

register = template.Library()


@register.filter
def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
