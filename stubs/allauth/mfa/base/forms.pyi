from django import forms

class AuthenticateForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...

class ReauthenticateForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
