# Signing up, signing in, forgotten passwords, and the pages behind links sent by mail.
form-problems = Vérifiez encore ces points
words-empty = Veuillez remplir ce champ.
words-too-long = C’est trop long.
words-control = Ce texte contient un caractère impossible à afficher. Veuillez le saisir à nouveau.
email-invalid = Cela ne ressemble pas à une adresse e-mail. Elle devrait être de la forme nom@exemple.fr.
password-hint = Au moins 12 caractères. Quatre ou cinq mots ordinaires font un bon mot de passe ; un gestionnaire de mots de passe fait mieux encore.
password-too-short = Utilisez au moins 12 caractères.
password-too-long = Ce mot de passe dépasse 1024 octets, plus que nous ne pouvons conserver. Choisissez-en un plus court.
password-nul = Ce mot de passe contient un caractère qu’aucun clavier ne produit (NUL). Choisissez-en un autre.
password-common = C’est l’un des premiers que quelqu’un essaierait. Ajoutez un ou deux mots.
password-personal = Il est fait de vos propres noms ou du nôtre, que d’autres essaieraient d’abord. Choisissez d’autres mots.

signup-title = Créez votre compte
signup-lead = Gratuit jusqu’à la commande de votre première instance.
signup-name = Votre nom
signup-email = Adresse e-mail
signup-company = Entreprise ou organisation
signup-company-hint = Vous pourrez le modifier plus tard.
signup-password = Mot de passe
signup-action = Créer mon compte
signup-have = Vous avez déjà un compte ?

check-mail-title = Regardez votre boîte de réception
check-mail-text = Nous vous envoyons un e-mail avec un lien. Ouvrez-le et appuyez sur le bouton : vous serez prêt à commencer.
check-mail-late = Cela prend en général moins d’une minute. Si rien n’arrive, regardez dans les indésirables, ou vérifiez l’adresse en vous inscrivant à nouveau.

login-title = Connexion
login-action = Se connecter
login-wrong = L’adresse e-mail ou le mot de passe n’est pas correct. Vérifiez les deux.
login-lapsed = Votre session est terminée. Reconnectez-vous pour reprendre là où vous en étiez.
login-resumed = Votre session était terminée : rien n’a été envoyé. Ce que vous aviez saisi est toujours là ; vérifiez et continuez.
login-forgot = Mot de passe oublié ?
login-new = Nouveau ici ?
login-sign-up = Créer un compte
logout-done = Vous êtes déconnecté.

verify-title = Confirmez votre adresse
verify-text = { $email } est-elle bien votre adresse e-mail ? Appuyez sur le bouton pour confirmer.
verify-action = Oui, c’est mon adresse
verify-welcome = Votre adresse est confirmée. Bienvenue !
verify-done = Votre adresse est confirmée.
verify-done-login = Votre adresse est confirmée. Connectez-vous maintenant avec votre mot de passe.
verify-resent = Nous envoyons un nouvel e-mail à { $email }.
unverified-title = Confirmez votre adresse e-mail
unverified-text = Vous pouvez déjà tout regarder, mais avant votre première instance nous devons savoir que nos e-mails vous parviennent. Appuyez sur le bouton dans l’e-mail que nous vous avons envoyé.
unverified-action = Renvoyer l’e-mail

forgot-title = Mot de passe oublié ?
forgot-lead = Indiquez votre adresse e-mail. Si un compte y est associé, nous vous envoyons un lien pour choisir un nouveau mot de passe.
forgot-action = M’envoyer le lien
forgot-sent = Si un compte existe avec cette adresse, un e-mail avec un lien est en route. Il fonctionne pendant une heure.
reset-title = Choisissez un nouveau mot de passe
reset-password = Nouveau mot de passe
reset-action = Enregistrer le nouveau mot de passe
reset-done = Votre nouveau mot de passe est enregistré et tous les navigateurs ont été déconnectés. Connectez-vous maintenant.

confirm-email-title = Confirmez votre nouvelle adresse
confirm-email-text = Désormais, vous vous connecterez avec { $email }.
confirm-email-action = Utiliser cette adresse
confirm-email-done = Votre nouvelle adresse e-mail est en service.
undo-email-title = Annuler la modification ?
undo-email-text = Votre ancienne adresse e-mail sera rétablie et tous les navigateurs seront déconnectés.
undo-email-action = Annuler la modification
undo-email-done = La modification est annulée et tous les navigateurs ont été déconnectés. Choisissez maintenant un nouveau mot de passe : quelqu’un d’autre connaît peut-être l’ancien.

link-gone-title = Ce lien ne fonctionne plus
link-gone-text = Il a déjà servi, il est trop ancien, ou un plus récent a été envoyé. Rien n’a été modifié.
link-gone-login = Aller à la page de connexion
link-gone-forgot = Demander un nouveau lien
link-gone-security = Aller à Connexion et sécurité

dev-mails-title = E-mails interceptés
dev-mails-lead = Aucun serveur de messagerie n’est configuré : les e-mails sont gardés ici au lieu d’être envoyés. Cette page n’existe qu’en développement.
dev-mails-hint = Ceci est une machine de développement : les e-mails ne partent pas.
dev-mails-none = Aucun e-mail pour l’instant.
