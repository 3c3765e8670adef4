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
staff-nav-money = المال

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
staff-instance-shortage = الحاويات الناقصة
staff-instance-address = العنوان
staff-instance-maintenance = مغلقة للصيانة منذ
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
staff-host-joining = ينضم
staff-host-leaving = يغادر
staff-host-emptying = قيد الإخلاء
staff-host-empty = فارغ
staff-host-in-zone = المنطقة { $zone }
staff-host-pool-any = لكل شيء
staff-host-pool-production = للإنتاج فقط
staff-host-pool-test = للتطوير والاختبار فقط
staff-host-seconds = { $seconds } ث
staff-headroom-enough = إذا فُقد { $host } تجد كل نسخه مكانًا في غيره، ويبقى { $spare } من الذاكرة حرًّا.
staff-headroom-short = إذا فُقد { $host } فلن تجد { $count ->
    [one] نسخة واحدة
    [two] نسختان
    [few] { $count } نسخ
   *[other] { $count } نسخة
 } مكانًا في غيره: أضف خادمًا.
staff-host-add = إضافة خادم
staff-host-add-lead = يُفحص الجهاز ويُضم إلى Swarm ويُستعمل فورًا.
staff-host-add-before = يحتاج الجهاز إلى Docker وإلى الشهادات التي ينشئها هذا الأمر: انسخ ملفاته إلى ‎/etc/docker على الجهاز ثم أعد تشغيل Docker.
staff-host-added = يفحص العامل الجهاز الآن. تعرض هذه الصفحة ما يجده.
staff-host-address = العنوان
staff-host-address-hint = على الشبكة الخاصة وبالأرقام. يجيب Docker هناك على المنفذ 2376 ولنا وحدنا.
staff-host-name = الاسم
staff-host-name-hint = حروف لاتينية صغيرة وأرقام وشرطات.
staff-host-zone = المنطقة
staff-host-zone-hint = ما يتعطل معه: خزانة أو غرفة.
staff-host-pool = ما يوضع عليه
staff-host-pool-hint = يذهب الإنتاج إلى الخوادم المخصصة له وغيره إلى الخوادم الأخرى، ولا تُستعمل الخوادم المفتوحة لكل شيء إلا إذا امتلأت تلك.
staff-host-bad-address = يلزم عنوان IP مثل 10.0.0.2.
staff-host-bad-name = للأسماء والمناطق 40 حرفًا لاتينيًا صغيرًا ورقمًا وشرطة على الأكثر.
staff-host-taken = لخادم آخر هذا الاسم أو هذا العنوان.
staff-host-gone = لم يعد هذا الخادم موجودًا.
staff-host-no-room = { $count ->
    [one] نسخة واحدة لن تجد مكانًا في غيره: أضف خادمًا أولًا.
    [two] نسختان لن تجدا مكانًا في غيره: أضف خادمًا أولًا.
    [few] { $count } نسخ لن تجد مكانًا في غيره: أضف خادمًا أولًا.
   *[other] { $count } نسخة لن تجد مكانًا في غيره: أضف خادمًا أولًا.
 }
staff-host-not-empty = { $count ->
    [one] ما زالت هنا نسخة واحدة: أخلِ الخادم أولًا.
    [two] ما زالت هنا نسختان: أخلِ الخادم أولًا.
    [few] ما زالت هنا { $count } نسخ: أخلِ الخادم أولًا.
   *[other] ما زالت هنا { $count } نسخة: أخلِ الخادم أولًا.
 }
