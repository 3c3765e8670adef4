# الصفحات العامة: الرئيسية والأسعار.
public-description = نظام Odoo خاص بك يعمل خلال ثوانٍ على عنوانك، مع بيئات للتطوير والاختبار والإنتاج، ويُقاس بالدقيقة.
public-foot = استضافة Odoo بالعربية والفرنسية والإنجليزية
public-nav-how = كيف يعمل
public-nav-prices = الأسعار
public-nav-open = أنظمتي
public-start = أنشئ Odoo الخاص بي

public-home-title = استضافة Odoo جاهزة خلال ثوانٍ
public-home-hero = نظام Odoo الخاص بك، جاهز خلال ثوانٍ.
public-home-lead = اختر اسمًا وتطبيقاتك، ثم ادخل إلى Odoo 19 الخاص بك. نحن نشغّله ونقيس استهلاكه بالدقيقة، وأنت تدير شركتك.
public-home-see-prices = اطّلع على الأسعار
public-home-under = بالعربية والفرنسية والإنجليزية · الأسعار باليورو أو بالدرهم

public-preview-label = مثال: نظام Odoo جديد قيد الإعداد
public-preview-name = أطلس للنسيج
public-preview-ready = يعمل
public-preview-database = أُنشئت قاعدة البيانات
public-preview-odoo = بدأ Odoo
public-preview-address = رُبط العنوان
public-preview-login = جاهز للدخول

public-how-title = من الاسم إلى نظام يعمل في ثلاث شاشات
public-how-1 = اختر باقة
public-how-1-text = تطوير أو اختبار أو إنتاج. السعر ظاهر قبل النقر، باليورو أو بالدرهم.
public-how-2 = سمِّه
public-how-2-text = اختر عنوانك واعرف فورًا إن كان متاحًا. حدّد التطبيقات التي تريدها: المبيعات والمخزون والمحاسبة والموقع…
public-how-3 = افتح Odoo
public-how-3-text = تابع كل خطوة وهي تتم. وبعد ثوانٍ يدخلك زر واحد، دون كلمة مرور تبحث عنها.

public-why-title = ما تحصل عليه مع Odoo
public-why-environments = تطوير واختبار وإنتاج
public-why-environments-text = ثلاثة أنواع، لكل منها قاعدة بياناته وعنوانه وباقته. جرّب التحديث على نسخة بينما يبقى متجرك مفتوحًا.
public-why-metering = فاتورة يمكنك التحقق منها
public-why-metering-text = المعالج والذاكرة وقاعدة البيانات وحركة البيانات تُحسب ولا تُقدَّر، وتُعرض ساعة بساعة. كل سطر في فاتورتك يقودك إلى القياسات التي بُني عليها.
public-why-backups = وقت لتغيير رأيك
public-why-backups-text = نسخة Odoo حُذفت خطأً تعود بكل ما فيها خلال سبعة أيام بنقرة واحدة.
public-why-survives = قد تتوقف الحاوية
public-why-survives-text = المستندات والجلسات محفوظة في قاعدة البيانات لا في الحاوية. فإن توقفت واحدة حلّت أخرى مكانها وبقي مستخدموك متصلين.
public-why-apart = لك وحدك
public-why-apart-text = قاعدة بياناتك وصلاحية الدخول إليها وعمليتك أنت. لا يراك جار، ولا يبطئك أكثر مما تسمح به حدود باقتك.
public-why-language = بلغتك
public-why-language-text = البوابة والرسائل ومن يجيبونك يتحدثون العربية والفرنسية والإنجليزية، والصفحات تُقرأ من اليمين إلى اليسار حيث يجب.

public-prices-title = الأسعار
public-prices-hero = سهلة الاختيار، دقيقة بالدقيقة
public-prices-lead = سعر شهري ثابت يشمل استهلاكًا محددًا، يُحسب من دقيقة البدء إلى دقيقة الإيقاف. وما زاد يُحسب بالسعر المعروض هنا.
public-prices-month = شهريًا
public-prices-tax = دون الضريبة
public-prices-in = العملة
public-prices-choose = اختر { $plan }
public-prices-none = قائمة الأسعار قيد الإعداد. عد بعد قليل أو راسلنا.
public-prices-sleeps = ينام بعد { $time } دون زيارات ويستيقظ خلال ثوانٍ
public-prices-awake = مستيقظ دائمًا
public-prices-memory = الذاكرة: { $size }
public-prices-storage = قاعدة البيانات: { $size }
public-prices-backups = { $count ->
    [0] دون نسخ احتياطية تلقائية
    [zero] دون نسخ احتياطية تلقائية
    [one] نسخة احتياطية تلقائية واحدة محفوظة
    [two] نسختان احتياطيتان تلقائيتان محفوظتان
    [few] { $count } نسخ احتياطية تلقائية محفوظة
    [many] { $count } نسخة احتياطية تلقائية محفوظة
   *[other] { $count } نسخة احتياطية تلقائية محفوظة
}
public-prices-beyond = ما زاد على المشمول
public-prices-beyond-lead = كل باقة تشمل استهلاكًا. ترى ما تستهلكه وكلفته خلال الشهر.
public-prices-what = ماذا
public-prices-then = ثم { $price }

public-asked-title = أسئلة شائعة
public-asked-1 = هل هو Odoo الأصلي؟
public-asked-1-answer = نعم: Odoo 19 Community دون تعديل، مع إضافة صغيرة للدخول من البوابة. وحداتك وبياناتك ومستخدموك يعملون كما في أي مكان آخر.
public-asked-2 = ماذا يحدث عند إيقاف Odoo؟
public-asked-2-answer = يتوقف عن الاستجابة وعن احتساب المعالج والذاكرة. تبقى قاعدة بياناته كما هي، ونقرة واحدة تشغّله من جديد.
public-asked-3 = ماذا لو حذفته خطأً؟
public-asked-3-answer = أمامك سبعة أيام لاستعادته. نطلب منك أولًا كتابة اسمه، ونخبرك بدقة بما سيُفقد.
public-asked-4 = هل يمكن لزملائي المساعدة؟
public-asked-4-answer = ادعُهم بدور: مالك أو مطوّر أو فوترة أو عضو. يرى كلٌّ ما يحتاجه دوره، وكل ما يُفعل يُسجَّل.
public-asked-5 = أين يعمل؟
public-asked-5-answer = على أجهزة تديرها Sayoo. قاعدة بيانات كل عميل منفصلة، ولا يقرؤها أحد دون علمك.
public-close-title = متى ما كنت جاهزًا
public-close-text = قد يعمل نظامك قبل أول رشفة من قهوتك.
public-prices-containers = حتى { $count } حاويات على أجهزة مختلفة
public-prices-cpu = المعالج: { $cores } CPU
public-meter-cpu = زمن المعالج
public-meter-cpu-included = { $value } ساعة نواة
public-meter-cpu-each = { $price } لساعة النواة
public-meter-database = قاعدة البيانات
public-meter-database-included = { $value } غيغابايت طوال الشهر
public-meter-database-each = نحو { $month } للغيغابايت في الشهر ({ $price } في الساعة)
public-meter-egress = البيانات المرسلة إلى المتصفحات
public-meter-egress-included = { $value } غيغابايت
public-meter-egress-each = { $price } للغيغابايت
public-meter-requests = الطلبات
public-meter-requests-included = { $value }
public-meter-requests-each = { $price } لكل ألف
