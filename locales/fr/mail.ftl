# Mails about an account. Each has a subject, a text (an empty line begins a paragraph), the label of its button, and a note.
mail-foot = { $company } · { $address }

mail-verify-subject = Confirmez votre adresse e-mail
mail-verify-text =
    Bonjour { $name },

    encore un clic et votre compte { $company } est prêt : confirmez que { $email } est bien votre adresse.
mail-verify-action = Confirmer mon adresse
mail-verify-note = Le lien fonctionne une seule fois, pendant 24 heures. Si vous ne vous êtes pas inscrit, ne faites rien : sans confirmation, le compte ne peut pas être utilisé.

mail-already-here-subject = Vous avez déjà un compte
mail-already-here-text =
    Bonjour { $name },

    quelqu’un, sans doute vous, a voulu s’inscrire avec { $email }. Un compte existe déjà avec cette adresse : rien n’a été modifié.

    Connectez-vous comme d’habitude. Si vous avez oublié votre mot de passe, la page de connexion vous aide à en choisir un nouveau.
mail-already-here-action = Se connecter
mail-already-here-note = Si ce n’était pas vous, vous n’avez rien à faire.

mail-reset-subject = Choisissez un nouveau mot de passe
mail-reset-text =
    Bonjour { $name },

    quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour { $email }.
mail-reset-action = Choisir un nouveau mot de passe
mail-reset-note = Le lien fonctionne une seule fois, pendant une heure. Si ce n’était pas vous, ne faites rien : votre mot de passe reste le même.

mail-password-changed-subject = Votre mot de passe a été modifié
mail-password-changed-text =
    Bonjour { $name },

    le mot de passe de { $email } vient d’être modifié, et tous les autres navigateurs ont été déconnectés.
mail-password-changed-action = Ce n’était pas moi
mail-password-changed-note = Si c’était vous, tout va bien.

mail-new-device-subject = Nouvelle connexion à votre compte
mail-new-device-text =
    Bonjour { $name },

    quelqu’un s’est connecté à { $email } depuis un appareil que nous ne connaissons pas encore.

    Quand : { $when }. D’où : { $address }. Navigateur : { $device }.
mail-new-device-action = Voir où je suis connecté
mail-new-device-note = Si c’était vous, tout va bien. Sinon, déconnectez ce navigateur et changez votre mot de passe.

mail-confirm-email-subject = Confirmez votre nouvelle adresse e-mail
mail-confirm-email-text =
    Bonjour { $name },

    confirmez que { $new } est votre nouvelle adresse pour { $company }. D’ici là, { $email } reste utilisée.
mail-confirm-email-action = Confirmer la nouvelle adresse
mail-confirm-email-note = Le lien fonctionne une seule fois, pendant 24 heures. Si vous n’avez rien demandé, ne faites rien.

mail-email-changed-subject = Votre adresse e-mail a été modifiée
mail-email-changed-text =
    Bonjour { $name },

    votre compte { $company } utilise désormais { $email } au lieu de cette adresse.

    Si ce n’était pas vous, annulez la modification : nous déconnecterons tous les navigateurs et vous pourrez choisir un nouveau mot de passe.
mail-email-changed-action = Annuler la modification
mail-email-changed-note = Le lien fonctionne une seule fois, pendant sept jours. Si c’était vous, vous n’avez rien à faire.

mail-closing-subject = Votre compte sera fermé le { $date }
mail-closing-text =
    Bonjour { $name },

    comme vous l’avez demandé, vos instances ont été arrêtées. Le { $date }, elles seront définitivement supprimées avec votre compte.

    Si vous changez d’avis avant cette date, connectez-vous et conservez le compte : tout redevient comme avant.
mail-closing-action = Conserver mon compte
mail-closing-note = Passé cette date, rien ne pourra être récupéré.

