# صفحات فريق المستضيف.
staff-title = الفريق
staff-nav-home = نظرة عامة
staff-nav-accounts = العملاء
staff-nav-instances = النسخ
staff-nav-hosts = الخوادم
staff-nav-plans = الباقات
staff-nav-queue = قائمة الأعمال
staff-nav-usage = الاستهلاك
staff-nav-audit = سجل التدقيق

staff-login-title = دخول الفريق
staff-login-lead = للعاملين هنا. للعملاء صفحة دخول أخرى.
staff-login-customers = دخول العملاء
staff-email = البريد الإلكتروني
staff-password = كلمة المرور
staff-login-submit = متابعة
staff-login-wrong = البريد وكلمة المرور غير متطابقين. تحقق منهما وحاول مجددًا.
staff-login-throttled = محاولات كثيرة. انتظر { $minutes ->
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $minutes } دقائق
   *[other] { $minutes } دقيقة
 } ثم حاول مجددًا.
staff-logout = تسجيل الخروج

staff-code-title = العامل الثاني
staff-code-lead = اكتب الأرقام الستة التي يعرضها تطبيق المصادقة، أو أحد رموز الاسترداد.
staff-code = الرمز
staff-code-submit = دخول
staff-code-wrong = هذا الرمز خاطئ أو قديم أو مستعمل. انتظر الرمز التالي وحاول مجددًا.

staff-enrol-title = إعداد العامل الثاني
staff-enrol-lead = امسح هذه الصورة بتطبيق مصادقة (مثل Aegis أو FreeOTP أو 1Password). سيُطلب رمزه عند كل دخول.
staff-enrol-typed = لا توجد كاميرا؟ اكتب هذا المفتاح في التطبيق:
staff-enrol-submit = إنهاء
staff-qr-label = صورة فيها مفتاح تطبيق المصادقة
staff-recovery-title = رموز الاسترداد
staff-recovery-lead = كل رمز يتيح الدخول مرة واحدة إذا فقدت التطبيق. لا تُعرض إلا الآن: اطبعها أو احفظها في مدير كلمات المرور.
staff-recovery-done = حفظتُها

staff-join-title = الانضمام إلى الفريق
staff-join-lead = يعمل هذا الرابط مرة واحدة. اختر طريقة دخولك، ثم يأتي العامل الثاني.
staff-join-submit = انضمام
staff-join-spent = استُعمل هذا الرابط أو صار قديمًا. اطلب رابطًا جديدًا من زميل، أو شغّل الأمر «sayoo staff first-link» على الخادم إذا لم ينضم أحد بعد.
staff-join-email-taken = هذا البريد لأحد أفراد الفريق بالفعل.
staff-join-name-missing = اكتب اسمك.
staff-name = اسمك

staff-home-title = نظرة عامة
staff-home-running = نسخ تعمل
staff-home-of = من { $total }
staff-home-accounts = العملاء
staff-home-new = { $count ->
    [0] لا جديد هذا الأسبوع
    [one] عميل جديد هذا الأسبوع
    [two] عميلان جديدان هذا الأسبوع
    [few] { $count } عملاء جدد هذا الأسبوع
   *[other] { $count } عميلًا جديدًا هذا الأسبوع
 }
staff-home-failing = فيها مشكلة
staff-home-failing-none = كل شيء بخير
staff-home-failing-look = راجع قائمة الأعمال
staff-home-spares = احتياطي جاهز
staff-home-spares-detail = للطلبات القادمة
staff-home-suspended = حالات الإيقاف
staff-home-mails = أعمال متروكة
staff-home-invite = دعوة زميل
staff-home-invited = رابط زميلك (يعمل مرة واحدة خلال 24 ساعة):
staff-home-hosts = الخوادم
staff-home-latest = أحدث النسخ