staff-manager-silent = لم يُجب جهاز الإدارة منذ { $since }. التغييرات في قائمة الانتظار، وما يعمل يبقى يعمل.
staff-host-manager = يعطي العامل أوامره لهذا الجهاز فلا يمكنه المغادرة.
staff-host-daemon = Docker
staff-host-node = عقدة Swarm
staff-host-last = آخر علامة حياة
staff-host-acts = ما يمكن فعله
staff-host-cordon = عدم استقبال جديد
staff-host-cordon-lead = ما هنا يبقى ويستمر، وتذهب النسخ الجديدة إلى غيره.
staff-host-cordon-done = لا يستقبل الخادم جديدًا.
staff-host-uncordon = إعادته إلى الاستعمال
staff-host-uncordon-lead = يمكن وضع نسخ جديدة هنا. ما انتقل يبقى حيث هو.
staff-host-uncordon-done = عاد الخادم إلى الاستعمال.
staff-host-drain = إخلاء الخادم
staff-host-drain-lead = تبدأ كل نسخة في مكان آخر أولًا، ويتبعها زوارها حين تجيب هناك. تنتقل ثلاث نسخ معًا.
staff-host-drain-look = عرض من سينتقل
staff-host-drain-done = يجري إخلاء الخادم.
staff-host-cancel = إيقاف الإخلاء
staff-host-cancel-lead = ما هو في الطريق يصل ويبقى الباقي. لا يستقبل الخادم جديدًا.
staff-host-cancel-done = لن ينتقل شيء آخر.
staff-host-remove = إزالة الخادم
staff-host-remove-lead = يغادر الخادم الفارغ Swarm ويُنسى.
staff-host-remove-done = يغادر الخادم Swarm.
staff-host-settings = الإعدادات
staff-host-settings-title = إعدادات { $host }
staff-host-settings-lead = المنطقة والاستعمال وما يجوز الوعد به والعنوان. ما هو هنا يبقى مكانه، وما يأتي يوضع بحسبها.
staff-host-settings-look = تغييرها
staff-host-settings-save = حفظ
staff-host-settings-done = ضُبط الخادم.
staff-host-cpu-percent = يجوز الوعد بالمعالجات حتى
staff-host-cpu-percent-hint = من 100 إلى 6400. النسخ خاملة معظم الوقت: 800 تعني الوعد بكل نواة ثماني مرات.
staff-host-memory-kept = الذاكرة المحفوظة للجهاز
staff-host-memory-kept-hint = لنظامه وDocker وقواعد البيانات التي تعمل هنا. لا يوعد بها للنسخ.
staff-host-address-wanted-hint = يُعتمد عنوان آخر ما إن يجيب الجهاز نفسه عليه، وحتى ذلك الحين يُتصل به حيث كان.
staff-host-moving-to = سيُتصل به على { $address } ما إن يجيب الجهاز نفسه هناك.
staff-host-bad-percent = يلزم عدد من 100 إلى 6400.
staff-host-bad-memory = يلزم عدد أصغر من ذاكرة الجهاز.
staff-host-being-emptied = يجري إخلاؤه ولا يستقبل جديدًا. لإنهاء ذلك أوقف الإخلاء.
staff-drain-title = إخلاء { $host }
staff-drain-words = { $count ->
    [0] لا شيء ينتقل.
    [one] تنتقل نسخة واحدة في نحو { $seconds } ثانية.
    [two] تنتقل نسختان في نحو { $seconds } ثانية.
    [few] تنتقل { $count } نسخ في نحو { $seconds } ثانية.
   *[other] تنتقل { $count } نسخة في نحو { $seconds } ثانية.
 }
staff-drain-to = تذهب إلى
staff-drain-nowhere = لا مكان
staff-host-lessened = { $count ->
    [one] ستتوقف حاوية واحدة أو تشارك حاويةً أخرى من نسختها جهازًا واحدًا إلى أن يتوفر مكان.
    [two] ستتوقف حاويتان أو تشاركان حاويات أخرى من نسختيهما جهازًا واحدًا إلى أن يتوفر مكان.
    [few] ستتوقف { $count } حاويات أو تشارك حاويات أخرى من نسخها جهازًا واحدًا إلى أن يتوفر مكان.
   *[other] ستتوقف { $count } حاوية أو تشارك حاويات أخرى من نسخها جهازًا واحدًا إلى أن يتوفر مكان.
 }
