# ما يتكرر وما فُوتر وما لم يُدفع، وما تكلّفه الخوادم وما تدرّه.
staff-nav-revenue = الإيرادات
revenue-title = الإيرادات
revenue-lead = ما يتكرر كل شهر وكيف يتغير، وما فُوتر، وما لم يُدفع. لا تُخلط العملات أبدًا.
revenue-none = لا أحد يبيع بعد
revenue-none-text = لم تُسجَّل شركاتنا بعد.
revenue-recurring = الإيراد الشهري المتكرر
revenue-customers = { $count ->
    [0] لا عملاء
    [one] عميل واحد
    [two] عميلان
    [few] { $count } عملاء
   *[other] { $count } عميلًا
 }
revenue-of = { $count ->
    [0] لا عملاء
    [one] عميل واحد
    [two] عميلان
    [few] { $count } عملاء
   *[other] { $count } عميلًا
 }
revenue-movements = الحركات
revenue-movements-in = الحركات بعملة { $currency }
revenue-month = الشهر
revenue-start = في بدايته
revenue-end = في نهايته
revenue-move-new = جدد
revenue-move-reactivation = عادوا
revenue-move-expansion = يدفعون أكثر
revenue-move-contraction = يدفعون أقل
revenue-move-churn = غادروا
revenue-billed = المفوتر
revenue-billed-lead = حسب تاريخ الفاتورة، قبل الضرائب وبعد خصم الإشعارات الدائنة. تصدر فاتورة الشهر في الشهر الذي يليه. اختر شهرًا لترى ما تقوله أسطره.
revenue-billed-in = المفوتر بعملة { $currency }
revenue-documents = المستندات
revenue-net = الصافي
revenue-by-plan = حسب الباقة: { $month }
revenue-by-what = حسب ما يُحتسب: { $month }
revenue-nothing-billed = لم يُفوتر شيء في هذا الشهر.
revenue-total = المجموع
revenue-no-plan = بلا باقة
revenue-what-base = الأسعار الأساسية
revenue-what-discount = الخصومات
revenue-what-credit = ما أُعيد
revenue-unpaid = غير المدفوع
revenue-unpaid-in = غير المدفوع بعملة { $currency }
revenue-age = متأخر منذ
revenue-age-not-due = لم يحن أجله بعد
revenue-age-30 = من 1 إلى 30 يومًا
revenue-age-60 = من 31 إلى 60 يومًا
revenue-age-90 = من 61 إلى 90 يومًا
revenue-age-longer = أكثر من 90 يومًا
revenue-invoices = الفواتير
revenue-left = الباقي للدفع، مع الضرائب
revenue-top = الأكثر فوترة
revenue-top-in = العملاء حسب ما فُوتر لهم بعملة { $currency }
revenue-files = الملفات
revenue-file-movements = الحركات (CSV)
revenue-file-billed = المفوتر حسب الباقة والعداد (CSV)
revenue-counted = ما الذي يُحتسب
revenue-counted-base = السعر الأساسي الشهري لكل نسخة تُحتسب، بسعر إصدار باقتها. لا يدخل فيه الاستهلاك ولا الخصومات ولا الضرائب.
revenue-counted-trial = الحساب التجريبي يُحتسب من لحظة انتهاء تجربته.
revenue-counted-moves = يُقارَن العملاء في بداية الشهر ونهايته: من لم يكن يدفع شيئًا ويدفع الآن جديد، أو عائد إن كان قد دفع في أي وقت قبله. ما جاء وذهب خلال الشهر لا يُذكر.
revenue-counted-months = الشهور هي شهور الشركة البائعة: باريس لليورو والدار البيضاء للدرهم. أحدثها يمتد حتى الآن. يُعاد جمع ما كان وكل الحركات في كل مرة، ولا تُعرض هذه الصفحة إن اختلفا بسنتيم واحد.

margins-title = هوامش الخوادم
margins-lead = ما كلّفه كل خادم، وما كان له مكان عليه، وما احتُسب قبل الخصومات على النسخ التي عملت عليه بقدر وقتها فيه.
margins-of = هوامش الخوادم في { $month }
margins-unfinished = لم ينته هذا الشهر: ما سيُحتسب عنه غير معروف بعد.
margins-no-rate = لم يقل أحد كم كان اليورو في هذا الشهر. لا تُجمع المبالغ بعملات مختلفة.
margins-rate-said = { $rate } درهم لليورو الواحد، كما قال { $by }.
margins-cost = التكلفة
margins-cpu = الأنوية المستعملة من المحجوزة
margins-memory = الذاكرة المستعملة من المحجوزة
margins-used-of = { $used } من { $reserved }
margins-revenue = المحتسب قبل الضرائب
margins-margin = الهامش
margins-no-cost = لم يقل أحد كم يكلّف
margins-days-unknown = { $days ->
    [one] غير معروف ليوم واحد
    [two] غير معروف ليومين
    [few] غير معروف لـ{ $days } أيام
   *[other] غير معروف لـ{ $days } يومًا
 }
margins-needs-cost = تنقصه التكلفة
margins-needs-rate = ينقصه سعر الصرف
margins-converted = بسعر صرف الشهر
margins-gone = خادم لم يعد موجودًا
margins-nowhere = احتُسب على نسخ لم يكن لها مكان على أي خادم في هذا الشهر (نائمة، أو قبل أن يُدوَّن ذلك):
margins-earlier = الشهر السابق
margins-later = الشهر التالي
margins-cost-title = كم يكلّف خادم
margins-cost-lead = يسري من يومه الأول إلى أن يُقال يوم لاحق. إن قيل مجددًا لليوم نفسه يسري الأحدث، ويُحفظ كل ما قيل.
margins-amount = التكلفة في الشهر
margins-from = من (يوم)
margins-save = تدوين
margins-costs = التكاليف المدوَّنة
margins-cost-done = دُوِّنت التكلفة.
margins-host-bad = اختر أحد الخوادم.
margins-amount-bad = اكتب مبلغًا، مثل 49.90.
margins-day-bad = اختر يومًا من السنوات الماضية أو من السنتين القادمتين.
margins-rate-title = كم كان اليورو
margins-rate-lead = للشهور التي يكلّف فيها خادم بعملة ويدرّ بأخرى. لا تستعمله فاتورة ولا قيد.
margins-month = الشهر
margins-rate = دراهم لليورو الواحد
margins-rates = أسعار الصرف المدوَّنة
margins-rate-done = دُوِّن سعر الصرف.
margins-month-bad = اختر شهرًا، مثل 2026-10.
margins-rate-bad = اكتب سعرًا أكبر من صفر بست منازل عشرية على الأكثر، مثل 10.82.
