# الفواتير وما يرد فيها.
invoice-line-base = { $plan }: الاشتراك الشهري
invoice-line-cpu = { $plan }: وقت المعالج الزائد على المشمول
invoice-line-database = { $plan }: قاعدة البيانات الزائدة على المشمول
invoice-line-egress = { $plan }: البيانات المرسلة الزائدة على المشمول
invoice-line-requests = { $plan }: الطلبات الزائدة على المشمول
invoice-line-correction = تصحيح شهر سابق: { $title }

vat-reason-reverse-charge = الاحتساب العكسي: الضريبة على القيمة المضافة مستحقة على الزبون (المادة 283-2 من المدونة العامة للضرائب الفرنسية، والمادة 196 من التوجيه 2006/112/EC).
vat-reason-outside-union = خدمة لزبون خارج الاتحاد الأوروبي: لا تخضع للضريبة الفرنسية (المادة 259-1 من المدونة العامة للضرائب الفرنسية).
vat-reason-export = تصدير خدمات: معفى من الضريبة على القيمة المضافة (المادة 92-I-1° من المدونة العامة للضرائب).

# The customer's pages.
nav-billing = الفوترة
billing-tab-overview = هذا الشهر
billing-tab-invoices = الفواتير
billing-tab-statement = كشف الحساب
billing-tab-details = بيانات الفوترة
billing-days = { $from } – { $until }
billing-percent = { $value } %

billing-state-paid = مدفوعة
billing-state-due = تستحق في { $date }
billing-state-overdue = متأخرة منذ { $date }
billing-state-credit-left = { $amount } لم يُستعمل بعد
billing-state-credit-used = مستعمل

billing-unit-one = { $value }
billing-unit-month = { $value } شهر
billing-unit-day = { $value } يوم
billing-unit-hour = { $value } ساعة
billing-unit-core-hour = { $value } ساعة نواة
billing-unit-gigabyte-hour = { $value } غيغابايت·ساعة
billing-unit-gigabyte-month = { $value } غيغابايت·شهر
billing-unit-gigabyte = { $value } غيغابايت
billing-unit-request = { $value } طلب
billing-unit-thousand-requests = { $value } ألف طلب
billing-unit-user = { $value } مستخدم

billing-address-title = نحتاج إلى عنوان لفواتيرك
billing-address-text = من دون الشارع والمدينة لا يمكن إصدار فاتورة باسمك.
billing-address-action = أكمل بياناتك
billing-trial-title = أنت في فترة تجريبية مجانية
billing-trial-text = حتى { $until } لا تدفع شيئًا. من دون الفترة التجريبية لكان المبلغ { $amount } حتى الآن.
billing-trial-lines = الأسطر التي عليها «تجربة» لا تُدفع.
billing-trial-tag = تجربة
billing-so-far = التكلفة حتى الآن
billing-as-of = بتاريخ { $when }
billing-forecast = تقدير للشهر كله
billing-forecast-detail = تقدير وليس مبلغًا مستحقًا؛ ينتهي الشهر في { $when }
billing-estimate = يفترض التقدير أن كل شيء يستمر كما في الأيام السبعة الأخيرة.
billing-open = المطلوب دفعه
billing-open-nothing = لا شيء
billing-open-nothing-detail = كل الفواتير مدفوعة
billing-open-due = { $count ->
    [one] فاتورة واحدة ({ $count }) تستحق في { $date }
   *[other] { $count } فواتير، تستحق الأولى في { $date }
}
billing-open-overdue = { $count ->
    [one] فاتورة واحدة ({ $count }) متأخرة منذ { $date }
   *[other] { $count } فواتير، الأولى متأخرة منذ { $date }
}
billing-credit = رصيدك
billing-credit-detail = يُستعمل لدفع فاتورتك القادمة
billing-before-vat = التكلفة والتقدير من دون الضريبة على القيمة المضافة.
billing-empty-title = لا تكاليف هذا الشهر
billing-empty-text = ما إن تكون لديك نسخة حتى تظهر تكلفتها هنا يومًا بيوم.
billing-by-instance = حسب النسخة
billing-by-instance-lead = افتح نسخة لترى كل سعر وما استُهلك وما هو مشمول منه.
billing-lines-of = تكاليف { $name }
billing-instance-gone = نسخة لم تعد لديك
billing-line-base = { $plan }: السعر الشهري عن الأيام المنقضية
billing-to-instance = اذهب إلى { $name }

