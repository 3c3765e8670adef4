# Les instances : liste, une instance, journal, graphiques.
instances-title = Instances
instances-new = Nouvelle instance
instances-new-first = Créer ma première instance
instances-empty-title = Aucune instance pour l’instant
instances-empty-text = Une instance, c’est votre propre Odoo, à votre propre adresse. Trois écrans et quelques secondes suffisent.
instances-find = Nom ou adresse
instances-filter-label = État
instances-filter-all = Tous les états
instances-filter-running = En marche
instances-filter-working = En changement
instances-filter-sleeping = En veille
instances-filter-stopped = Arrêtée
instances-filter-warning = À surveiller
instances-filter-failed = En panne
instances-filter-show = Afficher
instances-none-title = Aucun résultat
instances-none-text = Aucune instance ne correspond à votre recherche.
instances-show-all = Tout afficher
instances-name = Nom
instances-state = État
instances-plan = Formule
instances-cost-month = Ce mois-ci
instances-count = { $count ->
    [one] { $count } instance
   *[other] { $count } instances
}
instances-list-separator = {", "}
instances-maintenance = En maintenance depuis { $when }
instances-maintenance-text = Les visiteurs lisent qu’Odoo est en maintenance ; rien n’est perdu. Nous le rouvrons dès que le travail est terminé.
instances-queued = Nos machines n’acceptent pas de changements en ce moment. Ce qui tourne continue ; vos changements sont en attente et suivront d’eux-mêmes.
instances-parts = Rubriques de cette instance
instances-tab-overview = Aperçu
instances-tab-usage = Consommation
instances-tab-logs = Journal
instances-open = Ouvrir Odoo
instances-start = Démarrer
instances-stop = Arrêter
instances-restart = Redémarrer
instances-wake = Réveiller maintenant
instances-rename = Renommer ou changer d’adresse
instances-delete = Supprimer cette instance
instances-steps = Étapes
instances-making-text = Cette page suit chaque étape toute seule. Vous pouvez la fermer et revenir.
instances-making-text-usual = Cette page suit chaque étape toute seule. Il faut d’habitude { $usual }. Vous pouvez la fermer et revenir.
instances-failure-next = Nous sommes prévenus et réessayons sans relâche. Rien n’est perdu et vous n’avez rien à faire. Si cela dure, écrivez-nous.
instances-failure-number = Numéro à rappeler :
instances-events = Ce qui s’est passé
instances-details = Détails
instances-address = Adresse
instances-admin = Utilisateur Odoo
instances-created = Commandée
instances-number = Numéro
instances-cost = Coût à ce jour
instances-cost-since = depuis le { $from }
instances-cost-monthly = { $price } par mois, répartis à la seconde. La consommation au-delà de l’inclus s’y ajoute.
instances-danger = Zone sensible
instances-danger-text = La suppression arrête l’instance aussitôt. Vous pouvez revenir en arrière pendant sept jours.
instances-undo = Garder cette instance
instances-undo-text = D’ici là, un clic la ramène avec tout ce qu’elle contient.
instances-renamed = Enregistré. Une nouvelle adresse fonctionne en quelques secondes.
instances-refused-suspended = L’instance est suspendue : elle ne peut pas démarrer pour le moment.
instances-refused-deleting = L’instance est en cours de suppression. Annulez d’abord la suppression.
instances-refused-stopped = L’instance est arrêtée. Démarrez-la plutôt.
instances-open-not-running = Odoo n’est pas en marche en ce moment : impossible de l’ouvrir.
instances-opening-title = Ouverture de votre Odoo
instances-opening-text = Connexion en cours. Si rien ne se passe, utilisez le bouton.
instances-opening-go = Aller à Odoo
instances-rename-title = Renommer ou changer d’adresse
instances-rename-lead = Le nom est pour vous et vos collègues. L’adresse est ce que tout le monde saisit.
instances-rename-hint = L’ancienne adresse cesse aussitôt de fonctionner et vous reste réservée pendant 30 jours.
instances-rename-do = Enregistrer
instances-delete-title = Supprimer l’instance
instances-delete-lead = Lisez ce qui sera perdu avant de continuer.
instances-delete-what = Supprimer { $name } ?
instances-delete-type = Saisissez { $name } pour confirmer
instances-delete-do = Supprimer cette instance
instances-delete-keep = La garder
instances-delete-wrong-name = Ce n’est pas le bon nom. Rien n’a été supprimé.
instances-dies-database = La base de données et tout son contenu, documents compris
instances-dies-users = Tous ses utilisateurs : plus personne ne pourra se connecter
instances-dies-address = L’adresse { $host } : elle cesse aussitôt de fonctionner et repose 30 jours
instances-dies-until = Vous pouvez revenir en arrière jusqu’au { $until }. Ensuite, plus personne ne le peut.
instances-deletion-asked = L’instance est arrêtée et sera supprimée dans sept jours.
instances-deletion-undone = Conservée. Elle est comme avant.
instances-deletion-too-late = Trop tard : les sept jours sont passés.
instances-name-free = { $host } est libre.
instances-name-taken = { $host } est déjà pris. Choisissez un autre nom.
instances-name-taken-just-now = Quelqu’un vient de prendre ce nom. Choisissez-en un autre ; tout le reste est conservé.
instances-name-empty = Choisissez un nom pour l’adresse.
instances-name-short = Le nom doit avoir au moins 3 caractères.
instances-name-long = Le nom peut avoir 40 caractères au plus.
instances-name-letters = Une adresse ne peut contenir que des lettres de a à z sans accent, des chiffres et des tirets.
instances-name-hyphen = Un tiret ne peut être ni au début, ni à la fin, ni à côté d’un autre.
instances-name-reserved = Ce nom est réservé. Choisissez-en un autre.

