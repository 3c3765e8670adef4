# عدد الحاويات التي تعمل فيها النسخة، يدويًا أو تلقائيًا.
scaling-containers = الحاويات
scaling-title = الضبط التلقائي
scaling-lead = يمكن أن يعمل Odoo في عدة حاويات على أجهزة مختلفة، وكلها بالبيانات نفسها. وكلما زادت خدمت عددًا أكبر من الأشخاص في الوقت نفسه.
scaling-wanted = { $count ->
    [zero] لا تعمل هذه النسخة في أي حاوية.
    [one] تعمل هذه النسخة في حاوية واحدة.
    [two] تعمل هذه النسخة في حاويتين.
    [few] تعمل هذه النسخة في { $count } حاويات.
   *[other] تعمل هذه النسخة في { $count } حاوية.
}
scaling-serving = يستجيب الآن { $serving } من { $count }.
scaling-count = العدد
scaling-change = تغيير
scaling-price = تُدفع كل حاوية إضافية بحسب وقت المعالج الذي تستهلكه: { $price } لساعة النواة فوق ما تشمله الباقة، و{ $month } في الشهر على الأكثر إن لم تتوقف عن العمل أبدًا.
scaling-roomier = تتيح باقة { $plan } حتى { $count }.
scaling-is-on = الضبط التلقائي مفعّل، من { $minimum } إلى { $maximum }: فما تختاره هنا هو الحد الأدنى.
scaling-is-off = يبقى العدد كما هو إلى أن يغيّره أحد.
scaling-done-more = تم الحفظ: عدد الحاويات { $count }. تستجيب الجديدة فور تشغيلها، ولا ينقطع العمل عن أحد.
scaling-done-fewer = تم الحفظ: العدد الآن { $count }. تُنهي البقية ما تعمل عليه، ولا ينقطع العمل عن أحد.
scaling-done-same = لا شيء لتغييره: العدد { $count } بالفعل.
scaling-refused-number = اختر العدد من فضلك.
scaling-refused-few = للنسخة حاوية واحدة على الأقل. إن لم ترد تشغيلها فأوقفها.
scaling-refused-plan = تتيح باقتك { $most } على الأكثر.
scaling-refused-suspended = النسخة معلّقة، لذا لا يمكن تغيير ذلك الآن.
scaling-refused-crossed = «على الأكثر» أقل من «على الأقل».
scaling-refused-target = أدخل نسبة من 10 إلى 95.
scaling-refused-queue = يُرجى كتابة نسبة مئوية من 1 إلى 100.
scaling-refused-pause = يُرجى كتابة عدد الدقائق، من 1 إلى 1440 (يوم واحد).
scaling-refused-budget = أدخل مبلغًا مثل 25 أو 12.50، أو لا شيء.
scaling-whole = أدخل عددًا صحيحًا.
scaling-on = مفعّل
scaling-off = متوقف
scaling-pointless = تتيح باقة هذه النسخة حاوية واحدة، فلا شيء يضاف. تتيح باقة أخرى أكثر من ذلك.
scaling-spent = أُضيف هذا الشهر: { $spent } على الأكثر من { $budget }.
scaling-switch = إضافة الحاويات وإزالتها تلقائيًا
scaling-switch-hint = بدون ذلك يبقى العدد كما هو إلى أن يغيّره أحد.
scaling-minimum = على الأقل
scaling-minimum-hint = لا يقل العدد عن هذا أبدًا.
scaling-maximum = على الأكثر
scaling-most = تتيح باقتك حتى { $most }.
scaling-target = إضافة حاوية فوق هذا الاستعمال للمعالج
scaling-target-hint = بمتوسط خمس دقائق.
scaling-queue = أو عندما تضطر نسبة أكبر من الطلبات إلى الانتظار
scaling-queue-hint = من جميع الطلبات خلال خمس دقائق.
scaling-pause-more = لا تُضاف حاوية قبل مرور
scaling-pause-more-hint = تُحسب من آخر تغيير، أيًّا كان من أجراه.
scaling-pause-fewer = لا تُزال حاوية قبل مرور
scaling-pause-fewer-hint = المدة الأطول تُبقي الحاويات للازدحام القادم.
scaling-minutes = دقيقة
scaling-budget = ميزانية الشهر
scaling-budget-hint = ما يجوز أن يضيفه الضبط التلقائي إلى تكلفة الشهر. إن تُرك فارغًا فلا يحدّه إلا «على الأكثر».
scaling-save = حفظ
scaling-back = العودة إلى النسخة
scaling-saved-on = تم الحفظ. الضبط التلقائي مفعّل.
scaling-saved-off = تم الحفظ. الضبط التلقائي متوقف.
scaling-how-title = كيف يعمل
scaling-how = تضاف حاوية واحدة أو تُزال في كل مرة. بعد أي تغيير لا يضاف شيء لمدة { $more } ولا يُزال شيء لمدة { $fewer }. ولا تُزال حاوية إلا إذا كان لدى البقية متسع.
scaling-how-data = لا تُنقل بياناتك من أجل ذلك أبدًا. وإذا نفدت الميزانية فلا يضاف شيء بعدها، ويستمر ما يعمل.
scaling-events = ما الذي فعله
scaling-events-none = لا شيء بعد.
scaling-why-cpu = بلغ المعالج { $percent } % خلال { $minutes } دقائق
scaling-why-queue = اضطر { $percent } % من طلبات { $minutes } دقائق إلى الانتظار
scaling-why-calm = كان المعالج عند { $percent } % خلال { $minutes } دقائق، فعدد أقل يكفي
scaling-why-bounds = كان خارج الحدود المضبوطة
scaling-why-plan = الباقة الجديدة تتيح أقل
