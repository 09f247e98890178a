from typing import Any

from django.contrib import admin

# Any as the row: an admin says in its own signatures what its rows are.
class ModelAdmin(admin.ModelAdmin[Any]):
    add_fieldsets: object
    change_form_outer_before_template: str | None
    change_form_after_template: str | None
    compressed_fields: bool
    list_filter_submit: bool
    warn_unsaved_form: bool

class TabularInline(admin.TabularInline[Any, Any]): ...
class StackedInline(admin.StackedInline[Any, Any]): ...
