# Pages de l'équipe de l'hébergeur.
staff-title = Équipe
staff-nav-home = Vue d’ensemble
staff-nav-accounts = Clients
staff-nav-instances = Instances
staff-nav-hosts = Machines
staff-nav-plans = Formules
staff-nav-queue = File de travail
staff-nav-usage = Consommation
staff-nav-audit = Journal d’audit
staff-nav-money = Finances

staff-login-title = Connexion de l’équipe
staff-login-lead = Pour les personnes qui travaillent ici. Les clients se connectent ailleurs.
staff-login-customers = Connexion client
staff-email = Adresse e-mail
staff-password = Mot de passe
staff-login-submit = Continuer
staff-login-wrong = L’adresse et le mot de passe ne correspondent pas. Vérifiez les deux et réessayez.
staff-login-throttled = Trop d’essais. Attendez { $minutes ->
    [one] une minute
   *[other] { $minutes } minutes
 } puis réessayez.
staff-logout = Se déconnecter

staff-code-title = Second facteur
staff-code-lead = Saisissez les six chiffres de votre application d’authentification, ou l’un de vos codes de secours.
staff-code = Code
staff-code-submit = Se connecter
staff-code-wrong = Ce code est faux, trop ancien ou déjà utilisé. Attendez le suivant et réessayez.

staff-enrol-title = Mettre en place le second facteur
staff-enrol-lead = Scannez cette image avec une application d’authentification (Aegis, FreeOTP, 1Password…). Chaque connexion demandera son code.
staff-enrol-typed = Pas d’appareil photo ? Saisissez cette clé dans l’application :
staff-enrol-submit = Terminer
staff-qr-label = Image contenant la clé pour l’application d’authentification
staff-recovery-title = Vos codes de secours
staff-recovery-lead = Chacun permet une connexion si vous perdez l’application. Ils ne sont montrés que maintenant : imprimez-les ou gardez-les dans un gestionnaire de mots de passe.
staff-recovery-done = Je les ai conservés

staff-join-title = Rejoindre l’équipe
staff-join-lead = Ce lien fonctionne une seule fois. Choisissez comment vous connecter ; le second facteur vient ensuite.
staff-join-submit = Rejoindre
staff-join-spent = Ce lien a été utilisé ou est trop ancien. Demandez-en un nouveau à un collègue, ou lancez « sayoo staff first-link » sur la machine si personne n’a encore rejoint l’équipe.
staff-join-email-taken = Une personne de l’équipe a déjà cette adresse.
staff-join-name-missing = Saisissez votre nom.
staff-name = Votre nom

staff-home-title = Vue d’ensemble
staff-home-running = Instances en marche
staff-home-of = sur { $total }
staff-home-accounts = Clients
staff-home-new = { $count ->
    [0] aucun nouveau cette semaine
    [one] un nouveau cette semaine
   *[other] { $count } nouveaux cette semaine
 }
staff-home-failing = En difficulté
staff-home-failing-none = tout va bien
staff-home-failing-look = voir la file de travail
staff-home-spares = Réserves prêtes
staff-home-spares-detail = pour les prochaines commandes
staff-home-suspended = Suspensions
staff-home-mails = Travaux abandonnés
staff-home-invite = Inviter un collègue
staff-home-invited = Le lien pour votre collègue (une seule utilisation, pendant 24 heures) :
staff-home-hosts = Machines
staff-home-latest = Dernières instances

staff-accounts-title = Clients
staff-accounts-none = Aucun client ne correspond.
staff-accounts-none-text = Essayez une autre partie du nom ou de l’adresse e-mail.
staff-filter = Filtrer
staff-filter-show = Afficher
staff-filter-hint = Nom, e-mail, adresse ou numéro
staff-all-states = Tous les états
staff-col-customer = Client
staff-col-owner = Propriétaire
staff-col-instances = Instances
staff-col-since = Depuis
staff-col-country = Pays
staff-col-state = État
staff-col-instance = Instance
staff-col-plan = Formule
staff-col-host = Machine
staff-col-runtime = Exécution
staff-col-reason = Motif
staff-col-by = Par
staff-col-when = Quand
staff-col-what = Quoi
staff-col-who = Qui
staff-col-tries = Essais
staff-col-next = Prochain essai
staff-col-error = Dernière erreur
staff-col-role = Rôle
staff-col-seen = Vu la dernière fois
staff-col-name = Nom
staff-col-version = Version
staff-col-prices = Par mois
staff-col-limits = Limites
staff-number = Numéro

