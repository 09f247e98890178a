"""Base classes of the admin site: who sees and changes which rows.

A row belongs to a project; `project_lookup` says by which path. Members with one of `view_roles` see the rows of their
projects, those with one of `change_roles` may change them, an operator sees and changes all. A stranger gets 404, never
a hint. Nothing is deleted here: rows end, retire or are superseded. What an admin changes is written to the audit log
as ids and field names, never text.

This package imports no app: settings name the functions that know roles (PROJECT_ROLES) and the audit log.
"""

from common.admin.audit import record
from common.admin.filters import ProjectFilter
from common.admin.inlines import ScopedInline, ScopedStackedInline, ScopedTabularInline
from common.admin.operators import OperatorAdmin
from common.admin.projects import BigTableAdmin, ProjectScopedAdmin
from common.admin.roles import (
    MANAGER,
    NOBODY,
    REVIEWERS,
    holds_role,
    is_operator,
    project_ids,
    projects_by_role,
    within,
)

__all__ = [
    "MANAGER",
    "NOBODY",
    "REVIEWERS",
    "BigTableAdmin",
    "OperatorAdmin",
    "ProjectFilter",
    "ProjectScopedAdmin",
    "ScopedInline",
    "ScopedStackedInline",
    "ScopedTabularInline",
    "holds_role",
    "is_operator",
    "project_ids",
    "projects_by_role",
    "record",
    "within",
]