staff-accounts-title = العملاء
staff-accounts-none = لا عميل مطابق.
staff-accounts-none-text = جرّب جزءًا آخر من الاسم أو البريد.
staff-filter = تصفية
staff-filter-show = عرض
staff-filter-hint = اسم أو بريد أو عنوان أو رقم
staff-all-states = كل الحالات
staff-col-customer = العميل
staff-col-owner = المالك
staff-col-instances = النسخ
staff-col-since = منذ
staff-col-country = البلد
staff-col-state = الحالة
staff-col-instance = النسخة
staff-col-plan = الباقة
staff-col-host = الخادم
staff-col-runtime = وحدة التشغيل
staff-col-reason = السبب
staff-col-by = بواسطة
staff-col-when = متى
staff-col-what = ماذا
staff-col-who = من
staff-col-tries = المحاولات
staff-col-next = المحاولة القادمة
staff-col-error = آخر خطأ
staff-col-role = الدور
staff-col-seen = آخر ظهور
staff-col-name = الاسم
staff-col-version = الإصدار
staff-col-prices = في الشهر
staff-col-limits = الحدود
staff-number = الرقم

staff-account-active = نشط
staff-account-closing = قيد الإغلاق
staff-account-closed = مغلق
staff-account-suspended = موقوف
staff-account-members = الأعضاء
staff-account-unverified = البريد غير مؤكد
staff-account-never = ليس مؤخرًا
staff-account-history = السجل
staff-account-suspensions = حالات الإيقاف
staff-account-no-instances = ليس لهذا العميل نسخ بعد.

staff-suspend = إيقاف
staff-suspend-account-title = إيقاف { $name }؟
staff-suspend-account-text = تتوقف كل نسخ هذا العميل وتعرض صفحة تقول ذلك. لا تُمس البيانات. يقرأ العميل السبب.
staff-suspend-instance-text = خلال ثانية يرى الجمهور صفحة تقول ذلك، وتنتهي التنزيلات والاتصالات المفتوحة، ثم تتوقف النسخة. لا تُمس البيانات. يقرأ العميل السبب.
staff-suspended-because = موقوف: { $reason }
staff-resume = استئناف
staff-resume-lead = يعود ما كان يعمل. يُحفظ السبب في سجل التدقيق.
staff-reason = السبب
staff-reason-hint = من 3 إلى 1000 حرف. يقرؤه العميل.
staff-reason-needed = اكتب سببًا من 3 إلى 1000 حرف.
staff-already-so = لم يتغير شيء: هو في هذه الحالة بالفعل.
staff-suspended-done = تم الإيقاف. يسري خلال ثوانٍ.
staff-resumed-done = تم الاستئناف. يسري خلال ثوانٍ.
staff-suspension-in-force = سارٍ
staff-suspension-lifted = رُفع: { $reason }
staff-whole-account = الحساب كله

staff-instances-title = النسخ
staff-instances-none = لا نسخة مطابقة.
staff-instances-none-text = جرّب جزءًا آخر من الاسم أو العنوان أو رمز التشغيل.
staff-instance-wanted = المطلوب
staff-instance-address = العنوان
staff-instance-purge = تُحذف البيانات في
staff-instance-audit = سجل التدقيق
staff-wanted-running = تعمل
staff-wanted-stopped = متوقفة
staff-wanted-deleted = محذوفة

staff-hosts-title = الخوادم
staff-hosts-lead = ما وُعدت به وحدات التشغيل مما يمكن الوعد به. لا يُوعد بالذاكرة مرتين أبدًا.
staff-hosts-none = لا خادم بعد.
staff-hosts-none-text = شغّل «sayoo setup» على هذا الجهاز ليُسجَّل.
staff-host-memory = الذاكرة الموعودة
staff-host-cpu = المعالج الموعود
staff-host-active = قيد الاستعمال
staff-host-cordoned = لا يستقبل جديدًا
staff-host-down = لا يمكن الوصول إليه
staff-host-runtimes = { $count ->
    [0] لا وحدات تشغيل
    [one] وحدة تشغيل واحدة
    [two] وحدتا تشغيل
    [few] { $count } وحدات تشغيل
   *[other] { $count } وحدة تشغيل
 }
staff-host-spares = { $count ->
    [0] لا احتياطي
    [one] واحدة منها احتياطية
    [two] اثنتان منها احتياطيتان
    [few] { $count } منها احتياطية
   *[other] { $count } منها احتياطية
 }