staff-account-active = Actif
staff-account-closing = En fermeture
staff-account-closed = Fermé
staff-account-suspended = Suspendu
staff-account-members = Membres
staff-account-unverified = e-mail non vérifié
staff-account-never = pas récemment
staff-account-history = Historique
staff-account-suspensions = Suspensions
staff-account-no-instances = Ce client n’a pas encore d’instance.

staff-suspend = Suspendre
staff-suspend-account-title = Suspendre { $name } ?
staff-suspend-account-text = Toutes les instances de ce client s’arrêtent et affichent une page qui le dit. Aucune donnée n’est touchée. Le client lit votre motif.
staff-suspend-instance-text = En une seconde, le public voit une page qui le dit, les téléchargements et les connexions en cours se terminent, puis l’instance s’arrête. Aucune donnée n’est touchée. Le client lit votre motif.
staff-suspended-because = Suspendu : { $reason }
staff-resume = Reprendre
staff-resume-lead = Ce qui tournait reprend. Le motif est gardé dans le journal d’audit.
staff-reason = Motif
staff-reason-hint = De 3 à 1 000 caractères. Le client le lit.
staff-reason-needed = Donnez un motif de 3 à 1 000 caractères.
staff-already-so = Rien n’a changé : c’est déjà dans cet état.
staff-suspended-done = Suspendu. L’effet est visible en quelques secondes.
staff-resumed-done = Repris. L’effet est visible en quelques secondes.
staff-suspension-in-force = en vigueur
staff-suspension-lifted = levée : { $reason }
staff-whole-account = tout le compte

staff-instances-title = Instances
staff-instances-none = Aucune instance ne correspond.
staff-instances-none-text = Essayez une autre partie du nom, de l’adresse ou du code d’exécution.
staff-instance-wanted = Souhaité
staff-instance-shortage = Conteneurs qui manquent
staff-instance-address = Adresse
staff-instance-maintenance = Fermée pour maintenance depuis le
staff-instance-purge = Données supprimées le
staff-instance-audit = Journal d’audit
staff-wanted-running = en marche
staff-wanted-stopped = arrêtée
staff-wanted-deleted = supprimée

staff-hosts-title = Machines
staff-hosts-lead = Ce qui est promis aux exécutions, sur ce qui peut l’être. La mémoire n’est jamais promise deux fois.
staff-hosts-none = Aucune machine pour l’instant.
staff-hosts-none-text = Lancez « sayoo setup » sur cette machine : il l’enregistre.
staff-host-memory = Mémoire promise
staff-host-cpu = Processeur promis
staff-host-active = En service
staff-host-cordoned = Ne reçoit plus rien de nouveau
staff-host-down = Injoignable
staff-host-runtimes = { $count ->
    [0] aucune exécution
    [one] une exécution
   *[other] { $count } exécutions
 }
staff-host-spares = { $count ->
    [0] aucune en réserve
    [one] dont une en réserve
   *[other] dont { $count } en réserve
 }
staff-host-seen = Vue { $when }
staff-host-never = jamais vue
staff-host-joining = Arrive
staff-host-leaving = Part
staff-host-emptying = En cours de vidage
staff-host-empty = Vide
staff-host-in-zone = Zone { $zone }
staff-host-pool-any = Pour tout
staff-host-pool-production = Pour la production seulement
staff-host-pool-test = Pour le développement et les tests seulement
staff-host-seconds = { $seconds } s
staff-headroom-enough = Si { $host } est perdue, chacune de ses instances trouve place ailleurs ; { $spare } de mémoire restent libres.
staff-headroom-short = Si { $host } est perdue, { $count ->
    [one] une instance ne trouve
   *[other] { $count } instances ne trouvent
 } plus de place ailleurs : ajoutez une machine.
