# Ce qui revient, a été facturé et reste impayé ; ce que les machines coûtent et rapportent.
staff-nav-revenue = Revenus
revenue-title = Revenus
revenue-lead = Ce qui revient chaque mois et comment cela évolue, ce qui a été facturé et ce qui est impayé. Les devises ne sont jamais mélangées.
revenue-none = Personne ne vend encore
revenue-none-text = Nos sociétés ne sont pas encore enregistrées.
revenue-recurring = Revenu récurrent mensuel
revenue-customers = { $count ->
    [one] { $count } client
   *[other] { $count } clients
 }
revenue-of = { $count ->
    [one] { $count } client
   *[other] { $count } clients
 }
revenue-movements = Mouvements
revenue-movements-in = Mouvements en { $currency }
revenue-month = Mois
revenue-start = Au début
revenue-end = À la fin
revenue-move-new = Nouveaux
revenue-move-reactivation = De retour
revenue-move-expansion = Paient plus
revenue-move-contraction = Paient moins
revenue-move-churn = Partis
revenue-billed = Facturé
revenue-billed-lead = Selon la date de la facture, hors taxes et moins les avoirs. La facture d’un mois est émise le mois suivant. Choisissez un mois pour voir ce que disent ses lignes.
revenue-billed-in = Facturé en { $currency }
revenue-documents = Documents
revenue-net = Hors taxes
revenue-by-plan = Par formule : { $month }
revenue-by-what = Par nature : { $month }
revenue-nothing-billed = Rien n’a été facturé ce mois-là.
revenue-total = Ensemble
revenue-no-plan = D’aucune formule
revenue-what-base = Prix de base
revenue-what-discount = Remises
revenue-what-credit = Rendu
revenue-unpaid = Impayé
revenue-unpaid-in = Impayé en { $currency }
revenue-age = En retard depuis
revenue-age-not-due = pas encore échu
revenue-age-30 = 1 à 30 jours
revenue-age-60 = 31 à 60 jours
revenue-age-90 = 61 à 90 jours
revenue-age-longer = plus de 90 jours
revenue-invoices = Factures
revenue-left = Reste à payer, taxes comprises
revenue-top = Les plus facturés
revenue-top-in = Clients selon ce qui leur a été facturé en { $currency }
revenue-files = Fichiers
revenue-file-movements = Mouvements (CSV)
revenue-file-billed = Facturé, par formule et compteur (CSV)
revenue-counted = Ce qui est compté
revenue-counted-base = Le prix de base mensuel de chaque instance facturée, au prix de l’édition de sa formule. La consommation, les remises et les taxes n’y sont pas.
revenue-counted-trial = Un compte à l’essai compte à partir du moment où son essai est terminé.
revenue-counted-moves = Les clients sont comparés au début et à la fin du mois : qui ne payait rien et paie maintenant est nouveau, ou de retour s’il a déjà payé un jour. Ce qui est venu et reparti dans le mois n’est pas raconté.
revenue-counted-months = Les mois sont ceux de la société qui vend : Paris pour les euros, Casablanca pour les dirhams. Le plus récent dure jusqu’à maintenant. Ce qui était là et tous les mouvements sont recomptés à chaque fois ; cette page ne s’affiche pas s’ils diffèrent d’un centime.

margins-title = Marges des machines
margins-lead = Ce que chaque machine a coûté, ce qui y avait sa place, et ce que les instances qui y tournaient ont été facturées avant remises, selon leur temps passé.
margins-of = Marges des machines en { $month }
margins-unfinished = Ce mois n’est pas terminé : ce qui sera facturé n’est pas encore connu.
margins-no-rate = Personne n’a dit ce que valait un euro ce mois-là. Les montants en devises différentes ne sont pas additionnés.
margins-rate-said = { $rate } dirhams pour un euro, selon { $by }.
margins-cost = Coût
margins-cpu = Cœurs utilisés, sur ceux réservés
margins-memory = Mémoire utilisée, sur celle réservée
margins-used-of = { $used } sur { $reserved }
margins-revenue = Facturé, hors taxes
margins-margin = Marge
margins-no-cost = personne n’a dit ce qu’elle coûte
margins-days-unknown = { $days ->
    [one] inconnu pour { $days } jour
   *[other] inconnu pour { $days } jours
 }
margins-needs-cost = il manque un coût
margins-needs-rate = il manque un taux
margins-converted = au taux du mois
margins-gone = Une machine qui n’est plus là
margins-nowhere = Facturé à des instances qui n’avaient de place sur aucune machine ce mois-là (au repos, ou avant que ce soit noté) :
margins-earlier = Mois précédent
margins-later = Mois suivant
margins-cost-title = Ce que coûte une machine
margins-cost-lead = Compte à partir du premier jour, jusqu’à ce qu’un jour ultérieur soit dit. Redit pour le même jour, le plus récent compte ; tout est gardé.
margins-amount = Coût par mois
margins-from = À partir du (jour)
margins-save = Noter
margins-costs = Coûts notés
margins-cost-done = Le coût est noté.
margins-host-bad = Choisissez une des machines.
margins-amount-bad = Saisissez un montant, par exemple 49,90.
margins-day-bad = Choisissez un jour des dernières années ou des deux prochaines.
margins-rate-title = Ce que valait un euro
margins-rate-lead = Pour les mois où une machine coûte dans une devise et rapporte dans une autre. Aucune facture ni écriture ne s’en sert.
margins-month = Mois
margins-rate = Dirhams pour un euro
margins-rates = Taux notés
margins-rate-done = Le taux est noté.
margins-month-bad = Choisissez un mois, par exemple 2026-10.
margins-rate-bad = Saisissez un taux supérieur à zéro, avec six décimales au plus, par exemple 10,82.
