# Invoices and what stands on them.
invoice-line-base = { $plan }: monthly price
invoice-line-cpu = { $plan }: processor time beyond what is included
invoice-line-database = { $plan }: database beyond what is included
invoice-line-egress = { $plan }: data sent beyond what is included
invoice-line-requests = { $plan }: requests beyond what is included
invoice-line-correction = Correction of an earlier month: { $title }

vat-reason-reverse-charge = Reverse charge: the customer owes the VAT (art. 283-2 CGI, art. 196 of Directive 2006/112/EC).
vat-reason-outside-union = Service to a customer outside the European Union: not subject to French VAT (art. 259-1 CGI).
vat-reason-export = Export of services: exempt from VAT (art. 92-I-1° CGI).
