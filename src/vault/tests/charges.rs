//! Who pays for what: nobody is locked by those who may not read, and names that never were cost what others cost (I5, I10).

use super::rig::*;
use crate::limits::Settings;
use crate::vault::*;

#[test]
fn i10_who_may_not_read_a_person_does_not_use_up_what_others_may_read_of_him() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let four = std::num::NonZeroU32::new(4).unwrap();
    rig.vault.reload_limits(&Settings { subject_reads_per_hour: four, ..Settings::generous() });
    for _ in 0..20 {
        let items = rig.read(&rig.mailer, "newsletter", &[token(&stored, "email")]).unwrap();
        assert_eq!(items, ["denied consent_missing"]);
    }
    let name = [token(&stored, "name")];
    let read = || rig.read(&rig.storefront, "order_fulfilment", &name);
    assert_eq!(read().unwrap(), ["\"Ada Lovelace\""]);
    let spent = (0..8).find_map(|_| read().err());
    assert!(matches!(spent, Some(Refusal::BudgetExhausted(..) | Refusal::Limited(..))), "{spent:?}");
}

#[test]
fn i5_a_record_that_never_was_costs_what_an_erased_one_costs() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let id = rig.vault.record_named(&stored.record).unwrap();
    block_on(rig.vault.delete_record(&rig.storefront, &rig.call(), id)).unwrap();
    let left = || rig.vault.quotas(&rig.storefront).cost.remaining;
    let spent = |ask: &dyn Fn() -> Refusal| {
        let before = left();
        assert_eq!(ask(), Refusal::NotFound);
        before - left()
    };
    let erased = spent(&|| block_on(rig.vault.view_record(&rig.storefront, &rig.call(), id)).err().unwrap());
    let never = spent(&|| {
        block_on(rig.vault.not_found(&rig.storefront, &rig.call(), crate::domain::event::Act::RecordView))
    });
    assert_eq!((erased, never), (1, 1));
}