staff-host-add = Ajouter une machine
staff-host-add-lead = La machine est examinée, admise dans le Swarm et utilisée aussitôt.
staff-host-add-before = La machine a besoin de Docker et des certificats que fait cette commande : copiez ses fichiers dans /etc/docker sur la machine et redémarrez Docker.
staff-host-added = Le worker examine la machine. Cette page montre ce qu’il trouve.
staff-host-address = Adresse
staff-host-address-hint = Sur le réseau privé, en chiffres. Docker y répond au port 2376, à nous seulement.
staff-host-name = Nom
staff-host-name-hint = Lettres minuscules, chiffres et tirets.
staff-host-zone = Zone
staff-host-zone-hint = Ce qui tombe avec elle : une baie, une salle.
staff-host-pool = Ce qui y est placé
staff-host-pool-hint = La production va sur les machines qui lui sont réservées, le reste sur les autres ; les machines ouvertes à tout ne servent que si celles-là sont pleines.
staff-host-bad-address = Il faut une adresse IP, par exemple 10.0.0.2.
staff-host-bad-name = Les noms et les zones ont au plus 40 lettres minuscules, chiffres et tirets.
staff-host-taken = Une autre machine a ce nom ou cette adresse.
staff-host-gone = Cette machine n’existe plus.
staff-host-no-room = { $count ->
    [one] Une instance ne trouverait pas de place ailleurs : ajoutez d’abord une machine.
   *[other] { $count } instances ne trouveraient pas de place ailleurs : ajoutez d’abord une machine.
 }
staff-host-not-empty = { $count ->
    [one] Une instance est encore ici : videz d’abord la machine.
   *[other] { $count } instances sont encore ici : videz d’abord la machine.
 }
staff-manager-silent = Le gestionnaire ne répond plus depuis { $since }. Les changements sont en attente ; ce qui tourne continue.
staff-host-manager = Le worker donne ses ordres à cette machine : elle ne peut pas partir.
staff-host-daemon = Docker
staff-host-node = Nœud du Swarm
staff-host-last = Dernier signe de vie
staff-host-acts = Que faire
staff-host-cordon = Ne plus rien recevoir
staff-host-cordon-lead = Ce qui est ici reste et continue ; les nouvelles instances vont ailleurs.
staff-host-cordon-done = La machine ne reçoit plus rien de nouveau.
staff-host-uncordon = Remettre en service
staff-host-uncordon-lead = De nouvelles instances peuvent être placées ici. Ce qui est parti reste où il est.
staff-host-uncordon-done = La machine est de nouveau en service.
staff-host-drain = Vider la machine
staff-host-drain-lead = Chaque instance démarre d’abord ailleurs ; ses visiteurs suivent quand elle y répond. Trois partent à la fois.
staff-host-drain-look = Voir qui partirait
staff-host-drain-done = La machine est en cours de vidage.
staff-host-cancel = Arrêter de vider
staff-host-cancel-lead = Ce qui est en route arrive ; le reste demeure. La machine ne reçoit plus rien de nouveau.
staff-host-cancel-done = Plus rien ne part.
staff-host-remove = Retirer la machine
staff-host-remove-lead = Une machine vide quitte le Swarm et est oubliée.
staff-host-remove-done = La machine quitte le Swarm.
staff-host-settings = Réglages
staff-host-settings-title = Réglages de { $host }
staff-host-settings-lead = La zone, l’usage, ce qui peut être promis, et l’adresse. Ce qui est ici y reste ; ce qui arrive est placé selon eux.
staff-host-settings-look = Les changer
staff-host-settings-save = Enregistrer
staff-host-settings-done = La machine est réglée.
staff-host-cpu-percent = Processeurs promis jusqu’à
staff-host-cpu-percent-hint = De 100 à 6400. Les instances sont le plus souvent au repos : 800 promet huit fois chaque cœur.
staff-host-memory-kept = Mémoire gardée pour la machine
staff-host-memory-kept-hint = Pour son système, Docker et les bases de données qui tournent ici. Elle n’est pas promise aux instances.
staff-host-address-wanted-hint = Une autre est reprise dès que la même machine y répond ; d’ici là on la joint où elle était.
staff-host-moving-to = Elle doit être jointe à { $address } : dès que la même machine y répondra.
staff-host-bad-percent = Il faut un nombre de 100 à 6400.
staff-host-bad-memory = Il faut un nombre, plus petit que la mémoire de la machine.
staff-host-being-emptied = Elle est en train d’être vidée et ne reçoit plus rien. Pour y mettre fin, arrêtez de la vider.
staff-drain-title = Vider { $host }
staff-drain-words = { $count ->
    [0] Rien ne doit partir.
    [one] Une instance part, en { $seconds } secondes environ.
   *[other] { $count } instances partent, en { $seconds } secondes environ.
 }
