{
    'name': "Sayoo",
    'summary': "Single sign-on from the portal, and a cheap answer to “are you ready?”",
    'version': '19.0.1.0.0',
    'author': "Sayoo",
    'license': 'LGPL-3',
    'category': 'Hidden',
    # Loaded server-wide and never installed: a tenant's database carries nothing of it that an upgrade could break.
    'depends': ['web'],
    'installable': True,
}
