common-sign-in = Sign in
