from django import forms

class LoginForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