billing-col-what = البند
billing-col-used = المستهلك
billing-col-included = المشمول منه
billing-col-beyond = الزائد
billing-col-price = السعر
billing-col-amount = المبلغ
billing-col-number = الرقم
billing-col-kind = النوع
billing-col-state = الحالة
billing-col-gross = المبلغ مع الضريبة
billing-col-quantity = الكمية
billing-col-vat = الضريبة
billing-col-net = المبلغ من دون الضريبة
billing-col-day = اليوم
billing-col-hours = الساعات
billing-col-hour = الساعة
billing-col-covered = مدة الرصد
billing-col-quality = الجودة
billing-col-date = التاريخ
billing-col-reference = المرجع
billing-col-balance = المستحق بعده

billing-kind-invoice = فاتورة
billing-kind-credit_note = إشعار دائن
billing-title-invoice = الفاتورة { $number }
billing-title-credit_note = الإشعار الدائن { $number }
billing-invoices-empty-title = لا فواتير بعد
billing-invoices-empty-none = تأتي الأولى عند نهاية شهر كانت لديك فيه نسخة.
billing-invoices-empty-first = تأتي الأولى في { $date }، عند نهاية الشهر، إن كان هناك ما يُدفع.

billing-facts = باختصار
billing-fact-issued = تاريخ الإصدار
billing-fact-due = تُدفع قبل
billing-fact-period = الفترة
billing-fact-corrects = يرد جزءًا من
billing-seller = من
billing-buyer = إلى
billing-lines = ما تم احتسابه
billing-line-behind = الاستهلاك يومًا بيوم
billing-vat-of = ضريبة { $rate } على { $base }
billing-sum-net = المجموع من دون الضريبة
billing-sum-vat = الضريبة
billing-sum-gross = المجموع مع الضريبة
billing-sum-open = المتبقي
billing-paid-card = دُفع بالبطاقة
billing-paid-transfer = دُفع بتحويل
billing-paid-withholding = ضريبة مقتطعة من المنبع
billing-paid-gift = دُفع من رصيد ممنوح
billing-paid-credit_note = دُفع من إشعار دائن
billing-paid-back = { $text }: استُرجع

billing-transfer-title = الدفع بتحويل بنكي
billing-transfer-text = حوّل { $amount } إلى هذا الحساب واذكر الرقم مرجعًا لنجد دفعتك.
billing-transfer-holder = صاحب الحساب
billing-transfer-bank = البنك
billing-transfer-reference = المرجع

billing-files-title = الملفات
billing-files-lead = المستند نفسه ثلاث مرات: للأشخاص ولنوعين من برامج المحاسبة.
billing-file-pdf = PDF
billing-file-pdf-detail = للقراءة والطباعة والحفظ
billing-file-cii = XML (CII)
billing-file-cii-detail = Factur-X كما تقرؤه البرامج الفرنسية
billing-file-ubl = XML (UBL)
billing-file-ubl-detail = Peppol كما تقرؤه معظم البرامج الأخرى
billing-file-download = تنزيل
billing-file-making = قيد الإعداد
billing-file-being-made = هذا الملف قيد الإعداد. حاول مجددًا بعد دقيقة.

billing-proof-title = الإثبات
billing-proof-lead = لا يمكن تغيير هذا المستند أبدًا دون أن يُلاحظ ذلك.
billing-proof-own = بصمة هذا المستند (SHA-256)
billing-proof-previous = بصمة المستند السابق
billing-proof-first = هو الأول في سنته.
billing-proof-text = تُحسب البصمة من كل ما ورد في المستند ومن بصمة المستند السابق. لو تغيّر رقم واحد في مستند قديم لتغيّرت كل البصمات اللاحقة.

billing-recompute-title = احسبها بنفسك من جديد
billing-recompute-lead = لا حاجة إلى تصديقنا: ثلاث خطوات على أي حاسوب فيه Python.
billing-recompute-file = نزّل الساعات والأسعار
billing-recompute-file-text = كل ما تنتج عنه مبالغ هذا الشهر كما كان معروفًا عند حسابها: أي باقة في أي وقت، وما عُدّ في كل ساعة، وسعر كل وحدة، وما تم احتسابه.
billing-recompute-program = نزّل البرنامج
billing-recompute-program-text = نحو 300 سطر بلغة Python يستطيع أي شخص قراءتها. لا يحتاج إلى شيء آخر، ولا يشترك في أي سطر مع البرنامج الذي أعدّ الفاتورة.
billing-recompute-run = شغّله حيث يوجد الملفان
billing-recompute-run-text = يحسب كل مبلغ من الساعات ويتوقف عند أول مبلغ يخالف القواعد. وفي النهاية يجب أن يذكر { $amount }: الشهر قبل الخصومات والضرائب، ناقصًا ما ترده الإشعارات الدائنة في اليوم نفسه.

