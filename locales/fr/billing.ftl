# Les factures et ce qu’elles portent.
invoice-line-base = { $plan } : abonnement mensuel
invoice-line-cpu = { $plan } : temps de processeur au-delà du forfait
invoice-line-database = { $plan } : base de données au-delà du forfait
invoice-line-egress = { $plan } : données envoyées au-delà du forfait
invoice-line-requests = { $plan } : requêtes au-delà du forfait
invoice-line-correction = Correction d’un mois antérieur : { $title }

vat-reason-reverse-charge = Autoliquidation : la TVA est due par le client (art. 283-2 du CGI, art. 196 de la directive 2006/112/CE).
vat-reason-outside-union = Prestation à un client établi hors de l’Union européenne : TVA française non applicable (art. 259-1 du CGI).
vat-reason-export = Exportation de services : exonérée de TVA (art. 92-I-1° du CGI).

# The customer's pages.
nav-billing = Facturation
billing-tab-overview = Ce mois-ci
billing-tab-invoices = Factures
billing-tab-statement = Relevé
billing-tab-details = Coordonnées de facturation
billing-days = { $from } – { $until }
billing-percent = { $value } %

billing-state-paid = Payée
billing-state-due = À payer le { $date }
billing-state-overdue = En retard depuis le { $date }
billing-state-credit-left = { $amount } pas encore utilisés
billing-state-credit-used = Utilisé

billing-unit-one = { $value }
billing-unit-month = { $value } mois
billing-unit-day = { $value } jours
billing-unit-hour = { $value } heures
billing-unit-core-hour = { $value } heures de cœur
billing-unit-gigabyte-hour = { $value } Go-heures
billing-unit-gigabyte-month = { $value } Go-mois
billing-unit-gigabyte = { $value } Go
billing-unit-request = { $value } requêtes
billing-unit-thousand-requests = { $value } milliers de requêtes
billing-unit-user = { $value } utilisateurs

billing-address-title = Il nous faut une adresse pour vos factures
billing-address-text = Sans rue ni ville, aucune facture ne peut être établie à votre nom.
billing-address-action = Compléter mes coordonnées
billing-trial-title = Vous êtes en période d’essai gratuite
billing-trial-text = Jusqu’au { $until }, vous ne payez rien. Sans l’essai, le total serait de { $amount } à ce jour.
billing-trial-lines = Les lignes marquées « essai » ne sont pas à payer.
billing-trial-tag = essai
billing-so-far = Coût à ce jour
billing-as-of = Au { $when }
billing-forecast = Estimation pour le mois entier
billing-forecast-detail = Une estimation, pas un montant dû ; le mois se termine le { $when }
billing-estimate = L’estimation suppose que tout continue comme ces sept derniers jours.
billing-open = À payer
billing-open-nothing = Rien
billing-open-nothing-detail = Toutes les factures sont payées
billing-open-due = { $count ->
    [one] { $count } facture, à payer le { $date }
   *[other] { $count } factures, la première à payer le { $date }
}
billing-open-overdue = { $count ->
    [one] { $count } facture, en retard depuis le { $date }
   *[other] { $count } factures, la première en retard depuis le { $date }
}
billing-credit = Votre avoir
billing-credit-detail = Il paiera votre prochaine facture
billing-before-vat = Coût et estimation sont hors taxes.
billing-empty-title = Rien ne coûte ce mois-ci
billing-empty-text = Dès que vous aurez une instance, son coût s’affichera ici, jour après jour.
billing-by-instance = Par instance
billing-by-instance-lead = Ouvrez une instance pour voir chaque prix, la consommation et la part incluse.
billing-lines-of = Coûts de { $name }
billing-instance-gone = Une instance que vous n’avez plus
billing-line-base = { $plan } : abonnement, pour les jours écoulés
billing-to-instance = Aller à { $name }

billing-col-what = Quoi
billing-col-used = Consommé
billing-col-included = Dont inclus
billing-col-beyond = Au-delà
billing-col-price = Prix
billing-col-amount = Montant
billing-col-number = Numéro
billing-col-kind = Nature
billing-col-state = État
billing-col-gross = Montant TTC
billing-col-quantity = Quantité
billing-col-vat = TVA
billing-col-net = Montant HT
billing-col-day = Jour
billing-col-hours = Heures
billing-col-hour = Heure
billing-col-covered = Observé pendant
billing-col-quality = Qualité
billing-col-date = Date
billing-col-reference = Référence
billing-col-balance = Solde dû

