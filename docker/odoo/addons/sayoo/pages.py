"""What a person reads when a login from the portal is refused."""
from markupsafe import Markup, escape

TEXTS = {
    'en': {
        'title': "This login did not work",
        'invalid': "The link is not valid for this Odoo.",
        'expired': "The link has expired: it works for one minute only.",
        'used': "The link was already used: each one opens Odoo once.",
        'no_user': "Nobody with your e-mail address may log in to this Odoo. Ask its administrator to add you, "
                   "or to make you active again.",
        'again': "Go back to the portal and press “Open Odoo” again.",
        'back': "Back to the portal",
    },
    'fr': {
        'title': "La connexion n’a pas abouti",
        'invalid': "Ce lien ne correspond pas à cet Odoo.",
        'expired': "Ce lien a expiré : il n’est valable qu’une minute.",
        'used': "Ce lien a déjà servi : chacun n’ouvre Odoo qu’une fois.",
        'no_user': "Aucun utilisateur actif de cet Odoo n’a votre adresse e-mail. Demandez à son administrateur de vous "
                   "ajouter ou de vous réactiver.",
        'again': "Revenez au portail et cliquez de nouveau sur « Ouvrir Odoo ».",
        'back': "Revenir au portail",
    },
    'ar': {
        'title': "تعذّر تسجيل الدخول",
        'invalid': "هذا الرابط غير صالح لنظام أودو هذا.",
        'expired': "انتهت صلاحية الرابط، فهو صالح لدقيقة واحدة فقط.",
        'used': "سبق استعمال هذا الرابط، فكل رابط يفتح أودو مرة واحدة.",
        'no_user': "لا يوجد في نظام أودو هذا مستخدم نشط بعنوان بريدك الإلكتروني. اطلب من مديره أن يضيفك أو يعيد تفعيل حسابك.",
        'again': "ارجع إلى البوابة واضغط على «فتح أودو» من جديد.",
        'back': "الرجوع إلى البوابة",
    },
}

PAGE = Markup("""<!doctype html>
<html lang="{lang}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --paper: #fff; --ink: #1c1d21; --soft: #575b66; --accent: #0b5c4a; --on-accent: #fff }}
@media (prefers-color-scheme: dark) {{
  :root {{ --paper: #17181c; --ink: #f2f3f5; --soft: #b3b7c2; --accent: #7fdcc2; --on-accent: #10231e }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, sans-serif }}
main {{ max-width: 34rem; padding: 2rem }}
h1 {{ font-size: 1.5rem; line-height: 1.3; margin: 0 0 1rem }}
p {{ margin: 0 0 1rem; color: var(--soft) }}
a {{ display: inline-block; margin-top: .5rem; padding: .7rem 1.1rem; border-radius: .5rem; background: var(--accent);
  color: var(--on-accent); text-decoration: none; font-weight: 600 }}
a:focus-visible {{ outline: 3px solid var(--ink); outline-offset: 3px }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{why}</p>
{again}{link}
</main>
</body>
</html>
""")


def language(wanted, accepted):
    """The page's language: what the portal said, else what the browser prefers, else English."""
    for tag in [wanted or '', *accepted]:
        short = tag[:2].lower()
        if short in TEXTS:
            return short
    return 'en'


def refusal(reason, lang, portal_url):
    """The page's HTML. `portal_url` may be empty."""
    texts = TEXTS[lang]
    link = ''
    if portal_url.startswith(('https://', 'http://')):
        link = Markup('<a href="{}">{}</a>').format(portal_url, texts['back'])
    again = '' if reason == 'no_user' else Markup('<p>{}</p>').format(texts['again'])
    return PAGE.format(
        lang=lang, direction='rtl' if lang == 'ar' else 'ltr',
        title=escape(texts['title']), why=escape(texts[reason]), again=again, link=link)
