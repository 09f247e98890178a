from django import forms

class ActivateTOTPForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