staff-drain-to = Va vers
staff-drain-nowhere = Pas de place
staff-host-lessened = { $count ->
    [one] Un conteneur s’arrêterait ou partagerait une machine avec un autre de son instance jusqu’à ce qu’il y ait de la place.
   *[other] { $count } conteneurs s’arrêteraient ou partageraient une machine avec un autre de leur instance jusqu’à ce qu’il y ait de la place.
 }
staff-drain-confirm = Je le sais : ces instances servent depuis moins de conteneurs, ou depuis deux sur une même machine, en attendant.
staff-drain-confirm-first = { $count ->
    [one] Un conteneur s’arrêterait ou partagerait une machine : confirmez-le d’abord.
   *[other] { $count } conteneurs s’arrêteraient ou partageraient une machine : confirmez-le d’abord.
 }
staff-drain-joins = à côté d’un autre de ses conteneurs
staff-drain-fewer = S’arrête ; les autres servent
staff-left-title = Encore ici, et pourquoi
staff-left-going = Les visiteurs présents terminent ce qu’ils font
staff-left-moving = Part en ce moment
staff-left-update = Une de ses mises à jour se termine d’abord
staff-left-stopping = Son client l’a arrêtée
staff-left-room = Aucune machine n’a de place pour elle
staff-left-failed = N’a pas démarré sur une autre machine ; un nouvel essai suivra
staff-left-failing = Ne fonctionne pas ici, et partira dès que possible
staff-left-starting = Démarre d’abord ici
staff-left-turn = Son tour viendra : trois partent à la fois
staff-troubles = Ennuis
staff-waiting-title = Attendent de la place
staff-trouble-room = Aucune machine n’a de place
staff-trouble-engine = Docker ne peut pas la démarrer
staff-trouble-memory = A utilisé plus de mémoire que permis
staff-trouble-move = N’a pas démarré sur une autre machine
staff-trouble-update = N’a pas démarré après une mise à jour
staff-placements = Placements
staff-placement-took = A répondu après
staff-placement-made = Nouvelle
staff-placement-started = Redémarrée
staff-placement-updated = Mise à jour
staff-placement-drained = Partie d’une machine que l’on vide
staff-placement-lost = Sa machine a été perdue
staff-placement-replicated = Un conteneur de plus
staff-checks = Contrôles
staff-checks-none = Pas encore examinée.
staff-checks-made = Examinée { $when }
staff-check-seen = Constaté
staff-check-good = Bon
staff-check-bad = Défaut
staff-check-reach = Docker répond
staff-check-version = Version
staff-check-isolation = Les instances ne peuvent pas s’atteindre
staff-check-ports = Les ports ne sont que sur l’adresse privée
staff-check-privileges = Aucun processus ne gagne de privilèges
staff-check-seccomp = Les appels système sont filtrés
staff-check-limits = Mémoire, processeur et processus peuvent être limités
staff-check-storage = Les images partagent leurs couches
staff-check-clock = L’horloge est d’accord avec la nôtre
staff-check-swarm = Swarm
staff-check-image = Image des instances
staff-check-certificate = Les certificats sont encore bons pour longtemps
staff-check-address = Elle répond à son autre adresse
staff-check-remedy-reach = La machine est-elle allumée, Docker démarré avec les fichiers de « sayoo host certs », et le port 2376 ouvert au worker ?
staff-check-remedy-version = Installez Docker 20.10 ou plus récent.
staff-check-remedy-isolation = Mettez "icc": false dans /etc/docker/daemon.json et redémarrez Docker.
staff-check-remedy-ports = Mettez l’adresse de la machine dans "ip" de /etc/docker/daemon.json et redémarrez Docker.
staff-check-remedy-privileges = Mettez "no-new-privileges": true dans /etc/docker/daemon.json et redémarrez Docker.
staff-check-remedy-seccomp = Installez un Docker avec seccomp et laissez son profil actif.
staff-check-remedy-limits = Activez les cgroups memory et pids dans la ligne de commande du noyau.
staff-check-remedy-storage = Utilisez le pilote de stockage overlay2.
staff-check-remedy-clock = Installez chrony ou systemd-timesyncd.
staff-check-remedy-swarm = Les ports 2377, 7946 et 4789 doivent être ouverts entre les machines, et la machine dans aucun autre Swarm.
staff-check-remedy-image = La machine doit atteindre le registre et lui faire confiance : ca.pem va dans /etc/docker/certs.d/ADRESSE:5000/ca.crt.
staff-check-remedy-certificate = « sayoo host certs ADRESSE » en fait un autre pour la machine : copiez ses fichiers dans /etc/docker et redémarrez Docker. Le worker renouvelle le sien ; sinon son journal dit pourquoi.
staff-check-remedy-address = La même machine doit y répondre, avec un certificat pour cette adresse, et y publier ses ports (« ip » dans daemon.json) : « sayoo host certs ADRESSE » fait les deux.
staff-probes = Essayé de l’intérieur d’une instance
staff-probes-lead = Toutes les quatre minutes, un conteneur enfermé comme l’est une instance essaie ce qu’une instance ne doit pas pouvoir faire.
staff-probes-failed = Le dernier essai n’a rien donné : { $why }
staff-probe-weak = Conseillé
staff-probe-untried = Pas essayé
staff-probe-root = Elle n’est pas root et n’a aucune capacité
staff-probe-privileges = Elle ne peut gagner de privilèges
staff-probe-seccomp = Ses appels système sont filtrés
staff-probe-files = Elle n’écrit que dans un petit /tmp en mémoire
staff-probe-processes = Ses processus sont limités
staff-probe-memory = Sa mémoire est limitée
staff-probe-swap = Elle ne reçoit pas de swap en plus
staff-probe-bombs = Ce qui prend plus que cela est arrêté
staff-probe-users = Root à l’intérieur ne serait personne à l’extérieur
staff-probe-mounts = Elle ne voit ni fichier, ni socket, ni périphérique de la machine
staff-probe-kernel = Ce que le noyau dit de la machine est caché
staff-probe-neighbours = Elle n’atteint aucune instance voisine
staff-probe-docker = Elle n’atteint aucun Docker sans certificats
staff-probe-swarm = Elle n’atteint aucun port du Swarm
staff-probe-control = Elle n’atteint ni la base de contrôle ni le port interne du portail
staff-probe-published = Elle n’atteint aucun port publié d’une autre instance
staff-probe-metadata = Elle n’atteint pas les identifiants d’une machine en nuage
staff-probe-tenants = Elle atteint le serveur de bases des clients
staff-probe-disk = Le disque des conteneurs et des images a de la place
staff-probe-database = Avec son propre compte, elle n’atteint rien d’autrui sur le serveur de bases
staff-probe-remedy-root = Utilisez une image d’instance de « docker/odoo/build » : son utilisateur est 10001.
staff-probe-remedy-privileges = Mettez "no-new-privileges": true dans /etc/docker/daemon.json et redémarrez Docker.
staff-probe-remedy-seccomp = Installez un Docker avec seccomp et laissez son profil actif.
staff-probe-remedy-files = Retirez ce qui fait monter à Docker plus que demandé ; l’image ne doit avoir besoin d’aucun volume.
staff-probe-remedy-processes = Activez le cgroup pids dans la ligne de commande du noyau.
staff-probe-remedy-memory = Activez le cgroup memory dans la ligne de commande du noyau : cgroup_enable=memory.
staff-probe-remedy-swap = Désactivez le swap de la machine : swapoff -a, et sa ligne dans /etc/fstab.
staff-probe-remedy-bombs = Activez les cgroups memory, pids et cpu sur la ligne de commande du noyau, et utilisez l’environnement d’exécution de Docker.
staff-probe-remedy-users = Mettez "userns-remap": "default" dans /etc/docker/daemon.json d’une machine encore vide, et redémarrez Docker.
staff-probe-remedy-mounts = Cherchez ce qui donne à chaque conteneur plus que Docker : /etc/docker/daemon.json et son runtime par défaut.
staff-probe-remedy-kernel = Utilisez le runtime de Docker, runc, sans « --privileged » nulle part.
staff-probe-remedy-neighbours = Mettez "icc": false dans /etc/docker/daemon.json, chargez br_netfilter (modprobe br_netfilter) et redémarrez Docker.
staff-probe-remedy-docker = Retirez « -H tcp://…:2375 » de dockerd et redémarrez-le : qui l’atteint est root sur la machine.
staff-probe-remedy-swarm = Installez les règles de la machine : « sayoo host firewall » les affiche, « firewall install » les met en place sur la machine.
staff-probe-remedy-control = Faites-les écouter sur l’adresse de bouclage, ou fermez leurs ports : iptables -I INPUT -i docker0 -p tcp --dport PORT -j DROP.
staff-probe-remedy-published = Installez les règles de la machine : « sayoo host firewall » les affiche, « firewall install » les met en place sur la machine.
staff-probe-remedy-metadata = Installez les règles de la machine : « sayoo host firewall » les affiche, « firewall install » les met en place sur la machine.
staff-probe-remedy-tenants = Le serveur est-il en marche, écoute-t-il à [tenants] host_for_containers, et le pare-feu le laisse-t-il passer ?
staff-probe-remedy-disk = Donner un plus grand disque à la machine, ou faire de la place : docker builder prune, vieux journaux. Pas docker system prune.
staff-probe-remedy-database = Sur le serveur des clients : REVOKE CONNECT ON DATABASE … FROM PUBLIC pour chaque base nommée, et aucun autre droit pour PUBLIC.

