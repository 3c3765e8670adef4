# L’état d’une instance, les étapes de sa création, ce qui lui est arrivé et pourquoi.
state-being-made = En création
state-starting = Démarrage
state-running = En marche
state-asleep = En veille
state-waking = Réveil en cours
state-stopping = Arrêt en cours
state-stopped = Arrêtée
state-suspended = Suspendue
state-failing = En panne
state-deleting = En suppression
state-deleted = Supprimée
sentence-being-made = Votre Odoo est en cours de création.
sentence-being-made-usual = Votre Odoo est en cours de création. Il faut d’habitude { $usual }.
sentence-starting = Démarrage en cours. Il faut d’habitude 2 secondes.
sentence-running = En marche depuis { $when }.
sentence-asleep = En veille depuis { $when }. Elle se réveille à la première requête et ne consomme d’ici là ni processeur ni mémoire.
sentence-waking = Réveil en cours. Il faut d’habitude 3 secondes.
sentence-stopping = Arrêt en cours. Tout son contenu est conservé.
sentence-stopped = Arrêtée depuis { $when }. Tout son contenu est conservé.
sentence-suspended = Suspendue par { $company } : { $reason }
sentence-failing = En panne depuis { $when }. { $reason }
sentence-deletion-asked = Sera supprimée : { $when }.
sentence-being-deleted = Suppression en cours.
sentence-deleted = Supprimée.

step-queued = Commande reçue
step-template = Première préparation de ce choix d’applications
step-database = Création de la base de données
step-container = Démarrage d’Odoo
step-settings = Saisie de votre société et de votre langue
step-address = Raccordement de l’adresse
step-ready = Prêt pour la connexion
step-expected = La première fois prend environ { $time } ; ensuite, quelques secondes suffisent.

event-ordered = Commandée
event-started = Démarrée
event-stopped = Arrêtée
event-restarted = Redémarrée
event-renamed = Renommée
event-relocated = Passée sur une autre machine
event-moved = Adresse changée de { $from } à { $to }
event-suspended = Suspendue
event-resumed = Suspension levée
event-deletion-asked = Suppression demandée
event-deletion-undone = Suppression annulée
event-deleted = Supprimée
event-failing = Tombée en panne
event-recovered = Fonctionne à nouveau
event-start-asked = Démarrage demandé
event-stop-asked = Arrêt demandé
event-restart-asked = Redémarrage demandé
event-asleep = Mise en veille : personne ne l’utilisait
event-woken-request = Réveillée par un visiteur
event-woken-person = Réveillée
event-woken-schedule = Réveillée : une action planifiée d’Odoo est à exécuter
event-woken-change = Réveillée pour un changement
event-wake-asked = Réveil demandé
event-scaled = { $to ->
    [one] Un conteneur au lieu de { $from }
   *[other] { $to } conteneurs au lieu de { $from }
}
event-scaling-on = Ajustement automatique activé
event-scaling-off = Ajustement automatique désactivé
event-scaling-set = Limites de l’ajustement automatique modifiées
event-scaling-budget = Le budget mensuel de l’ajustement automatique est épuisé : plus rien n’est ajouté
event-because = { $what } : { $reason }

reason-unknown = Un problème est survenu de notre côté.
reason-image-unhealthy = Odoo a démarré mais n’a pas répondu à temps.
reason-host-lost = La machine sur laquelle elle se trouvait a été perdue.
reason-no-room = Il n’y a pas de place libre sur nos machines en ce moment.
reason-engine-away = Nos machines ne répondent pas en ce moment.
reason-database-away = Le serveur de bases de données ne répond pas en ce moment.
reason-disk-full = Un de nos disques est plein.
reason-template-failed = Les applications choisies n’ont pas pu être préparées.
reason-crashing = Odoo s’arrête à nouveau peu après chaque démarrage.

event-plan-asked = Autre formule demandée
event-plan-changed = Passée à une autre formule
event-update-started = Mise à jour commencée
event-updated = Mise à jour
event-update-failed = Mise à jour annulée
reason-update-crashing = la nouvelle version s’arrêtait sans cesse ; la précédente a continué de servir
reason-update-unhealthy = la nouvelle version n’a pas répondu à temps ; la précédente a continué de servir