kind-development = Développement
kind-test = Test
kind-production = Production

logs-lead = Ce qu’Odoo écrit, au moment où il l’écrit. Les nouvelles lignes apparaissent toutes seules.
logs-label = Journal de { $name }
logs-find = Mots du journal
logs-find-do = Chercher
logs-all = Tout afficher
logs-empty = Rien pour l’instant. Les nouvelles lignes apparaissent ici un instant après leur écriture.
logs-none = Aucune ligne ne contient ces mots.
logs-several = Chaque ligne commence par le conteneur qui l’a écrite : [1] est le premier, les autres suivent. [new] et [old] sont ceux d’une mise à jour : le nouveau et l’ancien.

usage-lead = Mesuré chaque minute. Chaque graphique a son tableau en dessous.
usage-period = Période
usage-period-1h = 1 heure
usage-period-24h = 24 heures
usage-period-7d = 7 jours
usage-period-30d = 30 jours
usage-cpu = Processeur
usage-memory = Mémoire
usage-database = Base de données
usage-requests = Requêtes par minute
usage-egress = Trafic par minute
usage-users =
    { $count ->
        [0] Personne n’a utilisé cet Odoo ces 30 derniers jours. Seuls les utilisateurs internes comptent.
        [one] Une personne a utilisé cet Odoo ces 30 derniers jours. Seuls les utilisateurs internes comptent.
       *[other] { $count } personnes ont utilisé cet Odoo ces 30 derniers jours. Seuls les utilisateurs internes comptent.
    }
usage-cores = { $value } CPU

cost-base = Prix de base à ce jour
cost-used = { $used } utilisés, { $included } inclus à ce jour

instances-plan-change = Changer de formule
instances-plan-title = Autre formule
instances-plan-lead = Plus ou moins de puissance pour cette instance. Elle reste en marche pendant que ses nouvelles limites sont mises en place.
instances-plan-now = Actuellement : { $plan }, { $price } par mois.
instances-plan-own = La vôtre aujourd’hui
instances-plan-coming = À partir du { $date }, elle passe à la nouvelle version de sa formule, à { $price } par mois. Vous en avez été prévenu par courriel.
instances-plan-choose = Choisissez une formule
instances-plan-do = Passer à cette formule
instances-plan-note = Le nouveau prix compte à partir de la mise en place des nouvelles limites, réparti à la seconde. D’ici là, et en cas d’échec, rien ne change.
instances-plan-asked = Le changement a commencé. Il prend environ une minute et n’interrompt personne.
instances-plan-same = L’instance a déjà cette formule.
instances-plan-not-offered = Cette formule n’est plus vendue à ce prix. Veuillez consulter à nouveau les prix.
instances-plan-under-way = Un autre changement de cette instance est en cours. Veuillez attendre qu’il se termine.
instances-plan-no-room = Aucune machine n’a de place pour cette formule en ce moment. Rien n’a été changé. Réessayez plus tard ou écrivez-nous.
instances-plan-being-made = L’instance est encore en création. Veuillez attendre qu’elle soit en marche.