staff-drain-confirm = أعلم ذلك: تعمل هذه النسخ في حاويات أقل، أو في حاويتين على جهاز واحد، في هذه الأثناء.
staff-drain-confirm-first = { $count ->
    [one] ستتوقف حاوية واحدة أو تشارك جهازًا: أكّد ذلك أولًا.
    [two] ستتوقف حاويتان أو تشاركان جهازًا: أكّد ذلك أولًا.
    [few] ستتوقف { $count } حاويات أو تشارك جهازًا: أكّد ذلك أولًا.
   *[other] ستتوقف { $count } حاوية أو تشارك جهازًا: أكّد ذلك أولًا.
 }
staff-drain-joins = بجانب حاوية أخرى منها
staff-drain-fewer = تتوقف وتستمر البقية
staff-left-title = ما زالت هنا، والسبب
staff-left-going = ينهي الزوار الموجودون ما بدؤوه
staff-left-moving = تنتقل الآن
staff-left-update = ينتهي تحديث لها أولًا
staff-left-stopping = أوقفها عميلها
staff-left-room = لا خادم فيه مكان لها
staff-left-failed = لم تعمل على خادم آخر، وستُعاد المحاولة
staff-left-failing = لا تعمل هنا، وتنتقل حين يمكن ذلك
staff-left-starting = تبدأ هنا أولًا
staff-left-turn = سيأتي دورها: تنتقل ثلاث معًا
staff-troubles = المشكلات
staff-waiting-title = تنتظر مكانًا
staff-trouble-room = لا خادم فيه مكان
staff-trouble-engine = لا يستطيع Docker تشغيلها
staff-trouble-memory = استعملت ذاكرة أكثر من المسموح
staff-trouble-move = لم تعمل على خادم آخر
staff-trouble-update = لم تعمل بعد التحديث
staff-placements = عمليات الوضع
staff-placement-took = أجابت بعد
staff-placement-made = جديدة
staff-placement-started = شُغّلت من جديد
staff-placement-updated = حُدّثت
staff-placement-drained = انتقلت من خادم يُخلى
staff-placement-lost = فُقد خادمها
staff-placement-replicated = حاوية إضافية
staff-checks = الفحوص
staff-checks-none = لم يُفحص بعد.
staff-checks-made = فُحص { $when }
staff-check-seen = ما شوهد
staff-check-good = سليم
staff-check-bad = خلل
staff-check-reach = ‏Docker يجيب
staff-check-version = الإصدار
staff-check-isolation = لا تصل النسخ بعضها إلى بعض
staff-check-ports = المنافذ على العنوان الخاص فقط
staff-check-privileges = لا تكسب أي عملية صلاحيات
staff-check-seccomp = نداءات النظام مصفّاة
staff-check-limits = يمكن تحديد الذاكرة والمعالج والعمليات
staff-check-storage = تتشارك الصور طبقاتها
staff-check-clock = الساعة توافق ساعتنا
staff-check-swarm = ‏Swarm
staff-check-image = صورة النسخ
staff-check-certificate = الشهادات صالحة لمدة طويلة
staff-check-address = يجيب على عنوانه الآخر
staff-check-remedy-reach = هل الجهاز مشغّل وDocker يعمل بملفات «sayoo host certs» والمنفذ 2376 مفتوح للعامل؟
staff-check-remedy-version = ثبّت Docker 20.10 أو أحدث.
staff-check-remedy-isolation = اضبط "icc": false في ‎/etc/docker/daemon.json ثم أعد تشغيل Docker.
staff-check-remedy-ports = اضبط "ip" على عنوان الخادم في ‎/etc/docker/daemon.json ثم أعد تشغيل Docker.
staff-check-remedy-privileges = اضبط "no-new-privileges": true في ‎/etc/docker/daemon.json ثم أعد تشغيل Docker.
staff-check-remedy-seccomp = ثبّت Docker مع seccomp واترك ملفه مفعّلًا.
staff-check-remedy-limits = فعّل مجموعتي memory وpids في سطر أوامر النواة.
staff-check-remedy-storage = استعمل مشغّل التخزين overlay2.
staff-check-remedy-clock = ثبّت chrony أو systemd-timesyncd.
staff-check-remedy-swarm = يجب فتح المنافذ 2377 و7946 و4789 بين الخوادم وألا يكون الجهاز في Swarm آخر.
staff-check-remedy-image = يجب أن يصل الجهاز إلى السجل ويثق به: مكان ca.pem هو ‎/etc/docker/certs.d/ADDRESS:5000/ca.crt.
staff-check-remedy-certificate = ينشئ «sayoo host certs ADDRESS» شهادة أخرى للجهاز: انسخ ملفاتها إلى ‎/etc/docker عليه وأعد تشغيل Docker. يجدد العامل شهادته بنفسه، وإلا ففي سجله السبب.
staff-check-remedy-address = يجب أن يجيب الجهاز نفسه هناك بشهادة لهذا العنوان وأن ينشر منافذه عليه («ip» في daemon.json): ينشئ «sayoo host certs ADDRESS» الاثنين.
staff-probes = ما جُرّب من داخل نسخة
staff-probes-lead = كل أربع دقائق تحاول حاوية محصورة كالنسخة أن تفعل ما يجب ألا تقدر عليه نسخة.
staff-probes-failed = لم تُفض المحاولة الأخيرة إلى شيء: { $why }
staff-probe-weak = يُنصح به
staff-probe-untried = لم يُجرّب
staff-probe-root = ليست root ولا قدرة خاصة لها
staff-probe-privileges = لا تستطيع كسب صلاحيات
staff-probe-seccomp = نداءات نظامها مصفّاة
staff-probe-files = لا تكتب إلا في ‎/tmp صغير في الذاكرة
staff-probe-processes = عملياتها محدودة
staff-probe-memory = ذاكرتها محدودة
staff-probe-swap = لا تحصل على ذاكرة تبديل إضافية
staff-probe-bombs = يُوقَف ما يأخذ أكثر من ذلك
staff-probe-users = ‏root في الداخل ليس أحدًا في الخارج
staff-probe-mounts = لا ترى ملفًا ولا مقبسًا ولا جهازًا من الخادم
staff-probe-kernel = ما تقوله النواة عن الخادم مخفي
staff-probe-neighbours = لا تصل إلى نسخة مجاورة
staff-probe-docker = لا تصل إلى Docker بلا شهادات
staff-probe-swarm = لا تصل إلى منفذ من منافذ Swarm
staff-probe-control = لا تصل إلى قاعدة التحكم ولا إلى المنفذ الداخلي للبوابة
staff-probe-published = لا تصل إلى منفذ منشور لنسخة أخرى
staff-probe-metadata = لا تصل إلى بيانات اعتماد خادم سحابي
staff-probe-tenants = تصل إلى خادم قواعد العملاء
staff-probe-disk = على قرص الحاويات والصور متّسع
staff-probe-database = لا تصل بحسابها إلى شيء لغيرها في خادم قواعد البيانات
staff-probe-remedy-root = استعمل صورة نسخ من «docker/odoo/build»: مستخدمها 10001.
staff-probe-remedy-privileges = اضبط "no-new-privileges": true في ‎/etc/docker/daemon.json ثم أعد تشغيل Docker.
staff-probe-remedy-seccomp = ثبّت Docker مع seccomp واترك ملفه مفعّلًا.
staff-probe-remedy-files = أزل ما يجعل Docker يركّب أكثر مما طُلب؛ يجب ألا تحتاج الصورة إلى وحدة تخزين.
staff-probe-remedy-processes = فعّل مجموعة pids في سطر أوامر النواة.
staff-probe-remedy-memory = فعّل مجموعة memory في سطر أوامر النواة: cgroup_enable=memory.
staff-probe-remedy-swap = أوقف ذاكرة التبديل على الخادم: swapoff -a، وسطرها في ‎/etc/fstab.
staff-probe-remedy-bombs = فعّل مجموعات التحكم memory وpids وcpu في سطر أوامر النواة، واستعمل بيئة التشغيل الخاصة بـ Docker.
staff-probe-remedy-users = اضبط "userns-remap": "default" في ‎/etc/docker/daemon.json على خادم ما زال فارغًا ثم أعد تشغيل Docker.
staff-probe-remedy-mounts = ابحث عمّا يعطي كل حاوية أكثر مما يعطيه Docker: ‎/etc/docker/daemon.json ومشغّله الافتراضي.
staff-probe-remedy-kernel = استعمل مشغّل Docker نفسه، runc، دون ‎--privileged في أي مكان.
staff-probe-remedy-neighbours = اضبط "icc": false في ‎/etc/docker/daemon.json وحمّل br_netfilter (modprobe br_netfilter) ثم أعد تشغيل Docker.
staff-probe-remedy-docker = أزل ‎-H tcp://…:2375 من dockerd ثم أعد تشغيله: من يصل إليه هو root على الخادم.
staff-probe-remedy-swarm = ثبّت قواعد الجهاز: يطبعها الأمر «sayoo host firewall»، ويضعها «firewall install» على الجهاز.
staff-probe-remedy-control = اجعلهما يستمعان على العنوان المحلي، أو أغلق منفذيهما: iptables -I INPUT -i docker0 -p tcp --dport PORT -j DROP.
staff-probe-remedy-published = ثبّت قواعد الجهاز: يطبعها الأمر «sayoo host firewall»، ويضعها «firewall install» على الجهاز.
staff-probe-remedy-metadata = ثبّت قواعد الجهاز: يطبعها الأمر «sayoo host firewall»، ويضعها «firewall install» على الجهاز.
staff-probe-remedy-tenants = هل الخادم يعمل ويستمع على ‎[tenants] host_for_containers ويمرّره الجدار الناري؟
staff-probe-remedy-disk = أعطِ الجهاز قرصًا أكبر أو أخلِ مساحة: docker builder prune والسجلات القديمة. وليس docker system prune.
staff-probe-remedy-database = على خادم العملاء: ‎REVOKE CONNECT ON DATABASE … FROM PUBLIC‎ لكل قاعدة مذكورة، ودون حقوق أخرى لـ PUBLIC.

