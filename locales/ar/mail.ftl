# Mails about an account. Each has a subject, a text (an empty line begins a paragraph), the label of its button, and a note.
mail-foot = { $company } · { $address }

mail-verify-subject = أكّد بريدك الإلكتروني
mail-verify-text =
    مرحبًا { $name }،

    بقيت نقرة واحدة ليصبح حسابك لدى { $company } جاهزًا: أكّد من فضلك أن { $email } هو بريدك.
mail-verify-action = تأكيد بريدي
mail-verify-note = يعمل الرابط مرة واحدة خلال 24 ساعة. إن لم تكن قد سجّلت فلا تفعل شيئًا: لا يمكن استعمال الحساب من دون تأكيد.

mail-already-here-subject = لديك حساب بالفعل
mail-already-here-text =
    مرحبًا { $name }،

    حاول شخص ما، ولعله أنت، التسجيل بالبريد { $email }. لديك حساب بهذا البريد بالفعل، ولم يتغير أي شيء.

    سجّل الدخول كالمعتاد. وإن نسيت كلمة المرور فصفحة الدخول تساعدك على اختيار كلمة جديدة.
mail-already-here-action = تسجيل الدخول
mail-already-here-note = إن لم تكن أنت فلا داعي لفعل أي شيء.

mail-reset-subject = اختر كلمة مرور جديدة
mail-reset-text =
    مرحبًا { $name }،

    طلب شخص ما، ولعله أنت، كلمة مرور جديدة للبريد { $email }.
mail-reset-action = اختيار كلمة مرور جديدة
mail-reset-note = يعمل الرابط مرة واحدة خلال ساعة. إن لم تكن أنت فلا تفعل شيئًا: تبقى كلمة مرورك كما هي.

mail-password-changed-subject = تغيّرت كلمة مرورك
mail-password-changed-text =
    مرحبًا { $name }،

    تغيّرت للتو كلمة مرور { $email }، وسُجّل الخروج من كل المتصفحات الأخرى.
mail-password-changed-action = لم أكن أنا
mail-password-changed-note = إن كنت أنت فكل شيء على ما يرام.

mail-new-device-subject = دخول جديد إلى حسابك
mail-new-device-text =
    مرحبًا { $name }،

    سجّل شخص ما الدخول إلى { $email } من جهاز لا نعرفه بعد.

    متى: { $when }. من أين: { $address }. المتصفح: { $device }.
mail-new-device-action = عرض الأجهزة المتصلة
mail-new-device-note = إن كنت أنت فكل شيء على ما يرام. وإلا فأخرج ذلك المتصفح وغيّر كلمة مرورك.

mail-confirm-email-subject = أكّد بريدك الإلكتروني الجديد
mail-confirm-email-text =
    مرحبًا { $name }،

    أكّد من فضلك أن { $new } هو بريدك الجديد لدى { $company }. حتى ذلك الحين يبقى { $email } مستعملًا.
mail-confirm-email-action = تأكيد البريد الجديد
mail-confirm-email-note = يعمل الرابط مرة واحدة خلال 24 ساعة. إن لم تطلب ذلك فلا تفعل شيئًا.

mail-email-changed-subject = تغيّر بريدك الإلكتروني
mail-email-changed-text =
    مرحبًا { $name }،

    صار حسابك لدى { $company } يستعمل { $email } بدلًا من هذا البريد.

    إن لم تكن أنت فألغِ التغيير: سنسجّل الخروج من كل المتصفحات، ويمكنك اختيار كلمة مرور جديدة.
mail-email-changed-action = إلغاء التغيير
mail-email-changed-note = يعمل الرابط مرة واحدة خلال سبعة أيام. إن كنت أنت فلا داعي لفعل أي شيء.

mail-closing-subject = سيُغلق حسابك في { $date }
mail-closing-text =
    مرحبًا { $name }،

    كما طلبت، أوقفنا تطبيقاتك. وفي { $date } ستُحذف مع حسابك نهائيًا.

    إن غيّرت رأيك قبل ذلك اليوم فسجّل الدخول واحتفظ بالحساب: يعود كل شيء كما كان.
mail-closing-action = الاحتفاظ بحسابي
mail-closing-note = بعد ذلك اليوم لا يمكن استعادة أي شيء.

mail-budget-used-subject = { $instance }: استنفد الضبط التلقائي ميزانيته
mail-budget-used-text =
    مرحبًا { $name }،

    الطلب كبير على { $instance }، وكان من المفترض إضافة حاوية أخرى. لكن { $budget }، وهو ما يجوز أن يضيفه الضبط التلقائي إلى تكلفة هذا الشهر، لا يكفي لذلك، فلا يضاف شيء حتى الشهر القادم.

    يستمر ما يعمل. إن كان بطيئًا فارفع الميزانية أو غيّر العدد يدويًا.
