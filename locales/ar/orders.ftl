# طلب نسخة في ثلاث شاشات.
order-title = نسخة جديدة
order-step = { $number } من { $of }
order-plan-title = اختر باقة
order-plan-lead = يمكنك امتلاك عدة نسخ، لكل منها باقتها.
order-plan-choose = الباقة
order-price-note = يُحسب من دقيقة جاهزيتها إلى دقيقة حذفها. يُفوتر ما يتجاوز الاستهلاك المشمول بأسعار القائمة.
order-next = متابعة
order-back = رجوع
order-details-title = الاسم والعنوان
order-details-lead = ملأنا ما نعرفه. غيّر ما تشاء.
order-problems = يرجى مراجعة ما يلي:
order-name = الاسم
order-name-hint = ما تسميها به أنت وزملاؤك.
order-address = العنوان
order-address-hint = حروف لاتينية من a إلى z وأرقام وشرطة.
order-company = الشركة
order-company-hint = كما تظهر في فواتيرك.
order-language = لغة Odoo
order-country = البلد
order-country-hint = يحدد العملة والمنطقة الزمنية ودليل الحسابات.
order-apps = التطبيقات
order-apps-title = اختر التطبيقات
order-apps-lead = يمكنك تثبيت التطبيقات أو إزالتها داخل Odoo في أي وقت.
order-apps-hint = لا بأس بعدم اختيار أي تطبيق.
order-apps-none = لم يُختر أي تطبيق
order-summary = طلبك
order-place = اطلب مقابل { $price } في الشهر
order-resend = إعادة إرسال الرابط
order-plan-missing = اختر باقة.
order-name-missing = أعطها اسمًا لا يتجاوز 100 حرف.
order-company-missing = اكتب اسم الشركة، 200 حرف على الأكثر.
order-language-missing = اختر لغة.
order-country-missing = اختر بلدًا.
order-refused-not-verified = أكّد بريدك الإلكتروني أولًا: افتح الرابط الذي أرسلناه إليك.
order-refused-closing = هذا الحساب قيد الإغلاق، فلا يمكن طلب شيء جديد.
order-refused-suspended = هذا الحساب معلق، فلا يمكن طلب شيء جديد. راسلنا.
order-refused-quota = { $allowed ->
    [zero] لا يُسمح لهذا الحساب بأي نسخة. راسلنا إن احتجت إلى واحدة.
    [one] يُسمح لهذا الحساب بنسخة واحدة. احذف ما لا تحتاج إليه أو راسلنا لطلب المزيد.
    [two] يُسمح لهذا الحساب بنسختين. احذف ما لا تحتاج إليه أو راسلنا لطلب المزيد.
    [few] يُسمح لهذا الحساب بـ { $allowed } نسخ. احذف ما لا تحتاج إليه أو راسلنا لطلب المزيد.
   *[other] يُسمح لهذا الحساب بـ { $allowed } نسخة. احذف ما لا تحتاج إليه أو راسلنا لطلب المزيد.
}
order-refused-plan = لم تعد هذه الباقة تباع بهذا السعر. ارجع واختر من جديد.
