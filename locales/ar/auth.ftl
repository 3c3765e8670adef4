# Signing up, signing in, forgotten passwords, and the pages behind links sent by mail.
form-problems = راجع هذه النقاط من فضلك
words-empty = املأ هذا الحقل من فضلك.
words-too-long = هذا أطول من اللازم.
words-control = يحتوي النص على رمز لا يمكن عرضه. اكتبه مرة أخرى من فضلك.
email-invalid = لا يبدو هذا بريدًا إلكترونيًا. ينبغي أن يكون مثل name@example.com.
password-hint = 12 حرفًا على الأقل. أربع أو خمس كلمات عادية تكفي، ومدير كلمات المرور أفضل.
password-too-short = استعمل 12 حرفًا على الأقل.
password-too-long = كلمة المرور تتجاوز 1024 بايت، وهو أكثر مما يمكن حفظه. اختر أقصر منها.
password-nul = تحتوي على رمز لا تكتبه لوحات المفاتيح (NUL). اختر غيرها.
password-common = هذه من أول ما سيجربه شخص آخر. أضف كلمة أو كلمتين.
password-personal = تتكون من أسمائك أو اسمنا، وهي أول ما سيُجرَّب. اختر كلمات أخرى.

signup-title = أنشئ حسابك
signup-lead = مجاني إلى أن تطلب أول تطبيق.
signup-name = اسمك
signup-email = البريد الإلكتروني
signup-company = الشركة أو المؤسسة
signup-company-hint = يمكنك تغييره لاحقًا.
signup-password = كلمة المرور
signup-action = إنشاء حسابي
signup-have = لديك حساب بالفعل؟

check-mail-title = افتح صندوق بريدك
check-mail-text = نرسل إليك رسالة فيها رابط. افتحه واضغط الزر لتصبح جاهزًا.
check-mail-late = يستغرق ذلك عادة أقل من دقيقة. إن لم يصل شيء فانظر في الرسائل غير المرغوب فيها، أو تأكد من البريد بالتسجيل مرة أخرى.

login-title = تسجيل الدخول
login-action = دخول
login-wrong = البريد الإلكتروني أو كلمة المرور غير صحيح. تحقق من كليهما.
login-lapsed = انتهت جلستك. سجّل الدخول مجددًا للمتابعة من حيث توقفت.
login-resumed = كانت جلستك قد انتهت، لذلك لم يُرسل شيء. ما كتبته لا يزال هنا: راجعه ثم تابع.
login-forgot = نسيت كلمة المرور؟
login-new = جديد هنا؟
login-sign-up = أنشئ حسابًا
logout-done = تم تسجيل خروجك.

verify-title = أكّد بريدك
verify-text = هل { $email } بريدك الإلكتروني؟ اضغط الزر للتأكيد.
verify-action = نعم، هذا بريدي
verify-welcome = تم تأكيد بريدك. أهلًا بك!
verify-done = تم تأكيد بريدك.
verify-done-login = تم تأكيد بريدك. سجّل الدخول الآن بكلمة المرور.
verify-resent = نرسل رسالة أخرى إلى { $email }.
unverified-title = أكّد بريدك الإلكتروني
unverified-text = يمكنك الاطلاع على كل شيء، لكن قبل أول تطبيق نحتاج إلى التأكد من وصول رسائلنا إليك. اضغط الزر في الرسالة التي أرسلناها.
unverified-action = إعادة إرسال الرسالة

forgot-title = نسيت كلمة المرور؟
forgot-lead = اكتب بريدك الإلكتروني. إن كان له حساب أرسلنا إليك رابطًا لاختيار كلمة مرور جديدة.
forgot-action = أرسلوا إليّ الرابط
forgot-sent = إن كان لهذا البريد حساب فالرسالة في طريقها إليك. يعمل الرابط لمدة ساعة.
reset-title = اختر كلمة مرور جديدة
reset-password = كلمة المرور الجديدة
reset-action = حفظ كلمة المرور الجديدة
reset-done = حُفظت كلمة المرور الجديدة وسُجّل الخروج من كل المتصفحات. سجّل الدخول الآن.

confirm-email-title = أكّد بريدك الجديد
confirm-email-text = ستسجّل الدخول من الآن بالبريد { $email }.
confirm-email-action = استعمال هذا البريد
confirm-email-done = بريدك الإلكتروني الجديد قيد الاستعمال.
undo-email-title = هل تريد إلغاء التغيير؟
undo-email-text = يعود بريدك السابق، ويُسجَّل الخروج من كل المتصفحات.
undo-email-action = إلغاء التغيير
undo-email-done = أُلغي التغيير وسُجّل الخروج من كل المتصفحات. اختر الآن كلمة مرور جديدة، فقد يعرف غيرك القديمة.

link-gone-title = لم يعد هذا الرابط يعمل
link-gone-text = استُعمل من قبل، أو مضى وقته، أو أُرسل أحدث منه. لم يتغير أي شيء.
link-gone-login = إلى صفحة الدخول
link-gone-forgot = طلب رابط جديد
link-gone-security = إلى الدخول والأمان

dev-mails-title = الرسائل الملتقطة
dev-mails-lead = لا يوجد خادم بريد، لذلك تُحفظ الرسائل هنا بدل إرسالها. هذه الصفحة موجودة في بيئة التطوير فقط.
dev-mails-hint = هذا جهاز تطوير: لا تُرسل الرسائل.
dev-mails-none = لا توجد رسائل بعد.
