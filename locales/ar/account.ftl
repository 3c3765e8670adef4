# The customer's own pages.
nav-instances = التطبيقات
nav-pricing = الأسعار
nav-account = الحساب
nav-security = الدخول والأمان