staff-plans-title = Formules
staff-plans-lead = Une version publiée ne change jamais : les clients gardent ce qu’ils ont acheté. Un nouveau prix est une nouvelle version.
staff-plans-published = Publiée
staff-plans-draft = Brouillon
staff-plans-new-version = Nouvelle version
staff-plans-publish = Publier
staff-plans-published-done = Publiée comme version { $number }. Les nouvelles commandes l’utilisent désormais.
staff-plans-published-already = Cette version est déjà publiée ; elle n’a pas changé.
staff-plans-no-version = Rien à acheter pour l’instant : créez sa première version et publiez-la.
staff-plans-new = Nouvelle formule
staff-plans-new-lead = Les prix et les limites viennent ensuite, avec sa première version. Personne ne peut l’acheter avant la publication.
staff-plans-code = Code
staff-plans-code-hint = Un mot pour les adresses et les exports : minuscules, chiffres et traits d’union. Il ne change jamais.
staff-plans-code-bad = De 2 à 31 minuscules, chiffres et traits d’union, en commençant par une lettre.
staff-plans-code-taken = Une autre formule a ce code.
staff-plans-kind = Pour
staff-plans-position = Place dans la liste
staff-plans-position-hint = 1 est la première. Les autres se décalent.
staff-plans-position-bad = Donnez une place à partir de 1.
staff-plans-name-in = Nom ({ $language })
staff-plans-create = Créer la formule
staff-plans-created-done = La formule existe. Voici sa première version.
staff-plans-move-up = Monter { $plan }
staff-plans-move-down = Descendre { $plan }
staff-plans-moved-done = Déplacée. La page des tarifs suit le nouvel ordre dès maintenant.
staff-plans-drafted-done = Le brouillon est enregistré. Relisez-le, puis publiez-le.
staff-plans-bad-number = Donnez un nombre non négatif qui convient à ce champ.
staff-plans-price = Prix en { $currency }
staff-plans-cpu = Processeur, millièmes de cœur
staff-plans-memory = Mémoire, Mio
staff-plans-storage = Base de données, Mio
staff-plans-save = Enregistrer le brouillon
staff-plans-new-version-of = { $plan } : nouvelle version
staff-plans-words = Nom et textes
staff-plans-words-of = { $plan } : nom et textes
staff-plans-words-lead = Ce que les clients lisent sur la page des tarifs. Les prix et les limites appartiennent aux versions.
staff-plans-name = Nom
staff-plans-summary = Une phrase de présentation
staff-plans-offered = De nouvelles instances peuvent être commandées
staff-plans-not-offered = Non proposée
staff-plans-name-needed = Donnez un nom à la formule dans chaque langue.
staff-plans-described-done = Enregistré. La page des tarifs l’affiche dès maintenant.
staff-plans-bad = Certains champs demandent une autre valeur ; rien n’a été enregistré.
staff-plans-group-price = Prix par mois
staff-plans-group-limits = Ce que reçoit une instance
staff-plans-group-backups = Sauvegardes conservées
staff-plans-replicas = Conteneurs au plus
staff-plans-sleep = Se met en veille après (minutes)
staff-plans-sleep-hint = Vide : jamais de mise en veille.
staff-plans-daily = Des derniers jours
staff-plans-weekly = Des dernières semaines
staff-plans-monthly = Des derniers mois
staff-plans-included = Inclus par mois
staff-plans-unit-price = Chaque unité au-delà, { $currency }

