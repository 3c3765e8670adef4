# النسخ: القائمة، نسخة واحدة، السجل، الرسوم البيانية.
instances-title = النسخ
instances-new = نسخة جديدة
instances-new-first = أنشئ نسختك الأولى
instances-empty-title = لا توجد نسخة بعد
instances-empty-text = النسخة هي Odoo الخاص بك على عنوانك الخاص. ثلاث شاشات وبضع ثوانٍ تكفي.
instances-find = الاسم أو العنوان
instances-filter-label = الحالة
instances-filter-all = كل الحالات
instances-filter-running = تعمل
instances-filter-working = قيد التغيير
instances-filter-sleeping = ساكنة
instances-filter-stopped = متوقفة
instances-filter-warning = تحتاج إلى انتباه
instances-filter-failed = معطلة
instances-filter-show = عرض
instances-none-title = لا نتائج
instances-none-text = لا توجد نسخة تطابق بحثك.
instances-show-all = عرض الكل
instances-name = الاسم
instances-state = الحالة
instances-plan = الباقة
instances-cost-month = هذا الشهر
instances-count = { $count ->
    [zero] لا نسخ
    [one] نسخة واحدة
    [two] نسختان
    [few] { $count } نسخ
    [many] { $count } نسخة
   *[other] { $count } نسخة
}
instances-list-separator = {"، "}
instances-maintenance = قيد الصيانة منذ { $when }
instances-maintenance-text = يقرأ الزوار أن Odoo قيد الصيانة، ولا يضيع شيء. نعيد فتحه حالما ينتهي العمل.
instances-queued = لا تقبل أجهزتنا تغييرات في هذه اللحظة. ما يعمل يبقى يعمل، وتغييراتك في قائمة الانتظار وستُنفَّذ من تلقاء نفسها.
instances-parts = أقسام هذه النسخة
instances-tab-overview = نظرة عامة
instances-tab-usage = الاستهلاك
instances-tab-logs = السجل
instances-open = فتح Odoo
instances-start = تشغيل
instances-stop = إيقاف
instances-restart = إعادة التشغيل
instances-wake = إيقاظ الآن
instances-rename = تغيير الاسم أو العنوان
instances-delete = حذف هذه النسخة
instances-steps = الخطوات
instances-making-text = تتابع هذه الصفحة كل خطوة تلقائيًا. يمكنك إغلاقها والعودة لاحقًا.
instances-making-text-usual = تتابع هذه الصفحة كل خطوة تلقائيًا. المدة المعتادة: { $usual }. يمكنك إغلاقها والعودة لاحقًا.
instances-failure-next = لقد وصلنا الخبر ونعيد المحاولة باستمرار. لم يُفقد شيء ولا يلزمك فعل أي شيء. إن طال الأمر فراسلنا.
instances-failure-number = الرقم المرجعي:
instances-events = ما الذي حدث
instances-details = التفاصيل
instances-address = العنوان
instances-admin = مستخدم Odoo
instances-created = تاريخ الطلب
instances-number = الرقم
instances-cost = التكلفة حتى الآن
instances-cost-since = منذ { $from }
instances-cost-monthly = { $price } في الشهر، محسوبة بالثانية. يضاف إليها ما يتجاوز الاستهلاك المشمول.
instances-danger = منطقة الخطر
instances-danger-text = الحذف يوقف النسخة فورًا. يمكنك التراجع خلال سبعة أيام.
instances-undo = الاحتفاظ بهذه النسخة
instances-undo-text = حتى ذلك الحين تعود بنقرة واحدة مع كل ما فيها.
instances-renamed = تم الحفظ. يعمل العنوان الجديد خلال ثوانٍ.
instances-refused-suspended = النسخة معلقة، فلا يمكن تشغيلها الآن.
instances-refused-deleting = النسخة قيد الحذف. تراجع عن الحذف أولًا.
instances-refused-stopped = النسخة متوقفة. شغّلها بدلًا من ذلك.
instances-open-not-running = ‏Odoo لا يعمل في هذه اللحظة، فلا يمكن فتحه.
instances-opening-title = جارٍ فتح Odoo
instances-opening-text = يتم تسجيل دخولك الآن. إن لم يحدث شيء فاستعمل الزر.
instances-opening-go = الذهاب إلى Odoo
instances-rename-title = تغيير الاسم أو العنوان
instances-rename-lead = الاسم لك ولزملائك. أما العنوان فهو ما يكتبه الجميع.
instances-rename-hint = يتوقف العنوان القديم فورًا ويبقى محجوزًا لك 30 يومًا.
instances-rename-do = حفظ
instances-delete-title = حذف النسخة
instances-delete-lead = اقرأ ما ستفقده قبل المتابعة.
instances-delete-what = حذف { $name }؟
instances-delete-type = اكتب { $name } للتأكيد
instances-delete-do = حذف هذه النسخة
instances-delete-keep = الاحتفاظ بها
instances-delete-wrong-name = ليس هذا هو الاسم. لم يُحذف شيء.
instances-dies-database = قاعدة البيانات وكل ما فيها، بما في ذلك المستندات
instances-dies-users = كل مستخدميها: لن يستطيع أحد الدخول
instances-dies-address = العنوان { $host }: يتوقف فورًا ويبقى خاملًا 30 يومًا
instances-dies-until = يمكنك التراجع حتى { $until }. بعد ذلك لا يستطيع أحد استعادتها.
instances-deletion-asked = أُوقفت النسخة وستُحذف بعد سبعة أيام.
instances-deletion-undone = تم الاحتفاظ بها. عادت كما كانت.
instances-deletion-too-late = فات الأوان: انقضت الأيام السبعة.
instances-name-free = ‏{ $host } متاح.
instances-name-taken = ‏{ $host } محجوز. اختر اسمًا آخر.
instances-name-taken-just-now = أخذ شخص آخر هذا الاسم قبل لحظة. اختر اسمًا آخر؛ كل ما عداه محفوظ.
instances-name-empty = اختر اسمًا للعنوان.
instances-name-short = يجب ألا يقل الاسم عن 3 أحرف.
instances-name-long = يجب ألا يزيد الاسم على 40 حرفًا.
instances-name-letters = يقبل العنوان الحروف اللاتينية من a إلى z والأرقام والشرطة فقط.
instances-name-hyphen = لا تكون الشرطة في الطرف ولا بجانب شرطة أخرى.
instances-name-reserved = هذا الاسم محجوز. اختر اسمًا آخر.

