# حالة النسخة، خطوات إنشائها، ما حدث لها ولماذا.
state-being-made = قيد الإنشاء
state-starting = قيد التشغيل
state-running = تعمل
state-asleep = ساكنة
state-waking = قيد الاستيقاظ
state-stopping = قيد الإيقاف
state-stopped = متوقفة
state-suspended = معلقة
state-failing = معطلة
state-deleting = قيد الحذف
state-deleted = محذوفة
sentence-being-made = جارٍ إنشاء Odoo الخاص بك.
sentence-being-made-usual = جارٍ إنشاء Odoo الخاص بك. المدة المعتادة: { $usual }.
sentence-starting = جارٍ التشغيل. يستغرق عادةً بضع ثوانٍ.
sentence-running = تعمل منذ { $when }.
sentence-asleep = ساكنة منذ { $when }. تستيقظ مع أول طلب، ولا تستهلك حتى ذلك الحين معالجًا ولا ذاكرة.
sentence-waking = جارٍ الاستيقاظ. يستغرق عادةً بضع ثوانٍ.
sentence-stopping = جارٍ الإيقاف. كل ما فيها محفوظ.
sentence-stopped = متوقفة منذ { $when }. كل ما فيها محفوظ.
sentence-suspended = علّقتها { $company }: { $reason }
sentence-failing = معطلة منذ { $when }. { $reason }
sentence-deletion-asked = ستُحذف: { $when }.
sentence-being-deleted = جارٍ الحذف.
sentence-deleted = محذوفة.

step-queued = استلام الطلب
step-template = تجهيز هذه التطبيقات لأول مرة
step-database = إنشاء قاعدة البيانات
step-container = تشغيل Odoo
step-settings = إدخال شركتك ولغتك
step-address = ربط العنوان
step-ready = جاهز للدخول
step-expected = المرة الأولى تستغرق نحو { $time }؛ بعدها تكفي ثوانٍ.

event-ordered = تم الطلب
event-started = تم التشغيل
event-stopped = تم الإيقاف
event-restarted = أُعيد التشغيل
event-renamed = تغيّر الاسم
event-relocated = انتقلت إلى جهاز آخر
event-moved = تغيّر العنوان من { $from } إلى { $to }
event-suspended = تم التعليق
event-resumed = رُفع التعليق
event-maintenance-begun = أُغلقت للصيانة
event-maintenance-ended = انتهت الصيانة
event-deletion-asked = طُلب الحذف
event-deletion-undone = تم التراجع عن الحذف
event-deleted = تم الحذف
event-failing = تعطلت
event-recovered = عادت إلى العمل
event-start-asked = طُلب التشغيل
event-stop-asked = طُلب الإيقاف
event-restart-asked = طُلبت إعادة التشغيل
event-asleep = دخلت في السكون لعدم استخدامها
event-woken-request = أيقظها زائر
event-woken-person = أُوقظت
event-woken-schedule = أُوقظت لتنفيذ إجراء مجدول في Odoo
event-woken-change = أُوقظت لإجراء تغيير
event-wake-asked = طُلب الإيقاظ
event-scaled = { $to ->
    [zero] لا حاويات بدلًا من { $from }
    [one] حاوية واحدة بدلًا من { $from }
    [two] حاويتان بدلًا من { $from }
    [few] { $to } حاويات بدلًا من { $from }
   *[other] { $to } حاوية بدلًا من { $from }
}
event-scaling-on = تم تفعيل الضبط التلقائي
event-scaling-off = تم إيقاف الضبط التلقائي
event-scaling-set = تغيّرت حدود الضبط التلقائي
event-scaling-budget = نفدت ميزانية الشهر للضبط التلقائي: لا يضاف شيء بعدها
event-database-ended-idle = أُوقف عمل في قاعدة بياناته: بقيت معاملة مفتوحة مدة طويلة دون أي نشاط
event-database-ended-long = أُوقف عمل في قاعدة بياناته: بقيت معاملة مفتوحة مدة أطول من اللازم
event-database-ended-crowd = أُوقف عمل في قاعدة بياناته: عدد كبير من الاستعلامات الطويلة في وقت واحد
event-database-ended-temporary = أُوقف عمل في قاعدة بياناته: كتبت عمليات الفرز والربط أكثر من اللازم على القرص
event-database-ended-queue = أُوقف عمل في قاعدة بياناته: معاملة مفتوحة كانت تمنع تسليم الإشعارات
event-database-ended-locks = أُوقف عمل في قاعدة بياناته: كان يحتفظ بأقفال كثيرة في وقت واحد
event-because = { $what }: { $reason }

reason-unknown = حدث خلل من جهتنا.
reason-image-unhealthy = بدأ Odoo لكنه لم يستجب في الوقت المناسب.
reason-image-coming = يجلب الجهاز برنامج Odoo الآن. يستغرق ذلك بضع دقائق، ونادرًا أكثر.
reason-image-lacking = تعذّر على الجهاز جلب برنامج Odoo. نحن نعمل على ذلك، وستُعاد المحاولة.
reason-host-lost = فُقد الجهاز الذي كانت عليه.
reason-no-room = لا مكان شاغر على أجهزتنا في هذه اللحظة.
reason-engine-away = أجهزتنا لا تستجيب في هذه اللحظة.
reason-database-away = خادم قواعد البيانات لا يستجيب في هذه اللحظة.
reason-disk-full = أحد أقراصنا ممتلئ.
reason-template-failed = تعذر تجهيز التطبيقات المختارة.
reason-crashing = يتوقف Odoo بعد كل تشغيل بقليل.
reason-not-started = لم يشغّل الجهاز Odoo.
reason-memory-full = يحتاج Odoo إلى ذاكرة أكثر مما في باقته. باقة أكبر تساعد.

event-plan-asked = طُلبت باقة أخرى
event-plan-changed = انتقلت إلى باقة أخرى
event-update-started = بدأ التحديث
event-updated = تم التحديث
event-update-failed = أُلغي التحديث
reason-update-crashing = توقف الإصدار الجديد مرارًا، وظل الإصدار السابق يعمل
reason-update-unhealthy = لم يستجب الإصدار الجديد في الوقت المحدد، وظل الإصدار السابق يعمل
reason-start-crashing = توقف الإصدار الجديد مرارًا عند البدء، وعاد الإصدار السابق إلى العمل
reason-start-unhealthy = لم يستجب الإصدار الجديد في الوقت المحدد عند البدء، وعاد الإصدار السابق إلى العمل
event-replicas-reached = تعمل في عدد الحاويات المطلوب
event-replicas-short = تعمل في حاويات أقل من المطلوب
event-replica-lost = فُقدت إحدى حاوياتها ويجري استبدالها، والبقية تعمل
event-memory-full = استعملت ذاكرة أكثر مما في باقتها: أُوقف جزء منها وأُعيد تشغيله
reason-replicas-no-room = لا يوجد جهاز آخر فيه مكان لحاوية إضافية. ستُعاد المحاولة.
reason-replicas-unhealthy = لم تستجب حاوية إضافية. ستُعاد المحاولة.
