"""Which forms allauth shows: ours, by string (accounts/forms.py)."""

ACCOUNT_FORMS = {
    "login": "accounts.forms.SignIn",
    "signup": "accounts.forms.SignUp",
    "add_email": "accounts.forms.AddEmail",
    "change_password": "accounts.forms.ChangePassword",
    "set_password": "accounts.forms.SetPassword",
    "reset_password": "accounts.forms.ResetPassword",
    "reset_password_from_key": "accounts.forms.ResetPasswordKey",
    "reauthenticate": "accounts.forms.Reauthenticate",
}
MFA_FORMS = {
    "authenticate": "accounts.forms.Authenticate",
    "reauthenticate": "accounts.forms.ReauthenticateByCode",
    "activate_totp": "accounts.forms.ActivateApp",
    "add_webauthn": "accounts.forms.AddKey",
    "edit_webauthn": "accounts.forms.RenameKey",
}
SOCIALACCOUNT_FORMS = {"signup": "accounts.forms.SignUpFromElsewhere"}