kind-development = تطوير
kind-test = اختبار
kind-production = إنتاج

logs-lead = ما يكتبه Odoo لحظة كتابته. تظهر الأسطر الجديدة تلقائيًا.
logs-label = سجل { $name }
logs-find = كلمات في السجل
logs-find-do = بحث
logs-all = عرض الكل
logs-empty = لا شيء بعد. تظهر الأسطر الجديدة هنا بعد لحظة من كتابتها.
logs-none = لا يوجد سطر فيه هذه الكلمات.
logs-several = يبدأ كل سطر برقم الحاوية التي كتبته: [1] هي الأولى وتليها البقية. وأما [new] و[old] فهما الحاوية الجديدة والقديمة في أثناء التحديث.

usage-lead = يُقاس كل دقيقة. تحت كل رسم جدوله.
usage-period = المدة
usage-period-1h = ساعة
usage-period-24h = 24 ساعة
usage-period-7d = 7 أيام
usage-period-30d = 30 يومًا
usage-cpu = المعالج
usage-memory = الذاكرة
usage-database = قاعدة البيانات
usage-requests = الطلبات في الدقيقة
usage-egress = حركة البيانات في الدقيقة
usage-users =
    { $count ->
        [0] لم يستخدم أحد Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
        [one] استخدم شخص واحد Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
        [two] استخدم شخصان Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
        [few] استخدم { $count } أشخاص Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
        [many] استخدم { $count } شخصًا Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
       *[other] استخدم { $count } شخص Odoo هذا في آخر 30 يومًا. يُحتسب المستخدمون الداخليون فقط.
    }
usage-cores = { $value } معالج

cost-base = السعر الأساسي حتى الآن
cost-used = استُهلك { $used }، والمشمول حتى الآن { $included }

instances-plan-change = تغيير الباقة
instances-plan-title = باقة أخرى
instances-plan-lead = قدرة أكبر أو أقل لهذه النسخة. تبقى تعمل أثناء تطبيق حدودها الجديدة.
instances-plan-now = حاليًا: { $plan }، { $price } في الشهر.
instances-plan-own = باقتك اليوم
instances-plan-coming = ابتداءً من { $date } تصبح على الإصدار الجديد من باقتها بسعر { $price } في الشهر. أُبلغت بذلك بالبريد.
instances-plan-choose = اختر باقة
instances-plan-do = الانتقال إلى هذه الباقة
instances-plan-note = يُحتسب السعر الجديد من لحظة تطبيق الحدود الجديدة، موزعًا بالثانية. حتى ذلك الحين، وعند أي تعذر، يبقى كل شيء كما هو.
instances-plan-asked = بدأ التغيير. يستغرق نحو دقيقة ولا يقاطع أحدًا.
instances-plan-same = النسخة على هذه الباقة أصلًا.
instances-plan-not-offered = لم تعد هذه الباقة تُباع بهذا السعر. يُرجى الاطلاع على الأسعار مجددًا.
instances-plan-under-way = هناك تغيير آخر جارٍ على هذه النسخة. يُرجى الانتظار حتى ينتهي.
instances-plan-no-room = لا متسع لهذه الباقة على أي جهاز الآن. لم يتغير شيء. حاول لاحقًا أو راسلنا.
instances-plan-being-made = ما زالت النسخة قيد الإنشاء. يُرجى الانتظار حتى تعمل.
