# Les pages publiques : accueil et tarifs.
public-description = Votre propre Odoo, prêt en quelques secondes à votre adresse, avec développement, test et production, mesuré à la minute.
public-foot = Hébergement Odoo en français, en arabe et en anglais
public-nav-how = Comment ça marche
public-nav-prices = Tarifs
public-nav-open = Mes Odoo
public-start = Créer mon Odoo

public-home-title = Hébergement Odoo, prêt en quelques secondes
public-home-hero = Votre Odoo, prêt en quelques secondes.
public-home-lead = Choisissez un nom, vos applications, et connectez-vous à votre propre Odoo 19. Nous le faisons tourner et le mesurons à la minute. Vous, vous dirigez votre entreprise.
public-home-see-prices = Voir les tarifs
public-home-under = En français, arabe et anglais · Tarifs en euros ou en dirhams

public-preview-label = Exemple : un nouvel Odoo en préparation
public-preview-name = Atlas Textiles
public-preview-ready = En marche
public-preview-database = Base de données créée
public-preview-odoo = Odoo démarré
public-preview-address = Adresse reliée
public-preview-login = Prêt pour la connexion

public-how-title = D’un nom à un Odoo qui marche, en trois écrans
public-how-1 = Choisissez une formule
public-how-1-text = Développement, test ou production. Le prix est affiché avant de cliquer, en euros ou en dirhams.
public-how-2 = Donnez-lui un nom
public-how-2-text = Choisissez votre adresse et voyez tout de suite si elle est libre. Cochez vos applications : ventes, stock, comptabilité, site web…
public-how-3 = Ouvrez Odoo
public-how-3-text = Suivez chaque étape. Quelques secondes plus tard, un bouton vous connecte, sans mot de passe à chercher.

public-why-title = Ce que vous avez en plus d’Odoo
public-why-environments = Développement, test, production
public-why-environments-text = Trois sortes d’Odoo, chacune avec sa base, son adresse et sa formule. Essayez la mise à jour sur une copie : votre boutique reste ouverte.
public-why-metering = Une facture vérifiable
public-why-metering-text = Processeur, mémoire, base de données et trafic sont comptés, jamais estimés, et affichés heure par heure. Chaque ligne de facture renvoie aux mesures qui la justifient.
public-why-backups = Le droit de changer d’avis
public-why-backups-text = Un Odoo supprimé par erreur revient avec tout son contenu, pendant sept jours, en un clic.
public-why-survives = Un conteneur peut tomber
public-why-survives-text = Documents et sessions vivent dans la base, pas dans le conteneur. Si l’un tombe, un autre prend sa place et vos utilisateurs restent connectés.
public-why-apart = Rien qu’à vous
public-why-apart-text = Votre base, votre accès à cette base, votre processus. Aucun voisin ne vous voit, et aucun ne vous ralentit au-delà des limites de votre formule.
public-why-language = Dans votre langue
public-why-language-text = Le portail, les e-mails et les personnes qui répondent parlent français, arabe et anglais. Les pages se lisent de droite à gauche quand il le faut.

public-prices-title = Tarifs
public-prices-hero = Simple à choisir, exact à la minute
public-prices-lead = Un prix fixe par mois, consommation comprise, compté de la minute où vous démarrez à celle où vous arrêtez. Le dépassement est facturé au prix affiché ici.
public-prices-month = par mois
public-prices-tax = hors TVA
public-prices-in = Devise
public-prices-choose = Choisir { $plan }
public-prices-none = Les tarifs sont en préparation. Revenez dans un instant, ou écrivez-nous.
public-prices-sleeps = S’endort après { $time } sans visite, se réveille en quelques secondes
public-prices-awake = Toujours éveillé
public-prices-memory = { $size } de mémoire
public-prices-storage = { $size } de base de données
public-prices-backups = { $count ->
    [0] Pas de sauvegarde automatique
    [one] { $count } sauvegarde automatique conservée
   *[other] { $count } sauvegardes automatiques conservées
}
public-prices-beyond = Au-delà de ce qui est compris
public-prices-beyond-lead = Chaque formule comprend une consommation. Vous voyez ce que vous consommez et ce que cela coûte au fil du mois.
public-prices-what = Quoi
public-prices-then = puis { $price }

public-asked-title = Les questions qu’on nous pose
public-asked-1 = Est-ce le vrai Odoo ?
public-asked-1-answer = Oui : Odoo 19 Community, sans modification, avec un petit module pour se connecter depuis le portail. Vos modules, vos données et vos utilisateurs fonctionnent comme partout ailleurs.
public-asked-2 = Que se passe-t-il quand j’arrête un Odoo ?
public-asked-2-answer = Il ne répond plus et ne compte plus ni processeur ni mémoire. Sa base reste telle quelle, et un clic le redémarre.
public-asked-3 = Et si je le supprime par erreur ?
public-asked-3-answer = Vous avez sept jours pour le récupérer. Nous vous demandons d’abord de taper son nom, et nous vous disons exactement ce qui serait perdu.
public-asked-4 = Mes collègues peuvent-ils m’aider ?
public-asked-4-answer = Invitez-les avec un rôle : propriétaire, développeur, facturation ou membre. Chacun voit ce dont son rôle a besoin, et tout ce qui est fait est noté.
public-asked-5 = Où est-ce hébergé ?
public-asked-5-answer = Sur des machines exploitées par Sayoo. La base de chaque client est séparée, et personne ne la lit à votre insu.
public-close-title = Quand vous voulez
public-close-text = Votre Odoo peut tourner avant la première gorgée de votre café.
public-prices-containers = Jusqu’à { $count } conteneurs sur des machines différentes
public-prices-cpu = { $cores } CPU
public-meter-cpu = Temps de processeur
public-meter-cpu-included = { $value } heures-cœur
public-meter-cpu-each = { $price } l’heure-cœur
public-meter-database = Base de données
public-meter-database-included = { $value } Go tout le mois
public-meter-database-each = environ { $month } le Go par mois ({ $price } l’heure)
public-meter-egress = Trafic vers les navigateurs
public-meter-egress-included = { $value } Go
public-meter-egress-each = { $price } le Go
public-meter-requests = Requêtes
public-meter-requests-included = { $value }
public-meter-requests-each = { $price } le millier
