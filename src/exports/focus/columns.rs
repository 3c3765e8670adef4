//! The columns of FOCUS, in the order in which they are written. Pure.

/// CostAndUsage of FOCUS 1.4, by name.
pub const COST_AND_USAGE: [&str; 65] = [
    "AllocatedMethodDetails",
    "AllocatedMethodId",
    "AllocatedResourceId",
    "AllocatedResourceName",
    "AllocatedTags",
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "CommitmentProgramEligibilityDetails",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractApplied",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "HostProviderName",
    "InvoiceDetailId",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
];

/// InvoiceDetail of FOCUS 1.4.
pub const INVOICE_DETAIL: [&str; 22] = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "InvoiceDetailCreated",
    "InvoiceDetailDescription",
    "InvoiceDetailGrain",
    "InvoiceDetailId",
    "InvoiceDetailLastUpdated",
    "InvoiceId",
    "InvoiceIssueDate",
    "InvoiceIssueStatus",
    "InvoiceIssuerName",
    "PaymentCurrency",
    "PaymentCurrencyBilledCost",
    "PaymentCurrencyInvoiceDetailId",
    "PaymentDueDate",
    "PaymentTerms",
    "PurchaseOrderNumber",
    "ReferenceInvoiceId",
];

/// BillingPeriod of FOCUS 1.4.
pub const BILLING_PERIOD: [&str; 6] = [
    "BillingPeriodCreated",
    "BillingPeriodEnd",
    "BillingPeriodLastUpdated",
    "BillingPeriodStart",
    "BillingPeriodStatus",
    "InvoiceIssuerName",
];

/// What CostAndUsage had in FOCUS 1.2 and has no more, with where it went.
const RENAMED: [(&str, &str); 2] = [("ProviderName", "ServiceProviderName"), ("PublisherName", "HostProviderName")];

/// What CostAndUsage did not have yet in FOCUS 1.2.
const NEWER: [&str; 10] = [
    "AllocatedMethodDetails",
    "AllocatedMethodId",
    "AllocatedResourceId",
    "AllocatedResourceName",
    "AllocatedTags",
    "CommitmentProgramEligibilityDetails",
    "ContractApplied",
    "HostProviderName",
    "InvoiceDetailId",
    "ServiceProviderName",
];

/// Returns the columns of CostAndUsage in FOCUS 1.2, each with its place in that of 1.4.
#[must_use]
pub fn cost_and_usage_1_2() -> Vec<(&'static str, usize)> {
    let kept = COST_AND_USAGE.into_iter().filter(|name| !NEWER.contains(name)).map(|name| (name, name));
    let mut all: Vec<(&str, usize)> = kept.chain(RENAMED).map(|(name, now)| (name, place(now))).collect();
    all.sort_unstable();
    all
}

/// Returns the place of a column of CostAndUsage.
#[must_use]
pub fn place(name: &str) -> usize {
    COST_AND_USAGE.binary_search(&name).expect("every name that is asked for stands in the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_have_their_columns() {
        assert!(COST_AND_USAGE.is_sorted() && INVOICE_DETAIL.is_sorted() && BILLING_PERIOD.is_sorted());
        let older = cost_and_usage_1_2();
        assert_eq!(older.len(), 57);
        assert!(older.iter().any(|(name, at)| *name == "ProviderName" && COST_AND_USAGE[*at] == "ServiceProviderName"));
        assert!(!older.iter().any(|(name, _)| *name == "InvoiceDetailId"));
    }
}
