# The customer's own pages.
nav-instances = Instances
nav-pricing = Prices
nav-account = Account
nav-security = Sign-in and security
