//! Who may do what. Pure.

use super::Role;

/// Something that a role allows or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See the organisation's instances, their state, graphs and logs.
    SeeInstances,
    /// Open an instance as its Odoo user.
    OpenInstance,
    /// Order an instance: it costs money.
    OrderInstance,
    /// Start, stop, restart, rename.
    SteerInstance,
    /// Say in how many containers an instance runs, or by which rule.
    ScaleInstance,
    /// Put an instance on another plan: it changes what it costs from then on.
    ChangePlan,
    /// Delete an instance, and take that back.
    DeleteInstance,
    /// See what the organisation pays.
    SeeCosts,
    /// Say who pays, and how.
    ManageBilling,
    /// See who belongs to the organisation.
    SeeMembers,
    /// Change the organisation's name, country, currency and time zone.
    ChangeOrganisation,
    /// Close the account.
    CloseAccount,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SeeInstances,
        Self::OpenInstance,
        Self::OrderInstance,
        Self::SteerInstance,
        Self::ScaleInstance,
        Self::ChangePlan,
        Self::DeleteInstance,
        Self::SeeCosts,
        Self::ManageBilling,
        Self::SeeMembers,
        Self::ChangeOrganisation,
        Self::CloseAccount,
    ];
}

/// Whether a role allows an action.
#[must_use]
pub fn may(role: Role, action: Action) -> bool {
    match action {
        Action::SeeInstances | Action::SeeMembers => true,
        Action::OpenInstance => role != Role::Billing,
        Action::OrderInstance | Action::SteerInstance | Action::ScaleInstance | Action::DeleteInstance => {
            matches!(role, Role::Owner | Role::Developer)
        }
        Action::SeeCosts | Action::ManageBilling => matches!(role, Role::Owner | Role::Billing),
        Action::ChangeOrganisation => matches!(role, Role::Owner | Role::Billing),
        Action::CloseAccount | Action::ChangePlan => role == Role::Owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_may_do_everything_and_a_member_only_look_and_open() {
        for action in Action::ALL {
            assert!(may(Role::Owner, action), "{action:?}");
            let is_looking = matches!(action, Action::SeeInstances | Action::OpenInstance | Action::SeeMembers);
            assert_eq!(may(Role::Member, action), is_looking, "{action:?}");
        }
    }
}