mail-budget-used-subject = { $instance } : l’ajustement automatique a épuisé son budget
mail-budget-used-text =
    Bonjour { $name },

    { $instance } est très sollicitée, et un conteneur de plus aurait été ajouté. Les { $budget } que l’ajustement automatique peut ajouter au coût de ce mois n’y suffisent pas : plus rien n’est ajouté avant le mois prochain.

    Ce qui tourne continue. Si c’est trop lent, augmentez le budget ou changez le nombre à la main.
mail-budget-used-action = Voir l’ajustement automatique
mail-budget-used-note = Le budget est compté comme si chaque conteneur ajouté avait utilisé tout le temps de processeur possible : votre facture n’est donc jamais plus élevée.

mail-budget-level-subject = { $percent } % du budget de ce mois sont utilisés
mail-budget-level-text =
    Bonjour { $name },

    ce mois a coûté { $amount } jusqu’ici : { $percent } % de votre budget de { $budget }, hors TVA. Si tout continue ainsi, le mois reviendra à { $forecast }.

    Cela ne change rien au fonctionnement.
mail-budget-level-action = Voir le budget
mail-budget-level-note = Sur la même page, vous pouvez changer le budget ou laisser des instances se reposer quand il est atteint.

mail-budget-forecast-subject = Ce mois coûtera sans doute plus que votre budget
mail-budget-forecast-text =
    Bonjour { $name },

    si tout continue ainsi, ce mois reviendra à { $forecast }, hors TVA. Votre budget est de { $budget } ; { $amount } en sont utilisés jusqu’ici.

    C’est une estimation, pas une facturation.
mail-budget-forecast-action = Voir le budget
mail-budget-forecast-note = La page du mois montre ce que coûte chaque instance.

mail-budget-cap-subject = Le budget est atteint : les instances de développement et de test se reposent
mail-budget-cap-text =
    Bonjour { $name },

    ce mois a coûté { $amount }, hors TVA, et votre budget de { $budget } est atteint. Comme vous l’avez voulu, les instances de développement et de test se reposent désormais. La production continue.

    Elles reviennent le { $until }, ou dès que vous relevez le budget ou le retirez. Aucune donnée n’est supprimée.
mail-budget-cap-action = Voir le budget
mail-budget-cap-note = Ce qui se repose coûte toujours son prix mensuel ; ses données sont conservées et comptées.

mail-budget-cap-all-subject = Le budget est atteint : toutes les instances se reposent, la production aussi
mail-budget-cap-all-text =
    Bonjour { $name },

    ce mois a coûté { $amount }, hors TVA, et votre budget de { $budget } est atteint. Comme vous l’avez voulu, toutes les instances se reposent désormais, la production aussi : personne ne peut y travailler, et les visiteurs lisent qu’elles sont suspendues.

    Elles reviennent le { $until }, ou dès que vous relevez le budget ou le retirez. Aucune donnée n’est supprimée.
mail-budget-cap-all-action = Voir le budget
mail-budget-cap-all-note = Ce qui se repose coûte toujours son prix mensuel ; ses données sont conservées et comptées.

trial-line = { $instance } ({ $plan }) à { $price } par mois
trial-more = { $count ->
    [one] et une autre
   *[other] et { $count } autres
}

mail-trial-ending-subject = Votre essai prend fin le { $date }
mail-trial-ending-text =
    Bonjour { $name },

    jusqu’au { $date }, vous ne payez rien. Ensuite sont facturées, à la seconde près : { $lines }. Au total { $total } par mois, hors TVA ; l’usage au-delà de ce que les offres comprennent s’y ajoute.

    Supprimez avant cette date ce que vous ne voulez pas garder. Ce qui a été utilisé pendant l’essai n’est jamais facturé.
mail-trial-ending-action = Voir ce que cela coûte
mail-trial-ending-note = La première facture vient quand le mois est fini.

mail-trial-ended-subject = Votre essai est terminé : ce qui est facturé désormais
mail-trial-ended-text =
    Bonjour { $name },

    votre essai a pris fin le { $date }. Depuis sont facturées, à la seconde près : { $lines }. Au total { $total } par mois, hors TVA ; l’usage au-delà de ce que les offres comprennent s’y ajoute.

    Ce qui a été utilisé avant n’est pas facturé.