mail-budget-used-action = عرض الضبط التلقائي
mail-budget-used-note = تُحسب الميزانية كأن كل حاوية مضافة استهلكت كل وقت المعالج المتاح لها، فلا تزيد فاتورتك عن ذلك أبدًا.

mail-budget-level-subject = استُهلك { $percent } ٪ من ميزانية هذا الشهر
mail-budget-level-text =
    مرحبًا { $name }،

    كلّف هذا الشهر { $amount } حتى الآن: { $percent } ٪ من ميزانيتك البالغة { $budget }، قبل ضريبة القيمة المضافة. إن استمر كل شيء هكذا بلغ الشهر { $forecast }.

    لا يغيّر ذلك شيئًا في التشغيل.
mail-budget-level-action = عرض الميزانية
mail-budget-level-note = في الصفحة نفسها يمكنك تغيير الميزانية، أو جعل النسخ تستريح عند بلوغها.

mail-budget-forecast-subject = سيكلّف هذا الشهر على الأرجح أكثر من ميزانيتك
mail-budget-forecast-text =
    مرحبًا { $name }،

    إن استمر كل شيء هكذا بلغ هذا الشهر { $forecast } قبل ضريبة القيمة المضافة. ميزانيتك { $budget }، واستُهلك منها { $amount } حتى الآن.

    هذا تقدير وليس فاتورة.
mail-budget-forecast-action = عرض الميزانية
mail-budget-forecast-note = تبيّن صفحة الشهر ما تكلفه كل نسخة.

mail-budget-cap-subject = بُلغت الميزانية: نسخ التطوير والاختبار تستريح
mail-budget-cap-text =
    مرحبًا { $name }،

    كلّف هذا الشهر { $amount } قبل ضريبة القيمة المضافة، وبُلغت ميزانيتك البالغة { $budget }. كما أردت، تستريح نسخ التطوير والاختبار من الآن، ويستمر الإنتاج.

    تعود في { $until }، أو حالما ترفع الميزانية أو تلغيها. لا تُحذف أي بيانات.
mail-budget-cap-action = عرض الميزانية
mail-budget-cap-note = ما يستريح يظل يكلف سعره الشهري، وتُحفظ بياناته ويستمر احتسابها.

mail-budget-cap-all-subject = بُلغت الميزانية: كل النسخ تستريح، والإنتاج أيضًا
mail-budget-cap-all-text =
    مرحبًا { $name }،

    كلّف هذا الشهر { $amount } قبل ضريبة القيمة المضافة، وبُلغت ميزانيتك البالغة { $budget }. كما أردت، تستريح كل النسخ من الآن، والإنتاج أيضًا: لا يستطيع أحد العمل فيها، ويقرأ الزوار أنها معلقة.

    تعود في { $until }، أو حالما ترفع الميزانية أو تلغيها. لا تُحذف أي بيانات.
mail-budget-cap-all-action = عرض الميزانية
mail-budget-cap-all-note = ما يستريح يظل يكلف سعره الشهري، وتُحفظ بياناته ويستمر احتسابها.

trial-line = { $instance } ({ $plan }) بسعر { $price } شهريًا
trial-more = { $count ->
    [one] وواحدة أخرى
   *[other] و{ $count } أخرى
}

mail-trial-ending-subject = تنتهي فترتك التجريبية في { $date }
mail-trial-ending-text =
    مرحبًا { $name }،

    لا تدفع شيئًا حتى { $date }. ومن ثم يُحتسب ما يلي موزعًا بالثانية: { $lines }. المجموع { $total } شهريًا قبل ضريبة القيمة المضافة، ويضاف إليه الاستهلاك الزائد على المشمول في الخطط.

    احذف قبل ذلك ما لا تريد الاحتفاظ به. ما استُهلك في الفترة التجريبية لا يُحتسب أبدًا.
mail-trial-ending-action = عرض التكلفة
mail-trial-ending-note = تأتي أول فاتورة عند نهاية الشهر.

mail-trial-ended-subject = انتهت فترتك التجريبية: ما يُحتسب من الآن
mail-trial-ended-text =
    مرحبًا { $name }،

    انتهت فترتك التجريبية في { $date }. ومنذ ذلك الحين يُحتسب ما يلي موزعًا بالثانية: { $lines }. المجموع { $total } شهريًا قبل ضريبة القيمة المضافة، ويضاف إليه الاستهلاك الزائد على المشمول في الخطط.

    ما استُهلك قبل ذلك لا يُحتسب.