staff-queue-title = File de travail
staff-queue-lead = Ce qui n’est pas comme il le faudrait, depuis quand, pourquoi, et quand un nouvel essai aura lieu.
staff-queue-none = Tout est en ordre.
staff-queue-none-text = Rien n’attend et rien n’a échoué.
staff-queue-turns = Réconciliateurs
staff-queue-jobs = Travaux
staff-queue-retry = Essayer maintenant
staff-queue-retried = L’essai a lieu maintenant.
staff-queue-gone = Ce n’est plus dans la file.
staff-queue-working = en cours
staff-queue-failed = abandonné
staff-queue-due = en attente

staff-usage-title = Consommation
staff-usage-lead = Comptée heure par heure. Exportez-la pour la facturation ; « sayoo export usage » donne la même chose.
staff-usage-from = Du (jour)
staff-usage-to = Au (jour, non compris)
staff-usage-show = Afficher
staff-usage-csv = CSV
staff-usage-json = JSON
staff-usage-none = Aucune consommation ces jours-là.
staff-usage-none-text = Choisissez d’autres jours. La consommation apparaît quelques minutes après le démarrage d’une instance.
staff-usage-bad-period = Choisissez un premier jour avant le dernier.
staff-usage-bad-number = Ce n’est le numéro d’aucun client ni d’aucune instance.
staff-usage-too-long = Le tableau additionne { $days } jours au plus. Les fichiers contiennent tous ces jours.
staff-usage-cut = Seules les { $count } premières lignes sont affichées. Les fichiers les contiennent toutes.
staff-usage-everybody = Tous les clients
staff-usage-this-month = Ce mois-ci
staff-usage-quantity = Quantité
staff-usage-meter = Compteur
staff-usage-covered = Mesuré
staff-usage-by-hour = Par client, instance et heure :
staff-refused-title = Mis de côté
staff-refused-lead = Nombres arrivés ces jours-là qui ne peuvent pas être justes. Ils ne sont facturés à personne.
staff-refused-source = Source
staff-refused-reason = Raison
staff-refused-times = Fois
staff-refused-last = Dernier
staff-refused-went-back = un compteur a baissé sans repartir de zéro
staff-refused-negative = moins que rien
staff-refused-fenced = un conteneur plus récent avait pris la suite
staff-refused-too-late = lu plus de 35 jours avant d’arriver
staff-refused-too-early = lu dans le futur : une horloge est fausse
staff-refused-cut = Seuls les { $count } premiers sont affichés.