staff-plans-title = الباقات
staff-plans-lead = الإصدار المنشور لا يتغير أبدًا: يحتفظ العملاء بما اشتروه. السعر الجديد إصدار جديد.
staff-plans-published = منشور
staff-plans-draft = مسودة
staff-plans-new-version = إصدار جديد
staff-plans-publish = نشر
staff-plans-published-done = نُشر بوصفه الإصدار { $number }. تستعمله الطلبات الجديدة من الآن.
staff-plans-published-already = هذا الإصدار منشور من قبل، ولم يتغير.
staff-plans-no-version = لا شيء للشراء بعد: أنشئ إصدارها الأول وانشره.
staff-plans-new = باقة جديدة
staff-plans-new-lead = تأتي الأسعار والحدود بعد ذلك مع إصدارها الأول. لا يستطيع أحد شراءها قبل نشره.
staff-plans-code = الرمز
staff-plans-code-hint = كلمة للعناوين والملفات المصدَّرة: حروف لاتينية صغيرة وأرقام وشرطات. لا تتغير أبدًا.
staff-plans-code-bad = من 2 إلى 31 حرفًا لاتينيًا صغيرًا أو رقمًا أو شرطة، أولها حرف.
staff-plans-code-taken = لباقة أخرى هذا الرمز.
staff-plans-kind = مخصصة لـ
staff-plans-position = الموضع في القائمة
staff-plans-position-hint = 1 هو الأول. تتحرك الباقات الأخرى.
staff-plans-position-bad = اكتب موضعًا ابتداءً من 1.
staff-plans-name-in = الاسم ({ $language })
staff-plans-create = إنشاء الباقة
staff-plans-created-done = أُنشئت الباقة. والآن إصدارها الأول.
staff-plans-move-up = تقديم { $plan }
staff-plans-move-down = تأخير { $plan }
staff-plans-moved-done = نُقلت. تعرض صفحة الأسعار الترتيب الجديد الآن.
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
staff-plans-tiers = أسعار لاحقة
staff-plans-tiers-lead = تُحتسب كل وحدة بسعر الشريحة التي تقع فيها. أفرغ حقول السعر الثلاثة لإزالته.
staff-plans-tier-from = يبدأ السعر { $number } عند
staff-plans-tier-from-hint = وحدات فوق المشمول في الشهر.
staff-plans-tier-price = السعر { $number } لكل وحدة، { $currency }
staff-plans-tier-hole = أُعطي سعر لاحق: املأ هذا السعر أيضًا أو انقل اللاحق إلى هنا.
staff-plans-tier-no-beginning = حدّد أين يبدأ هذا السعر.
staff-plans-tier-not-rising = يجب أن يبدأ فوق الصفر وبعد السعر الذي قبله.
staff-plans-tier-no-price = حدّد السعر بهذه العملة أيضًا.
staff-plans-scheduled = مجدولة
staff-plans-withdrawn = مسحوبة
staff-plans-look = اطّلع وانشر
staff-plans-scheduled-done = نُشرت بوصفها الإصدار { $number }. تستخدمها الطلبات الجديدة من اليوم الذي حددته.
staff-publish-title = { $plan }، الإصدار { $number }
staff-publish-lead = ما تقوله بجانب الإصدار المعروض للبيع الآن، ومن تعنيه. ما نُشر لا يتغير أبدًا.
staff-publish-since = تُباع ابتداءً من { $date } (UTC).
staff-publish-prices = ما تقوله
staff-publish-price-was = { $before } في الشهر حتى الآن، و{ $after } مع هذا الإصدار
staff-publish-version = الإصدار { $number }
staff-publish-when = متى يبدأ بيعه؟
staff-publish-now = من الآن
staff-publish-day = من يوم قادم
staff-publish-day-hint = من منتصف الليل في باريس والدار البيضاء، الأبعد منهما. حتى ذلك الحين يُباع الإصدار الحالي ويمكن سحب هذا.
staff-publish-day-label = اليوم
staff-publish-day-bad = حدّد يومًا ابتداءً من الغد، وفي غضون سنتين على الأكثر.
staff-publish-others = ماذا عمّن هم على الإصدار الحالي؟
staff-publish-others-lead = يبقون عليه بأسعاره ما لم تقرر هنا غير ذلك.
staff-publish-moves = انقل أيضًا من هم على الإصدار الحالي
staff-publish-moves-hint = يصلهم بريد فورًا بالأسعار القديمة والجديدة. من ينتقل إلى الإصدار الحالي لاحقًا أو يتركه قبل ذلك لا يُنقل.
staff-publish-month = من بداية
staff-publish-month-bad = اختر شهرًا يبدأ بعد 30 يومًا على الأقل وليس قبل بدء بيع الإصدار.
staff-publish-nobody = لا يُباع إصدار سابق: لا أحد لنقله.
staff-publish-withdraw = سحب هذا الإصدار
staff-publish-withdraw-move = سحب النقل
staff-publish-withdrawn-done = تم السحب. يُبلَّغ بذلك العملاء الذين أُعلموا به.
staff-publish-nothing-to-withdraw = لم يعد ممكنًا سحب شيء منه.
staff-move-title = يُنقل من هم على الإصدار السابق
staff-move-from = ابتداءً من { $date }، منتصف الليل لدى بائع العميل.
staff-move-withdrawn = سُحب النقل.
staff-move-all = نسخ ستُنقل: { $count }
staff-move-told = أُعلموا بالبريد: { $count }
staff-move-moved = نُقلت: { $count }
staff-move-left = بقيت مكانها أو ذهبت إلى غيره: { $count }
staff-preview-title = من هم على الإصدار الحالي
staff-preview-lead = آخر شهر مغلق لهم، دون التجربة والخصومات والضريبة: بكل وقته على الإصدار الحالي، وعلى هذا الإصدار. أكبر الفروق أولًا.
staff-preview-do = احسب
staff-preview-asked = يجري الحساب. أعد تحميل الصفحة بعد لحظة.
staff-preview-none = لم يُحسب بعد.
staff-preview-progress = حُسبت { $count } من { $all } نسخة حتى الآن. أعد تحميل الصفحة بعد لحظة.
staff-preview-accounts = العملاء
staff-preview-environments = النسخ
staff-preview-without = دون شهر مغلق
staff-preview-failed = تعذّر حسابها
staff-preview-asked-at = طُلب في (UTC)
staff-preview-sums = المجاميع حسب العملة
staff-preview-before = الإصدار الحالي
staff-preview-after = هذا الإصدار
staff-preview-instance = النسخة
staff-preview-no-month = لا شهر مغلق بعد

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
staff-usage-bad-period = اختر يوم بداية قبل يوم النهاية.
staff-usage-bad-number = ليس هذا رقم عميل ولا نسخة.
staff-usage-too-long = يجمع الجدول { $days } يوم على الأكثر. تحتوي الملفات كل هذه الأيام.
staff-usage-cut = تُعرض أول { $count } سطر فقط. تحتوي الملفات كل الأسطر.
staff-usage-everybody = كل العملاء
staff-usage-this-month = هذا الشهر
staff-usage-quantity = الكمية
staff-usage-meter = العداد
staff-usage-covered = المقيس
staff-usage-by-hour = حسب العميل والنسخة والساعة:
staff-refused-title = أرقام مستبعدة
staff-refused-lead = أرقام وصلت في هذه الأيام ولا يمكن أن تكون صحيحة. لا تُفوتر لأحد.
staff-refused-source = المصدر
staff-refused-reason = السبب
staff-refused-times = المرات
staff-refused-last = الأخير
staff-refused-went-back = انخفض عداد دون أن يبدأ من جديد
staff-refused-negative = أقل من صفر
staff-refused-fenced = حلّت محلها حاوية أحدث
staff-refused-too-late = قُرئ قبل أكثر من 35 يومًا من وصوله
staff-refused-too-early = قُرئ في المستقبل: ساعة غير مضبوطة
staff-refused-cut = تُعرض أول { $count } فقط.

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
staff-search-none-text = يشمل البحث الأسماء والبريد والنطاقات الفرعية والشركات ورموز التشغيل والخوادم والأرقام.
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

# حاويات نسخة أحد العملاء.
staff-scaling-wanted = المطلوب
staff-scaling-serving = قيد الاستعمال
staff-scaling-rule = الضبط التلقائي
staff-scaling-rule-on = مفعّل، من { $minimum } إلى { $maximum }
staff-scaling-rule-off = متوقف
staff-scaling-hint = يرى العميل العدد في السجل. ومع الضبط التلقائي يصبح هو الحد الأدنى.
staff-scaling-why = السبب، لسجل التدقيق
staff-scaling-save = تغيير العدد
staff-scaling-done = تم تغيير العدد، والعامل ينفّذه.
staff-scaling-rule-lead = كما يراها العميل. يظهر ما تغيّره في سجله، ويبقى السبب في سجل التدقيق وحده.
staff-scaling-rule-most = تتيح الباقة { $most } على الأكثر.
staff-scaling-rule-done = حُفظت القاعدة.
