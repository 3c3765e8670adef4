common-sign-in = تسجيل الدخول