billing-hours-file = كل الساعات في ملف (CSV)
billing-readings-file = كل القراءات في ملف (CSV)
billing-charge-title = كيف حُسبت الكمية
billing-charge-from = من
billing-charge-until = إلى
billing-charge-carry-in = المتبقي من أشهر سابقة
billing-charge-carry-out = المرحّل إلى أشهر لاحقة
billing-charge-charged = في هذا السطر
billing-charge-differs = مجموع الساعات أدناه يختلف عن استهلاك هذا السطر: الساعة التي تغيّرت فيها الباقة تُقسم، وما حُسب بعد الفاتورة يُسوّى في فاتورة لاحقة.
billing-hours-none-title = لم تعد هناك ساعات محفوظة
billing-hours-none-text = ساعات هذا السطر لم تعد متاحة؛ ويبقى السطر كما هو.
billing-days-title = يومًا بيوم
billing-hours-title = ساعة بساعة: { $day }
billing-day-before = اليوم السابق
billing-day-after = اليوم التالي
billing-quality-measured = مقيس
billing-quality-interpolated = بين قراءتين
billing-quality-lower_bound = على الأقل
billing-quality-text = الساعات «المقيسة» رُصدت باستمرار. «بين قراءتين» توزيع لما أظهره العداد. «على الأقل»: ربما استُهلك أكثر، ولا يُحتسب إلا هذا.

billing-statement-lead = ما فُوتر وما دُفع، الأحدث أولًا.
billing-statement-owed = عليك
billing-statement-even = لا شيء مستحق
billing-statement-credit = رصيدك لدينا
billing-statement-empty-title = لا حركات بعد
billing-statement-empty-text = تظهر هنا الفواتير والدفعات تباعًا.
billing-movement-payment = دفعة
billing-movement-gift = رصيد منحناه
billing-movement-expiry = رصيد انتهى دون استعمال
billing-movement-payback = ردّ مبلغ
billing-movement-other = قيد

billing-details-lead = ما يرد في فواتيرك. تبقى المستندات الصادرة كما هي.
billing-details-problems = يرجى مراجعة هذه الحقول
billing-details-saved = حُفظت بيانات الفوترة.
billing-details-buyer = تشتري بصفتك
billing-details-business = شركة أو منظمة
billing-details-person = شخصًا طبيعيًا
billing-details-legal_name = الاسم على الفواتير
billing-details-legal_name-hint = الاسم القانوني للشركة مع شكلها القانوني، أو اسمك.
billing-details-street = الشارع والرقم
billing-details-postcode = الرمز البريدي
billing-details-city = المدينة
billing-details-country = البلد
billing-details-vat_number = رقم الضريبة على القيمة المضافة
billing-details-vat_number-hint = مع حرفي البلد، مثل FR44732829320.
billing-details-siren = SIREN
billing-details-siren-hint = تسعة أرقام. للشركات في فرنسا فقط، وهو لازم لها.
billing-details-ice = ICE
billing-details-ice-hint = خمسة عشر رقمًا. للشركات في المغرب فقط: به تستطيع خصم الضريبة.
billing-details-email = البريد الإلكتروني للفواتير
billing-details-email-hint = من دونه تُرسل إلى المالك.
billing-details-purchase_order = رقم طلبيتك
billing-details-purchase_order-hint = يظهر على كل الفواتير القادمة.
billing-details-language = لغة المستندات
billing-details-language-hint = لغة الفواتير؛ وتبقى الصفحات بلغتك.
billing-vat-checked = تم التحقق من هذا الرقم في { $date }: { $answer }
billing-vat-unchecked = لم يتم التحقق من هذا الرقم بعد. لا يغيّر الضريبة إلا لشركات الاتحاد الأوروبي خارج بلد البائع: قبل التحقق تدفع ضريبة بلدها، وبعده تصرّح بها بنفسها.
billing-bad-turned = يحتوي النص على محرف غير مرئي يعكس اتجاه الكتابة: ما يُقرأ ليس ما كُتب. أعد كتابته من فضلك.
billing-bad-siren = يتكون رقم SIREN من تسعة أرقام يُحسب آخرها من الباقي. أحدها غير صحيح.
billing-bad-no-siren = يشترط القانون ذكر رقم SIREN للشركات في فرنسا على فواتيرها.
billing-bad-ice = يتكون رقم ICE من خمسة عشر رقمًا بالضبط.
billing-bad-other-country = شركات البلد الذي اخترته ليس لها هذا الرقم: اترك الحقل فارغًا.
billing-bad-vat-shape = أرقام الضريبة في البلد الذي اخترته ليست على هذا الشكل. تبدأ بحرفي البلد.
billing-bad-vat-key = الرقمان بعد FR غير مطابقين، أو أن الرقم يعود إلى SIREN آخر.
