# The customer's own pages.
nav-instances = Instances
nav-pricing = Tarifs
nav-account = Compte
nav-security = Connexion et sécurité