mail-trial-ended-action = Voir ce que cela coûte
mail-trial-ended-note = La première facture vient quand le mois est fini. Ce que vous supprimez n’est plus facturé.

mail-plan-moves-subject = Nouveaux prix de la formule { $plan } à partir du { $date }
mail-plan-moves-text =
    Bonjour { $name },

    à partir du { $date }, la formule { $plan } a de nouveaux prix. Voici ce que vous avez sur cette formule : { $instances }. Pour chacune, le prix de base est de { $before } par mois jusque-là et de { $after } par mois ensuite, hors TVA.

    { $usage }

    Vous n’avez rien à faire. Si vous ne le souhaitez pas, choisissez une autre formule ou supprimez l’instance avant ce jour.
mail-plan-moves-action = Voir mes instances
mail-plan-moves-note = Rien ne change avant le { $date }. Si la nouvelle version a d’autres limites, elles et ses prix commencent dès qu’elles sont en vigueur.

plan-moves-line = { $meter } : jusqu’ici { $before } ; ensuite { $after }.
plan-moves-same-usage = Ce qui est inclus et le prix de ce qui dépasse restent les mêmes.
plan-moves-unlimited = inclus sans limite

mail-plan-stays-subject = Les prix de la formule { $plan } restent les mêmes
mail-plan-stays-text =
    Bonjour { $name },

    nous vous avions écrit que la formule { $plan } aurait de nouveaux prix. C’est retiré : vos instances gardent leur version, à ses prix.

    Vous n’avez rien à faire.
mail-plan-stays-action = Voir mes instances
mail-plan-stays-note = Si cela change un jour, nous vous prévenons au moins 30 jours avant.

mail-credit-ending-subject = { $amount } de votre crédit expirent le { $date }
mail-credit-ending-text =
    Bonjour { $name },

    du crédit que nous vous avons offert, il reste { $amount }. Jusqu’au { $date }, ils paient vos factures d’eux-mêmes ; ce qui reste alors est perdu.

    Ce que vous avez payé vous-même n’expire jamais.
mail-credit-ending-action = Voir votre crédit
mail-credit-ending-note = Vous n’avez rien à faire.

mail-credit-ended-subject = { $amount } de votre crédit ont expiré
mail-credit-ended-text =
    Bonjour { $name },

    un crédit que nous vous avons offert était utilisable jusqu’au { $date }. Il en restait { $amount }, qui ont expiré.

    Ce qu’il a payé reste payé, et ce que vous avez payé vous-même n’expire jamais.
mail-credit-ended-action = Voir votre crédit
mail-credit-ended-note = Vous n’avez rien à faire.

mail-domain-lost-subject = { $domain } ne mène plus à { $instance }
mail-domain-lost-text =
    Bonjour { $name },

    plus rien dans le DNS de { $domain } ne montre qu’il est à vous : nous avons regardé plusieurs fois sans trouver ni l’enregistrement CNAME ni l’enregistrement TXT. Pour que personne ne voie ce qui ne lui est pas destiné, le domaine ne mène plus à { $instance }. L’instance elle-même fonctionne, à sa propre adresse.

    Si le domaine est toujours à vous, recréez l’un des deux enregistrements. Le domaine revient de lui-même en quelques minutes.
mail-domain-lost-action = Voir les enregistrements
mail-domain-lost-note = Si vous avez abandonné ce domaine, vous n’avez rien à faire. Vous pouvez le retirer sur la même page.

mail-overdue-subject = La facture { $number } est en retard
mail-overdue-text =
    Bonjour { $name },

    la facture { $number } est arrivée à échéance. { $amount } sont en retard.

    { $next } Si vous payez avant, rien ne se passe.
mail-overdue-action = Voir et payer
mail-overdue-note = Si vous avez payé ces derniers jours, merci : un virement met du temps à arriver, et vous n’avez rien à faire.

