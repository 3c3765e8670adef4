units-date-time = { $date }، { $time }
units-today = اليوم على الساعة { $time }
units-yesterday = أمس على الساعة { $time }
units-tomorrow = غدًا على الساعة { $time }
units-weekday = { $day } على الساعة { $time }
units-byte = { $value } بايت
units-kb = { $value } ك.ب
units-mb = { $value } م.ب
units-gb = { $value } غ.ب
units-tb = { $value } ت.ب
units-seconds = { $count ->
    [zero] أقل من ثانية
    [one] ثانية واحدة
    [two] ثانيتان
    [few] { $count } ثوانٍ
   *[other] { $count } ثانية
}
units-minutes = { $count ->
    [zero] أقل من دقيقة
    [one] دقيقة واحدة
    [two] دقيقتان
    [few] { $count } دقائق
   *[other] { $count } دقيقة
}
units-hours = { $count ->
    [zero] أقل من ساعة
    [one] ساعة واحدة
    [two] ساعتان
    [few] { $count } ساعات
   *[other] { $count } ساعة
}
units-days = { $count ->
    [zero] أقل من يوم
    [one] يوم واحد
    [two] يومان
    [few] { $count } أيام
    [many] { $count } يومًا
   *[other] { $count } يوم
}
units-stopwatch = { $value } ث
