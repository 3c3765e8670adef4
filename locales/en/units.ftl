units-date-time = { $date }, { $time }
units-today = today at { $time }
units-yesterday = yesterday at { $time }
units-tomorrow = tomorrow at { $time }
units-weekday = { $day } at { $time }
units-byte = { $value } bytes
units-kb = { $value } kB
units-mb = { $value } MB
units-gb = { $value } GB
units-tb = { $value } TB
units-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
units-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
units-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
units-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
units-stopwatch = { $value } s
