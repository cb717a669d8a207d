use super::*;
use crate::domain::entropy::OsEntropy;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn text(s: &str) -> Sensitive<String> {
    Sensitive::text(s)
}

#[test]
fn a_password_verifies_and_another_does_not() {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 4);
    block_on(async {
        let phc = pool.hash(text("correct horse battery"), &mut OsEntropy).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = pool.verify(Some(&phc), text("correct horse battery")).await.unwrap();
        assert_eq!(right, Verdict { valid: true, needs_upgrade: false });
        assert!(!pool.verify(Some(&phc), text("correct horse batterz")).await.unwrap().valid);
        let again = pool.hash(text("correct horse battery"), &mut OsEntropy).await.unwrap();
        assert_ne!(phc, again, "each hash has a salt of its own");
    });
}

#[test]
fn a_missing_or_unreadable_hash_is_worked_on_and_is_never_valid() {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 4);
    block_on(async {
        for phc in [None, Some("not a hash"), Some("$argon2id$v=19$m=99999999,t=2,p=1$AAAA$AAAA")] {
            let verdict = pool.verify(phc, text("anything at all")).await.unwrap();
            assert_eq!(verdict, Verdict { valid: false, needs_upgrade: false });
        }
    });
    assert!(Phc::parse(&pool.dummy.to_text()).is_some(), "the dummy parses, or it would answer early");
}

#[test]
fn an_overlong_secret_is_refused_before_hashing() {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 4);
    let long = Sensitive::new("x".repeat(MAX_SECRET + 1));
    assert_eq!(block_on(pool.verify(None, long)).unwrap_err(), PoolError::TooLong);
}

#[test]
fn a_full_queue_sheds_instead_of_growing() {
    let pool = PasswordPool::new(PasswordParams::default(), 1, 2);
    let answers = block_on(async {
        let checks = (0..40).map(|_| pool.verify(None, text("flood")));
        futures_util::future::join_all(checks).await
    });
    let shed = answers.iter().filter(|a| **a == Err(PoolError::Overloaded)).count();
    assert!(shed >= 30, "{shed} of 40 were shed");
    assert!(answers.iter().any(Result::is_ok));
    assert_eq!(pool.waiting(), 0);
    // And it recovers by itself.
    assert!(block_on(pool.verify(None, text("after"))).is_ok());
}

#[test]
fn stored_costs_are_bounded_before_memory_is_asked_for() {
    let (salt, hash) = ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let with = |costs: &str| Phc::parse(&format!("$argon2id$v=19${costs}${salt}${hash}")).is_some();
    assert!(with("m=19456,t=2,p=1"));
    for bad in [
        "m=262145,t=2,p=1",
        "m=19456,t=11,p=1",
        "m=19456,t=0,p=1",
        "m=19456,t=2,p=2",
        "m=1,t=2,p=1",
        "t=2,m=19456,p=1",
        "m=19456,t=2,p=1,x=1",
    ] {
        assert!(!with(bad), "{bad}");
    }
    assert!(Phc::parse(&format!("$argon2i$v=19$m=19456,t=2,p=1${salt}${hash}")).is_none());
    assert!(Phc::parse(&format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}$more")).is_none());
}

#[test]
fn a_weaker_stored_hash_asks_for_an_upgrade_only_when_the_password_was_right() {
    let pool = PasswordPool::new(PasswordParams { iterations: 3, ..PasswordParams::default() }, 1, 4);
    let weak = PasswordParams::default();
    let mut slot = worker::Slot::new(weak);
    let hash = slot.hash(b"secret enough", &[1; 16], weak).unwrap();
    let phc = Phc { params: weak, salt: [1; 16], hash }.to_text();
    block_on(async {
        assert!(pool.verify(Some(&phc), text("secret enough")).await.unwrap().needs_upgrade);
        assert!(!pool.verify(Some(&phc), text("wrong")).await.unwrap().needs_upgrade);
    });
}

#[test]
fn parameters_below_the_floor_are_raised_to_it() {
    let pool = PasswordPool::new(PasswordParams { memory_kib: 8, iterations: 1, lanes: 9 }, 1, 1);
    assert_eq!(pool.params, PasswordParams::default());
}

proptest::proptest! {
    #[test]
    fn a33_what_is_read_as_a_hash_is_written_the_same(text in "\\PC{0,80}", costs in "[mtp=0-9,+]{0,24}", tail in "[A-Za-z0-9+/$=]{0,70}") {
        for text in [text.clone(), format!("$argon2id$v=19${text}"), format!("$argon2id$v=19${costs}${tail}")] {
            if let Some(read) = Phc::parse(&text) {
                proptest::prop_assert_eq!(read.to_text(), text);
            }
        }
    }
}
