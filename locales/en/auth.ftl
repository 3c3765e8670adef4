# Signing up, signing in, forgotten passwords, and the pages behind links sent by mail.
form-problems = Please look at these once more
words-empty = Please fill this in.
words-too-long = That is too long.
words-control = This holds a character that cannot be shown. Please type it again.
email-invalid = This does not look like an e-mail address. It should be like name@example.com.
password-hint = At least 12 characters. Four or five ordinary words make a good one; a password manager makes a better one.
password-too-short = Please use at least 12 characters.
password-too-long = This is longer than 1024 bytes, more than we can keep. Please choose a shorter one.
password-nul = This holds a character that no keyboard types (NUL). Please choose another.
password-common = This is one of the first that somebody would try. Please add a word or two.
password-personal = This is made of your own names or ours, which others would try first. Please choose other words.

signup-title = Create your account
signup-lead = Free until you order your first instance.
signup-name = Your name
signup-email = E-mail address
signup-company = Company or organisation
signup-company-hint = You can change it later.
signup-password = Password
signup-action = Create my account
signup-have = Already have an account?

check-mail-title = Look into your mailbox
check-mail-text = We are sending you a mail with a link. Open it and press the button: then you are ready to go.
check-mail-late = It usually takes less than a minute. If nothing arrives, look into the spam folder, or check that the address was right by signing up again.

login-title = Sign in
login-action = Sign in
login-wrong = The e-mail address or the password is not right. Please check both.
login-lapsed = Your session has ended. Sign in again to go on where you were.
login-resumed = Your session had ended, so nothing was sent. What you typed is still here: check it and go on.
login-forgot = Forgot your password?
login-new = New here?
login-sign-up = Create an account
logout-done = You are signed out.

verify-title = Confirm your address
verify-text = Is { $email } your e-mail address? Press the button to confirm.
verify-action = Yes, this is my address
verify-welcome = Your address is confirmed. Welcome!
verify-done = Your address is confirmed.
verify-done-login = Your address is confirmed. Now sign in with your password.
verify-resent = We are sending another mail to { $email }.
unverified-title = Please confirm your e-mail address
unverified-text = You can look around, but before your first instance we need to know that mails reach you. Press the button in the mail that we sent.
unverified-action = Send the mail again

forgot-title = Forgot your password?
forgot-lead = Give us your e-mail address. If it has an account, we send you a link to choose a new password.
forgot-action = Send me the link
forgot-sent = If this address has an account, a mail with a link is on its way. It works for one hour.
reset-title = Choose a new password
reset-password = New password
reset-action = Save the new password
reset-done = Your new password is saved, and every browser was signed out. Now sign in.

confirm-email-title = Confirm your new address
confirm-email-text = From now on you will sign in with { $email }.
confirm-email-action = Use this address
confirm-email-done = Your new e-mail address is in use.
undo-email-title = Take the change back?
undo-email-text = Your former e-mail address is used again, and every browser is signed out.
undo-email-action = Take the change back
undo-email-done = The change was taken back and every browser was signed out. Now choose a new password: somebody else may know the old one.

link-gone-title = This link does not work any more
link-gone-text = It was used already, or it is too old, or a newer one was sent. Nothing was changed.
link-gone-login = Go to the sign-in page
link-gone-forgot = Ask for a new link
link-gone-security = Go to sign-in and security

dev-mails-title = Caught mails
dev-mails-lead = No mail server is configured, so mails are kept here instead of being sent. This page exists in development only.
dev-mails-hint = This is a development machine: mails are not sent.
dev-mails-none = No mail yet.
