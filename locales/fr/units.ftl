units-date-time = { $date } à { $time }
units-today = aujourd’hui à { $time }
units-yesterday = hier à { $time }
units-tomorrow = demain à { $time }
units-weekday = { $day } à { $time }
units-byte = { $value } octets
units-kb = { $value } ko
units-mb = { $value } Mo
units-gb = { $value } Go
units-tb = { $value } To
units-seconds = { $count ->
    [one] { $count } seconde
   *[other] { $count } secondes
}
units-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
units-hours = { $count ->
    [one] { $count } heure
   *[other] { $count } heures
}
units-days = { $count ->
    [one] { $count } jour
   *[other] { $count } jours
}
units-stopwatch = { $value } s
