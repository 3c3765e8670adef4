//! The Odoo applications that customers may choose: those of Odoo Community that are in every image of ours.

/// An application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App {
    /// Odoo's technical name, as it is kept in an order.
    pub module: &'static str,
    /// The key of its name in `locales/*/odoo.ftl`.
    pub name: &'static str,
    /// The key of what it is for, in one line.
    pub about: &'static str,
    /// It installs accounting, so its template must have the country's chart of accounts.
    pub needs_chart: bool,
}

const fn app(module: &'static str, name: &'static str, about: &'static str, needs_chart: bool) -> App {
    App { module, name, about, needs_chart }
}

/// All of them, in the order in which they are offered.
pub const ALL: &[App] = &[
    app("crm", "odoo-app-crm", "odoo-about-crm", false),
    app("sale_management", "odoo-app-sales", "odoo-about-sales", true),
    app("account", "odoo-app-invoicing", "odoo-about-invoicing", true),
    app("contacts", "odoo-app-contacts", "odoo-about-contacts", false),
    app("calendar", "odoo-app-calendar", "odoo-about-calendar", false),
    app("website", "odoo-app-website", "odoo-about-website", false),
    app("website_sale", "odoo-app-ecommerce", "odoo-about-ecommerce", true),
    app("point_of_sale", "odoo-app-pos", "odoo-about-pos", true),
    app("stock", "odoo-app-inventory", "odoo-about-inventory", false),
    app("purchase", "odoo-app-purchase", "odoo-about-purchase", true),
    app("mrp", "odoo-app-manufacturing", "odoo-about-manufacturing", false),
    app("project", "odoo-app-project", "odoo-about-project", false),
    app("hr", "odoo-app-employees", "odoo-about-employees", false),
    app("hr_holidays", "odoo-app-timeoff", "odoo-about-timeoff", false),
    app("mass_mailing", "odoo-app-mailing", "odoo-about-mailing", false),
];

/// Returns an application by its technical name.
#[must_use]
pub fn find(module: &str) -> Option<App> {
    ALL.iter().copied().find(|app| app.module == module)
}

/// Sorts what was chosen and drops doubles and what we do not offer: orders and templates keep it in this form.
#[must_use]
pub fn chosen<'a>(modules: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut known: Vec<String> = modules.into_iter().filter_map(find).map(|app| app.module.to_owned()).collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// Returns the country that a template with these modules is made for: empty when it does not matter, so that one
/// template serves every country.
#[must_use]
pub fn template_country<'a>(modules: &[String], country: &'a str) -> &'a str {
    if modules.iter().any(|module| find(module).is_some_and(|app| app.needs_chart)) { country } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_sorted_once_and_holds_only_what_is_offered() {
        assert_eq!(chosen(["stock", "crm", "base_import_module", "crm"]), ["crm", "stock"]);
    }

    #[test]
    fn the_country_matters_only_with_accounting() {
        assert_eq!(template_country(&chosen(["crm", "contacts"]), "MA"), "");
        assert_eq!(template_country(&chosen(["crm", "sale_management"]), "MA"), "MA");
    }

    #[test]
    fn every_application_is_there_once() {
        for app in ALL {
            assert_eq!(ALL.iter().filter(|other| other.module == app.module).count(), 1, "{}", app.module);
            assert_eq!(ALL.iter().filter(|other| other.name == app.name).count(), 1, "{}", app.name);
        }
    }
}
