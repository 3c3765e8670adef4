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