staff-host-seen = شوهد { $when }
staff-host-never = لم يُشاهد

staff-plans-title = الباقات
staff-plans-lead = الإصدار المنشور لا يتغير أبدًا: يحتفظ العملاء بما اشتروه. السعر الجديد إصدار جديد.
staff-plans-published = منشور
staff-plans-draft = مسودة
staff-plans-new-version = إصدار جديد
staff-plans-publish = نشر
staff-plans-published-done = نُشر. تستعمله الطلبات الجديدة من الآن.
staff-plans-drafted-done = حُفظت المسودة. راجعها ثم انشرها.
staff-plans-bad-number = اكتب عددًا غير سالب يناسب هذا الحقل.
staff-plans-price = السعر بعملة { $currency }
staff-plans-cpu = المعالج، جزء من ألف من النواة
staff-plans-memory = الذاكرة، MiB
staff-plans-storage = قاعدة البيانات، MiB
staff-plans-save = حفظ المسودة
staff-plans-new-version-of = { $plan }: إصدار جديد
staff-plans-words = الاسم والنصوص
staff-plans-words-of = { $plan }: الاسم والنصوص
staff-plans-words-lead = ما يقرؤه العملاء في صفحة الأسعار. الأسعار والحدود تخص الإصدارات.
staff-plans-name = الاسم
staff-plans-summary = جملة واحدة عنها
staff-plans-offered = يمكن طلب نسخ جديدة عليها
staff-plans-not-offered = غير معروضة
staff-plans-name-needed = أعطِ الباقة اسمًا بكل لغة.
staff-plans-described-done = حُفظ. تعرضه صفحة الأسعار الآن.
staff-plans-bad = تحتاج بعض الحقول إلى قيمة أخرى؛ لم يُحفظ شيء.
staff-plans-group-price = السعر في الشهر
staff-plans-group-limits = ما تحصل عليه النسخة
staff-plans-group-backups = النسخ الاحتياطية المحفوظة
staff-plans-replicas = الحاويات على الأكثر
staff-plans-sleep = تنام بعد (دقائق)
staff-plans-sleep-hint = فارغ: لا تنام أبدًا.
staff-plans-daily = من الأيام الأخيرة
staff-plans-weekly = من الأسابيع الأخيرة
staff-plans-monthly = من الأشهر الأخيرة
staff-plans-included = المشمول في الشهر
staff-plans-unit-price = كل وحدة زائدة، { $currency }

staff-queue-title = قائمة الأعمال
staff-queue-lead = ما ليس كما ينبغي، ومنذ متى، ولماذا، ومتى يُعاد.
staff-queue-none = كل شيء كما ينبغي.
staff-queue-none-text = لا شيء ينتظر ولا شيء فشل.
staff-queue-turns = الموفِّقات
staff-queue-jobs = الأعمال
staff-queue-retry = حاول الآن
staff-queue-retried = تجري المحاولة الآن.
staff-queue-gone = لم يعد في القائمة.
staff-queue-working = قيد العمل
staff-queue-failed = متروك
staff-queue-due = ينتظر

staff-usage-title = الاستهلاك
staff-usage-lead = يُحسب ساعة بساعة. صدّره للفوترة؛ والأمر «sayoo export usage» يعطي الشيء نفسه.
staff-usage-from = من (يوم)
staff-usage-to = إلى (يوم غير مشمول)
staff-usage-show = عرض
staff-usage-csv = CSV
staff-usage-json = JSON
staff-usage-none = لا استهلاك في هذه الأيام.
staff-usage-none-text = اختر أيامًا أخرى. يظهر الاستهلاك بعد دقائق من تشغيل النسخة.
staff-usage-bad-period = اختر يوم بداية قبل يوم النهاية، بفارق 400 يوم على الأكثر.
staff-usage-quantity = الكمية
staff-usage-meter = العداد
staff-usage-covered = المقيس
staff-usage-by-hour = حسب العميل والنسخة والساعة:

