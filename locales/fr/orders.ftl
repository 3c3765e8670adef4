# Commander une instance, en trois écrans.
order-title = Nouvelle instance
order-step = { $number } sur { $of }
order-plan-title = Choisissez une formule
order-plan-lead = Vous pouvez avoir plusieurs instances, chacune avec sa formule.
order-plan-choose = Formule
order-price-note = Compté de la minute où elle est prête à celle où vous la supprimez. La consommation au-delà de l’inclus est facturée aux prix du tarif.
order-next = Continuer
order-back = Retour
order-details-title = Nom et adresse
order-details-lead = Nous avons rempli ce que nous savons. Changez ce que vous voulez.
order-problems = Merci de revoir ces points :
order-name = Nom
order-name-hint = Comment vous et vos collègues l’appelez.
order-address = Adresse
order-address-hint = Lettres de a à z sans accent, chiffres et tirets.
order-company = Société
order-company-hint = Comme sur vos factures.
order-language = Langue d’Odoo
order-country = Pays
order-country-hint = Détermine la devise, le fuseau horaire et le plan comptable.
order-apps = Applications
order-apps-title = Choisissez les applications
order-apps-lead = Vous pourrez en installer ou en retirer dans Odoo à tout moment.
order-apps-hint = N’en choisir aucune convient aussi.
order-apps-none = Aucune choisie
order-summary = Votre commande
order-place = Commander pour { $price } par mois
order-resend = Renvoyer le lien
order-plan-missing = Choisissez une formule.
order-name-missing = Donnez-lui un nom de 100 caractères au plus.
order-company-missing = Indiquez le nom de la société, 200 caractères au plus.
order-language-missing = Choisissez une langue.
order-country-missing = Choisissez un pays.
order-refused-not-verified = Confirmez d’abord votre adresse e-mail : ouvrez le lien que nous vous avons envoyé.
order-refused-closing = Ce compte est en cours de fermeture : plus rien ne peut être commandé.
order-refused-suspended = Ce compte est suspendu : rien de nouveau ne peut être commandé. Écrivez-nous.
order-refused-quota = { $allowed ->
    [one] Ce compte peut avoir { $allowed } instance. Supprimez-en une dont vous n’avez plus besoin, ou écrivez-nous pour en avoir plus.
   *[other] Ce compte peut avoir { $allowed } instances. Supprimez-en une dont vous n’avez plus besoin, ou écrivez-nous pour en avoir plus.
}
order-refused-plan = Cette formule n’est plus vendue à ce prix. Revenez en arrière et choisissez à nouveau.