mail-trial-ended-action = عرض التكلفة
mail-trial-ended-note = تأتي أول فاتورة عند نهاية الشهر. وما تحذفه لا يُحتسب بعد ذلك.

mail-plan-moves-subject = أسعار جديدة للباقة { $plan } ابتداءً من { $date }
mail-plan-moves-text =
    مرحبًا { $name }،

    ابتداءً من { $date } تصبح للباقة { $plan } أسعار جديدة. ما لديك على هذه الباقة: { $instances }. السعر الأساسي لكل منها { $before } شهريًا حتى ذلك الحين و{ $after } شهريًا بعده، قبل ضريبة القيمة المضافة.

    { $usage }

    لا حاجة إلى فعل شيء. إن لم ترغب في ذلك فاختر باقة أخرى أو احذف النسخة قبل ذلك اليوم.
mail-plan-moves-action = عرض نسخي
mail-plan-moves-note = لا يتغير شيء قبل { $date }. وإن كانت للإصدار الجديد حدود أخرى فإنها تبدأ مع أسعارها حالما تصبح سارية.

plan-moves-line = { $meter }: حتى الآن { $before }؛ ثم { $after }.
plan-moves-same-usage = ما هو مشمول وسعر ما يزيد عليه يبقيان كما هما.
plan-moves-unlimited = مشمول بلا حد

mail-plan-stays-subject = تبقى أسعار الباقة { $plan } كما هي
mail-plan-stays-text =
    مرحبًا { $name }،

    كتبنا إليك أن أسعارًا جديدة ستُعتمد للباقة { $plan }. سُحب ذلك: تبقى نسخك على إصدارها وبأسعاره.

    لا حاجة إلى فعل شيء.
mail-plan-stays-action = عرض نسخي
mail-plan-stays-note = إن تغير ذلك يومًا فسنعلمك قبل 30 يومًا على الأقل.

mail-credit-ending-subject = { $amount } من رصيدكم تنتهي في { $date }
mail-credit-ending-text =
    مرحبًا { $name }،

    بقي { $amount } من الرصيد الذي منحناه لكم. حتى { $date } يدفع فواتيركم من تلقاء نفسه؛ وما يبقى حينها يزول.

    ما دفعتموه بأنفسكم لا ينتهي أبدًا.
mail-credit-ending-action = عرض رصيدكم
mail-credit-ending-note = لا داعي لفعل أي شيء.

mail-credit-ended-subject = { $amount } من رصيدكم انتهت
mail-credit-ended-text =
    مرحبًا { $name }،

    كان الرصيد الذي منحناه لكم صالحًا حتى { $date }. بقي منه { $amount }، وقد انتهت.

    ما دفعه يبقى مدفوعًا، وما دفعتموه بأنفسكم لا ينتهي أبدًا.
mail-credit-ended-action = عرض رصيدكم
mail-credit-ended-note = لا داعي لفعل أي شيء.

mail-domain-lost-subject = لم يعد { $domain } يؤدي إلى { $instance }
mail-domain-lost-text =
    مرحبًا { $name }،

    لم يعد في نظام أسماء النطاقات ما يثبت أن { $domain } لك: بحثنا عدة مرات ولم نجد سجل CNAME ولا سجل TXT. ولكي لا يرى أحد ما ليس موجهًا إليه، لم يعد النطاق يؤدي إلى { $instance }. أما النسخة نفسها فتعمل على عنوانها الخاص.

    إن كان النطاق لا يزال لك فأنشئ أحد السجلين من جديد، ويعود النطاق تلقائيًا خلال دقائق.
mail-domain-lost-action = عرض السجلات
mail-domain-lost-note = إن كنت قد تخليت عن النطاق فلا حاجة إلى فعل شيء، ويمكنك إزالته من الصفحة نفسها.

mail-overdue-subject = الفاتورة { $number } متأخرة
mail-overdue-text =
    مرحبًا { $name }،

    حل موعد سداد الفاتورة { $number }. المبلغ المتأخر { $amount }.

    { $next } إن دفعت قبل ذلك فلا يحدث شيء.
mail-overdue-action = عرض ودفع
mail-overdue-note = إن دفعت في الأيام الأخيرة فشكرًا لك: تستغرق التحويلات وقتًا، ولا حاجة إلى فعل شيء.

