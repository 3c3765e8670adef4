//! Whether one more environment may be ordered. Pure.

use super::orders::Refusal;
use super::store::Standing;

/// Decides whether the account may order one more.
pub(super) fn room_for_one_more(standing: &Standing) -> Result<(), Refusal> {
    if !standing.is_verified {
        return Err(Refusal::NotVerified);
    }
    if !standing.is_active {
        return Err(Refusal::AccountClosing);
    }
    if standing.is_suspended {
        return Err(Refusal::AccountSuspended);
    }
    if standing.count >= i64::from(standing.limit) {
        return Err(Refusal::QuotaReached { allowed: standing.limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(count: i64) -> Standing {
        Standing {
            is_active: true,
            is_suspended: false,
            limit: 2,
            count,
            admin: (String::new(), String::new()),
            is_verified: true,
        }
    }

    #[test]
    fn an_account_orders_up_to_its_limit_and_only_while_it_is_in_good_standing() {
        assert_eq!(room_for_one_more(&standing(1)), Ok(()));
        assert_eq!(room_for_one_more(&standing(2)), Err(Refusal::QuotaReached { allowed: 2 }));
        assert_eq!(room_for_one_more(&Standing { is_verified: false, ..standing(0) }), Err(Refusal::NotVerified));
        assert_eq!(room_for_one_more(&Standing { is_active: false, ..standing(0) }), Err(Refusal::AccountClosing));
        assert_eq!(room_for_one_more(&Standing { is_suspended: true, ..standing(0) }), Err(Refusal::AccountSuspended));
    }
}