billing-kind-invoice = Facture
billing-kind-credit_note = Avoir
billing-title-invoice = Facture { $number }
billing-title-credit_note = Avoir { $number }
billing-invoices-empty-title = Pas encore de facture
billing-invoices-empty-none = La première arrive à la fin d’un mois où vous avez une instance.
billing-invoices-empty-first = La première arrive le { $date }, à la fin du mois, s’il y a quelque chose à payer.

billing-facts = En bref
billing-fact-issued = Émise le
billing-fact-due = À payer jusqu’au
billing-fact-period = Période
billing-fact-corrects = Reprend une partie de
billing-seller = De
billing-buyer = À
billing-lines = Ce qui est facturé
billing-line-behind = Consommation jour par jour
billing-vat-of = TVA { $rate } sur { $base }
billing-sum-net = Total HT
billing-sum-vat = TVA
billing-sum-gross = Total TTC
billing-sum-open = Reste
billing-paid-card = Payé par carte
billing-paid-transfer = Payé par virement
billing-paid-withholding = TVA retenue à la source
billing-paid-gift = Payé par un crédit offert
billing-paid-credit_note = Payé par un avoir
billing-paid-back = { $text } : repris

billing-transfer-title = Payer par virement
billing-transfer-text = Virez { $amount } sur ce compte en indiquant le numéro comme référence, afin que nous retrouvions votre paiement.
billing-transfer-holder = Titulaire du compte
billing-transfer-bank = Banque
billing-transfer-reference = Référence

billing-files-title = Fichiers
billing-files-lead = Le même document trois fois : pour les personnes et pour deux familles de logiciels comptables.
billing-file-pdf = PDF
billing-file-pdf-detail = À lire, imprimer et classer
billing-file-cii = XML (CII)
billing-file-cii-detail = Factur-X, lu par les logiciels français
billing-file-ubl = XML (UBL)
billing-file-ubl-detail = Peppol, lu par la plupart des autres logiciels
billing-file-download = Télécharger
billing-file-making = En préparation
billing-file-being-made = Ce fichier est en préparation. Réessayez dans une minute.

billing-proof-title = Preuve
billing-proof-lead = Ce document ne peut jamais être modifié sans que cela se voie.
billing-proof-own = Empreinte de ce document (SHA-256)
billing-proof-previous = Empreinte du document précédent
billing-proof-first = C’est le premier de son année.
billing-proof-text = L’empreinte est calculée à partir de tout ce qui figure sur le document et de l’empreinte du précédent. Si un seul chiffre d’un ancien document changeait, toutes les empreintes suivantes changeraient.

billing-recompute-title = Recalculer vous-même
billing-recompute-lead = Inutile de nous croire : trois étapes, sur tout ordinateur muni de Python.
billing-recompute-file = Télécharger les heures et les prix
billing-recompute-file-text = Tout ce dont découlent les montants de ce mois, tel qu’on le savait à ce moment : quelle offre à quel instant, ce qui a été compté à chaque heure, le prix de chaque unité, et ce qui a été facturé.
billing-recompute-program = Télécharger le programme
billing-recompute-program-text = Quelque 300 lignes de Python que chacun peut lire. Il ne lui faut rien d’autre, et il ne partage aucune ligne avec le programme qui a établi la facture.
billing-recompute-run = L’exécuter là où se trouvent les deux fichiers
billing-recompute-run-text = Il recalcule chaque montant à partir des heures et s’arrête au premier qui n’est pas conforme aux règles. À la fin il doit indiquer { $amount } : le mois avant remises et taxes, moins ce que rendent les avoirs du même jour.

