common-sign-in = Se connecter