staff-audit-title = سجل التدقيق
staff-audit-lead = من فعل ماذا. يحمل كل سطر بصمة السطر السابق فيظهر أي تغيير.
staff-audit-verify = فحص السلسلة
staff-audit-verified = كل الأسطر ({ $count }) كما كُتبت.
staff-audit-broken = عُدّل السجل: السطر { $seq } ليس كما كُتب.
staff-audit-all = الجميع
staff-audit-users = العملاء
staff-audit-staff = الفريق
staff-audit-system = البرنامج
staff-audit-none = لا شيء مطابق.
staff-audit-none-text = جرّب كلمة أخرى.

staff-search-title = بحث
staff-search-for = نتائج «{ $text }»
staff-search-none = لا نتائج.
staff-search-none-text = يشمل البحث الأسماء والبريد والنطاقات الفرعية والشركات ورموز التشغيل والأرقام.
staff-search-people = الأشخاص

staff-meter-cpu = المعالج، نواة-ساعة
staff-meter-memory = الذاكرة، GB-ساعة
staff-meter-database = قاعدة البيانات، GB-ساعة
staff-meter-egress = النقل الصادر، GB
staff-meter-requests = الطلبات، بالآلاف
staff-wake = إيقاظ الآن
staff-wake-done = جارٍ إيقاظها.
staff-wake-not-asleep = ليست ساكنة.
staff-asleep-text = ساكنة منذ { $when }. تستيقظ مع أول طلب.

staff-nav-images = الصور
staff-images-title = الصور
staff-images-lead = إصدارات Odoo ومن يشغّل كلًا منها.
staff-images-image = الصورة
staff-images-content = المحتوى
staff-images-current = الحالية
staff-images-behind = على صورة أقدم
staff-images-all-new = الجميع على أحدث صورة
staff-images-all-new-text = لا توجد نسخة تشغّل صورة أقدم من الصورة الحالية لإصدارها من Odoo.
staff-images-how = تُحدَّث الأولى وحدها، ولا تتبعها البقية إلا إذا استجابت. أول إخفاق يوقف الباقي مؤقتًا، ويظل الإصدار القديم يعمل في كل مكان.
staff-images-choose = اختيار
staff-images-update = التحديث
staff-images-at-once = في وقت واحد
staff-images-move-some = تحديث المختارة
staff-images-move-all = تحديث الكل
staff-images-none-chosen = اختر نسخة واحدة على الأقل.
staff-images-nothing-to-do = لا تشغّل أي منها صورة أقدم، أو هناك تحديث جارٍ.
staff-images-started = بدأ النشر.
staff-rollouts = عمليات النشر
staff-rollout-running = جارٍ
staff-rollout-paused = متوقف مؤقتًا بسبب إخفاق
staff-rollout-stopped = موقوف
staff-rollout-done = مكتمل
staff-rollout-progress = { $done } من { $total }
staff-rollout-done-col = المكتملة
staff-rollout-failed-col = الإخفاقات
staff-rollout-by = بدأه
staff-rollout-stop = إيقاف
staff-rollout-resume = متابعة
staff-rollout-stopped-now = أُوقف النشر. ما بدأ ينتهي من تلقاء نفسه.
staff-rollout-resumed-now = يتابع النشر.
staff-update-waiting = ينتظر
staff-update-starting = يبدأ
staff-update-switched = يعمل والقديم ينتهي
staff-update-failing = قيد الإلغاء
staff-update-withdrawing = أُعيد إلى الانتظار
staff-limit-title = طلبات الجمهور
staff-limit-limited = المرفوضة خلال 24 ساعة: طلبات كثيرة في الثانية
staff-limit-busy = المرفوضة خلال 24 ساعة: الطابور ممتلئ أو طال الانتظار فيه
staff-limit-field = عدد الطلبات في الثانية
staff-limit-hint = من 1 إلى 100000. إن تُرك فارغًا سرت القيمة المحددة في الإعدادات لكل النسخ. يسري خلال ثانية.
staff-limit-bad = اكتب عددًا صحيحًا من 1 إلى 100000، أو اترك الحقل فارغًا.
staff-limit-save = حفظ الحد
staff-limit-done = تم حفظ الحد.