billing-hours-file = Toutes les heures en fichier (CSV)
billing-readings-file = Tous les relevés en fichier (CSV)
billing-charge-title = D’où vient la quantité
billing-charge-from = Du
billing-charge-until = Au
billing-charge-carry-in = Reste des mois précédents
billing-charge-carry-out = Reporté aux mois suivants
billing-charge-charged = Sur cette ligne
billing-charge-differs = La somme des heures ci-dessous diffère de la consommation de cette ligne : l’heure d’un changement d’offre est partagée, et ce qui a été compté après la facture est régularisé sur une facture suivante.
billing-hours-none-title = Aucune heure n’est conservée
billing-hours-none-text = Les heures de cette ligne ne sont plus disponibles ; la ligne reste telle quelle.
billing-days-title = Jour par jour
billing-hours-title = Heure par heure : { $day }
billing-day-before = Jour précédent
billing-day-after = Jour suivant
billing-quality-measured = mesuré
billing-quality-interpolated = entre deux relevés
billing-quality-lower_bound = au moins
billing-quality-text = Les heures « mesurées » ont été observées en continu. « Entre deux relevés » répartit ce qu’un compteur a montré. « Au moins » : la consommation a pu être plus forte, seul ceci est facturé.

billing-statement-lead = Ce qui a été facturé et payé, le plus récent en premier.
billing-statement-owed = Vous devez
billing-statement-even = Rien n’est dû
billing-statement-credit = Votre avoir chez nous
billing-statement-empty-title = Aucun mouvement
billing-statement-empty-text = Factures et paiements s’afficheront ici, l’un après l’autre.
billing-movement-payment = Paiement
billing-movement-gift = Crédit que nous avons offert
billing-movement-expiry = Crédit expiré sans être utilisé
billing-movement-payback = Remboursement
billing-movement-other = Écriture

billing-details-lead = Ce qui figure sur vos factures. Les documents déjà établis ne changent pas.
billing-details-problems = Veuillez vérifier ces champs
billing-details-saved = Vos coordonnées de facturation sont enregistrées.
billing-details-buyer = Vous achetez en tant que
billing-details-business = Entreprise ou organisation
billing-details-person = Particulier
billing-details-legal_name = Nom sur les factures
billing-details-legal_name-hint = La dénomination sociale avec la forme juridique, ou votre nom.
billing-details-street = Rue et numéro
billing-details-postcode = Code postal
billing-details-city = Ville
billing-details-country = Pays
billing-details-vat_number = Numéro de TVA
billing-details-vat_number-hint = Avec les lettres du pays, comme FR44732829320.
billing-details-siren = SIREN
billing-details-siren-hint = Neuf chiffres. Obligatoire pour les entreprises en France, et pour elles seules.
billing-details-ice = ICE
billing-details-ice-hint = Quinze chiffres. Entreprises au Maroc uniquement : il permet de déduire la TVA.
billing-details-email = E-mail pour les factures
billing-details-email-hint = Sans adresse, elles sont envoyées au propriétaire.
billing-details-purchase_order = Votre numéro de commande
billing-details-purchase_order-hint = Figurera sur toutes les prochaines factures.
billing-details-language = Langue des documents
billing-details-language-hint = Celle des factures ; les pages gardent la vôtre.
billing-vat-checked = Ce numéro a été vérifié le { $date } : { $answer }
billing-vat-unchecked = Ce numéro n’a pas encore été vérifié. Il ne change la TVA que pour les entreprises de l’Union européenne situées hors du pays du vendeur : d’ici là, elles paient la TVA de leur pays ; ensuite, elles l’autoliquident.
billing-bad-turned = Ce texte contient un caractère invisible qui inverse le sens de lecture : on lirait autre chose que ce qui est écrit. Veuillez le retaper.
billing-bad-siren = Un SIREN compte neuf chiffres, dont le dernier se calcule d’après les autres. L’un d’eux est faux.
billing-bad-no-siren = La loi exige le SIREN d’une entreprise française sur ses factures.
billing-bad-ice = Un ICE compte exactement quinze chiffres.
billing-bad-other-country = Les entreprises du pays choisi n’ont pas ce numéro : laissez ce champ vide.
billing-bad-vat-shape = Les numéros de TVA du pays choisi n’ont pas cette forme. Ils commencent par les lettres du pays.
billing-bad-vat-key = Les deux chiffres après FR ne correspondent pas, ou le numéro appartient à un autre SIREN.
