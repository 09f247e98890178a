from collections.abc import Mapping

from django.contrib.auth.base_user import AbstractBaseUser
from django.forms import Form
from django.http import HttpRequest

class DefaultSocialAccountAdapter:
    error_messages: Mapping[str, object]
    def is_open_for_signup(self, request: HttpRequest, sociallogin: object) -> bool: ...
    def save_user(self, request: HttpRequest, sociallogin: object, form: Form | None = None) -> AbstractBaseUser: ...