mail-restricted-subject = La facture { $number } n’est pas réglée : { $done }
mail-restricted-text =
    Bonjour { $name },

    la facture { $number } n’est pas réglée ; { $amount } sont en retard. Comme annoncé, désormais { $done }.

    { $next } Dès le règlement, tout repart aussitôt. Aucune donnée n’est supprimée.
mail-restricted-action = Voir et payer
mail-restricted-note = Si vous avez payé ces derniers jours, ou s’il vous faut du temps, répondez à ce message.

mail-details-missing-subject = Il nous faut votre adresse pour une facture
mail-details-missing-text =
    Bonjour { $name },

    une facture de { $amount } hors taxes ne peut pas être établie, car une mention obligatoire manque : votre adresse postale, avant tout.

    { $next } Dès que les coordonnées sont complètes, la facture arrive d’elle-même.
mail-details-missing-action = Compléter les coordonnées
mail-details-missing-note = Si vous ne pouvez plus vous connecter, répondez à ce message en indiquant l’adresse.

mail-details-restricted-subject = Il manque toujours une adresse à votre facture : { $done }
mail-details-restricted-text =
    Bonjour { $name },

    une facture de { $amount } hors taxes ne peut pas être établie sans votre adresse postale. Comme annoncé, désormais { $done }.

    { $next } Dès que les coordonnées sont complètes, tout repart aussitôt. Aucune donnée n’est supprimée.
mail-details-restricted-action = Compléter les coordonnées
mail-details-restricted-note = S’il vous faut du temps, répondez à ce message.

mail-invoice-due-subject = Facture { $number } : { $open } à régler avant le { $due }
mail-invoice-due-text =
    Bonjour { $name },

    votre facture { $number } de { $gross } est prête. { $open } sont à régler avant le { $due }.

    Sur sa page vous pouvez la télécharger en PDF et en facture électronique, voir de quoi chaque ligne est faite, et comment payer.
mail-invoice-due-action = Voir la facture
mail-invoice-due-note = Si une carte est enregistrée, elle est débitée d’elle-même et vous n’avez rien à faire.

mail-invoice-settled-subject = Facture { $number } : rien à régler
mail-invoice-settled-text =
    Bonjour { $name },

    votre facture { $number } de { $gross } est prête. Votre crédit l’a réglée en entier : il reste { $open }, et rien n’est dû au { $due }.
mail-invoice-settled-action = Voir la facture
mail-invoice-settled-note = Sur sa page vous pouvez la télécharger et voir de quoi chaque ligne est faite.

mail-credit-note-subject = Avoir { $number } : { $gross } en votre faveur
mail-credit-note-text =
    Bonjour { $name },

    nous avons émis l’avoir { $number } de { $gross } le { $due }. Il règle ce qui est dû sur vos factures ; ce qui reste ({ $open }) règle les suivantes.
mail-credit-note-action = Voir l’avoir
mail-credit-note-note = Vous n’avez rien à faire.

mail-card-asks-subject = Facture { $number } : votre banque vous demande de confirmer
mail-card-asks-text =
    Bonjour { $name },

    nous avons voulu débiter { $open } de votre carte enregistrée pour la facture { $number }. Sa banque veut que vous confirmiez vous-même ce paiement : rien n’a été débité.

    Ouvrez la facture et payez-la sur sa page : votre banque vous demandera un code ou une confirmation, et c’est tout.
mail-card-asks-action = Confirmer et payer
mail-card-asks-note = Vous pouvez aussi payer par virement : les coordonnées sont sur la même page.

mail-card-refused-subject = Facture { $number } : votre carte a été refusée
mail-card-refused-text =
    Bonjour { $name },

    nous avons voulu débiter { $open } de votre carte enregistrée pour la facture { $number }, et sa banque a refusé. Rien n’a été débité. { $next }

    Vous pouvez payer dès maintenant avec cette carte ou une autre.
mail-card-refused-action = Voir et payer
mail-card-refused-note = Vous pouvez aussi payer par virement : les coordonnées sont sur la même page.