staff-audit-title = Journal d’audit
staff-audit-lead = Qui a fait quoi. Chaque ligne porte l’empreinte de la précédente : toute modification se voit.
staff-audit-verify = Vérifier la chaîne
staff-audit-verified = Les { $count } lignes sont telles qu’elles ont été écrites.
staff-audit-broken = Le journal a été modifié : la ligne { $seq } n’est pas telle qu’elle a été écrite.
staff-audit-all = Tout le monde
staff-audit-users = Clients
staff-audit-staff = Équipe
staff-audit-system = Le programme
staff-audit-none = Rien ne correspond.
staff-audit-none-text = Essayez un autre mot.

staff-search-title = Recherche
staff-search-for = Résultats pour « { $text } »
staff-search-none = Rien trouvé.
staff-search-none-text = La recherche porte sur les noms, adresses e-mail, sous-domaines, sociétés, codes d’exécution, machines et numéros.
staff-search-people = Personnes

staff-meter-cpu = Processeur, cœurs-heures
staff-meter-memory = Mémoire, Go-heures
staff-meter-database = Base de données, Go-heures
staff-meter-egress = Trafic sortant, Go
staff-meter-requests = Requêtes, milliers
staff-wake = Réveiller maintenant
staff-wake-done = Le réveil est en cours.
staff-wake-not-asleep = Elle n’est pas en veille.
staff-asleep-text = En veille depuis { $when }. Elle se réveille à la première requête.