mail-restricted-subject = الفاتورة { $number } غير مسددة: { $done }
mail-restricted-text =
    مرحبًا { $name }،

    الفاتورة { $number } غير مسددة، والمبلغ المتأخر { $amount }. كما أعلنّا، من الآن: { $done }.

    { $next } حالما تُسدد يعود كل شيء للعمل فورًا. لا تُحذف أي بيانات.
mail-restricted-action = عرض ودفع
mail-restricted-note = إن دفعت في الأيام الأخيرة أو احتجت إلى وقت، فأجب على هذه الرسالة.

mail-details-missing-subject = نحتاج إلى عنوانك من أجل فاتورة
mail-details-missing-text =
    مرحبًا { $name }،

    لا يمكن تحرير فاتورة بمبلغ { $amount } قبل الضريبة لأن بيانًا إلزاميًا ينقصها: عنوانك البريدي قبل كل شيء.

    { $next } حالما تكتمل البيانات تصلك الفاتورة تلقائيًا.
mail-details-missing-action = إكمال البيانات
mail-details-missing-note = إن لم يعد بإمكانك تسجيل الدخول فأجب على هذه الرسالة بالعنوان.

mail-details-restricted-subject = لا يزال العنوان ينقص فاتورتك: { $done }
mail-details-restricted-text =
    مرحبًا { $name }،

    لا يمكن تحرير فاتورة بمبلغ { $amount } قبل الضريبة دون عنوانك البريدي. كما أعلنّا، من الآن: { $done }.

    { $next } حالما تكتمل البيانات يعود كل شيء للعمل فورًا. لا تُحذف أي بيانات.
mail-details-restricted-action = إكمال البيانات
mail-details-restricted-note = إن احتجت إلى وقت فأجب على هذه الرسالة.

mail-invoice-due-subject = الفاتورة { $number }: { $open } تُدفع قبل { $due }
mail-invoice-due-text =
    مرحبًا { $name }،

    فاتورتك { $number } بمبلغ { $gross } جاهزة. يُدفع منها { $open } قبل { $due }.

    في صفحتها يمكنك تنزيلها بصيغة PDF وكفاتورة إلكترونية، ورؤية تفاصيل كل سطر وطريقة الدفع.
mail-invoice-due-action = عرض الفاتورة
mail-invoice-due-note = إن كانت لديك بطاقة محفوظة فسيُقتطع المبلغ منها تلقائيًا ولا يلزمك شيء.

mail-invoice-settled-subject = الفاتورة { $number }: لا شيء للدفع
mail-invoice-settled-text =
    مرحبًا { $name }،

    فاتورتك { $number } بمبلغ { $gross } جاهزة. سدّدها رصيدك كاملة: الباقي { $open } ولا يُستحق شيء في { $due }.
mail-invoice-settled-action = عرض الفاتورة
mail-invoice-settled-note = في صفحتها يمكنك تنزيلها ورؤية تفاصيل كل سطر.

mail-credit-note-subject = إشعار دائن { $number }: { $gross } لصالحك
mail-credit-note-text =
    مرحبًا { $name }،

    أصدرنا الإشعار الدائن { $number } بمبلغ { $gross } في { $due }. يسدّد ما هو مستحق على فواتيرك، وما يتبقى ({ $open }) يسدّد الفواتير القادمة.
mail-credit-note-action = عرض الإشعار الدائن
mail-credit-note-note = لا يلزمك شيء.

mail-card-asks-subject = الفاتورة { $number }: مصرفك يطلب منك التأكيد
mail-card-asks-text =
    مرحبًا { $name }،

    أردنا اقتطاع { $open } من بطاقتك المحفوظة للفاتورة { $number }. يريد مصرفها أن تؤكد الدفع بنفسك، فلم يُقتطع شيء.

    افتح الفاتورة وادفعها في صفحتها: يطلب منك مصرفك رمزًا أو تأكيدًا، وهذا كل شيء.
mail-card-asks-action = تأكيد ودفع
mail-card-asks-note = يمكنك أيضًا الدفع بتحويل بنكي: البيانات في الصفحة نفسها.

mail-card-refused-subject = الفاتورة { $number }: رُفضت بطاقتك
mail-card-refused-text =
    مرحبًا { $name }،

    أردنا اقتطاع { $open } من بطاقتك المحفوظة للفاتورة { $number } فرفض مصرفها. لم يُقتطع شيء. { $next }

    يمكنك الدفع الآن بهذه البطاقة أو بغيرها.
mail-card-refused-action = عرض ودفع
mail-card-refused-note = يمكنك أيضًا الدفع بتحويل بنكي: البيانات في الصفحة نفسها.