staff-nav-images = Images
staff-images-title = Images
staff-images-lead = Les versions d’Odoo, et qui utilise laquelle.
staff-images-image = Image
staff-images-content = Contenu
staff-images-current = actuelle
staff-images-behind = Avec une image plus ancienne
staff-images-all-new = Tout le monde est à jour
staff-images-all-new-text = Aucune instance n’utilise une image plus ancienne que l’actuelle de sa version d’Odoo.
staff-images-how = La première est mise à jour seule. Les autres ne suivent que lorsqu’elle répond. Le premier échec met le reste en pause ; l’ancienne version continue partout de servir.
staff-images-choose = Choisir
staff-images-update = Mise à jour
staff-images-at-once = À la fois
staff-images-move-some = Mettre à jour la sélection
staff-images-move-all = Tout mettre à jour
staff-images-none-chosen = Choisissez au moins une instance.
staff-images-nothing-to-do = Aucune n’utilise une image plus ancienne, ou une mise à jour est déjà en cours.
staff-images-started = Le déploiement a commencé.
staff-rollouts = Déploiements
staff-rollout-running = En cours
staff-rollout-paused = En pause après un échec
staff-rollout-stopped = Arrêté
staff-rollout-done = Terminé
staff-rollout-progress = { $done } sur { $total }
staff-rollout-done-col = Terminées
staff-rollout-failed-col = Échecs
staff-rollout-by = Lancé par
staff-rollout-stop = Arrêter
staff-rollout-resume = Continuer
staff-rollout-stopped-now = Le déploiement est arrêté. Ce qui a commencé se termine tout seul.
staff-rollout-resumed-now = Le déploiement continue.
staff-update-waiting = En attente
staff-update-starting = Démarre
staff-update-switched = Répond ; l’ancienne se termine
staff-update-failing = En annulation
staff-update-withdrawing = Remise en attente
staff-limit-title = Demandes du public
staff-limit-limited = Refusées en 24 heures : trop de demandes par seconde
staff-limit-busy = Refusées en 24 heures : file d’attente pleine ou attente trop longue
staff-limit-field = Demandes par seconde
staff-limit-hint = De 1 à 100 000. Vide : la valeur de la configuration, commune à toutes les instances. L’effet est visible en moins d’une seconde.
staff-limit-bad = Donnez un nombre entier de 1 à 100 000, ou rien.
staff-limit-save = Enregistrer la limite
staff-limit-done = La limite est enregistrée.

# Conteneurs de l’instance d’un client.
staff-scaling-wanted = Voulus
staff-scaling-serving = En service
staff-scaling-rule = Ajustement automatique
staff-scaling-rule-on = Actif, de { $minimum } à { $maximum }
staff-scaling-rule-off = Inactif
staff-scaling-hint = Le client voit le nombre dans l’historique. Avec l’ajustement automatique, c’est dès lors le minimum.
staff-scaling-why = Pourquoi, pour le journal d’audit
staff-scaling-save = Changer le nombre
staff-scaling-done = Le nombre est changé. Le worker s’en charge.
staff-scaling-rule-lead = Telle que le client la voit. Vos changements apparaissent dans son historique ; votre motif reste dans le journal d’audit.
staff-scaling-rule-most = La formule en permet { $most } au plus.
staff-scaling-rule-done = La règle est enregistrée.
