use portreeve_model::plan::{Network, SanPattern};
use portreeve_model::{Announcement, Beat, Policy, PolicyScope, TokenId};

use super::*;
use crate::testing::{announcement, at_ms, key, open_plan, wish};
use crate::tokens::TokenWish;

const HOME: &str = "10.0.0.9";

/// One where whoever has a token may register from 10.0.0.0/8.
fn world() -> World {
    let mut plan = open_plan();
    plan.registration.networks = vec![Network {
        address: [10, 0, 0, 0].into(),
        prefix: 8,
    }];
    let mut world = World::default();
    world.registry.follow(&plan, at_ms(0));
    world
}

fn showing(names: &[&str]) -> Credentials {
    Credentials {
        source: Some(HOME.parse().unwrap()),
        token: None,
        certificate: Some(ShownCertificate {
            names: names.iter().map(|name| Box::from(*name)).collect(),
            until_unix_ms: 1_000_000,
        }),
    }
}

fn pattern(text: &str) -> SanPattern {
    text.parse().unwrap()
}

fn token(world: &mut World, name: &str, wish: TokenWish) -> TokenId {
    let made = world.create_token_for(pattern(name), wish, at_ms(0)).unwrap();
    TokenId::clone(&made.id)
}

fn of_eu() -> TokenWish {
    TokenWish {
        policies: PolicyScope::These(announcement("a", "10.0.0.9:80").policies),
        ..wish()
    }
}

fn at_home(id: &str) -> Announcement {
    announcement(id, "10.0.0.9:80")
}

fn holder(world: &World, id: &str) -> Option<TokenId> {
    world.registry.find(&key(id)).unwrap().token.clone()
}

#[test]
fn a_certificate_that_a_token_is_for_lets_its_holder_in() {
    let mut world = world();
    let token = token(&mut world, "URI:spiffe://a/eu/*", wish());
    let by = showing(&["URI:spiffe://a/eu/1"]);

    assert!(world.register(&at_home("a"), &by, at_ms(1)).unwrap().is_new);

    assert_eq!(holder(&world, "a"), Some(token));
    world.renew(&key("a"), &Beat::default(), &by, at_ms(2)).unwrap();
    world.look(&key("a"), &by, at_ms(2)).unwrap();
    world.deregister(&key("a"), &by, at_ms(2)).unwrap();
}

#[test]
fn a_certificate_of_another_name_is_told_its_names_and_what_would_be_right() {
    let mut world = world();
    token(&mut world, "URI:spiffe://a/eu/*", wish());
    let by = showing(&["URI:spiffe://a/us/1", "DNS:a.test"]);

    let refused = world.register(&at_home("a"), &by, at_ms(1)).unwrap_err();

    assert_eq!((refused.code(), refused.status()), ("unknown_certificate", 403));
    let told = refused.to_string();
    assert!(told.contains("URI:spiffe://a/us/1, DNS:a.test"), "{told}");
    assert!(told.contains("token create --certificate"), "{told}");
}

#[test]
fn a_certificate_with_many_and_long_names_is_told_of_them_in_short() {
    let names: Vec<String> = (0..100)
        .map(|place| format!("URI:x:{place}{}", "y".repeat(9_000)))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = world()
        .register(&at_home("a"), &showing(&names), at_ms(1))
        .unwrap_err();
    assert!(refused.to_string().len() < 1_500);
}

#[test]
fn without_names_it_is_said_which_kinds_there_are() {
    let refused = world()
        .register(&at_home("a"), &showing(&[]), at_ms(1))
        .unwrap_err();
    assert!(refused.to_string().contains("without names (SAN)"), "{refused}");
}

#[test]
fn a_certificate_that_ran_out_on_an_open_connection_gives_no_right() {
    let mut world = world();
    token(&mut world, "DNS:a.test", wish());
    let mut by = showing(&["DNS:a.test"]);
    by.certificate.as_mut().unwrap().until_unix_ms = 5_000;
    world.register(&at_home("a"), &by, at_ms(4_999)).unwrap();

    let refused = world
        .renew(&key("a"), &Beat::default(), &by, at_ms(7_000))
        .unwrap_err();

    assert_eq!((refused.code(), refused.status()), ("certificate_expired", 403));
    assert!(refused.to_string().contains("2 s ago"), "{refused}");
}

#[test]
fn a_token_that_is_shown_counts_alone() {
    let mut world = world();
    token(&mut world, "DNS:a.test", wish());
    let (shown, secret) = world.create_token(wish(), at_ms(0)).unwrap();
    let mut by = showing(&["DNS:a.test"]);

    by.token = Some("ptv_x".to_owned());
    let refused = world.register(&at_home("a"), &by, at_ms(1)).unwrap_err();
    assert_eq!(refused, Refused::UnknownToken);

    by.token = Some(secret);
    world.register(&at_home("a"), &by, at_ms(1)).unwrap();
    assert_eq!(holder(&world, "a").as_ref(), Some(&shown.id));
}

#[test]
fn several_tokens_add_up_and_the_one_that_says_most_of_the_certificate_is_taken() {
    let mut world = world();
    let wide = token(&mut world, "URI:spiffe://a/*", wish());
    let narrow = token(&mut world, "URI:spiffe://a/1", of_eu());
    let by = showing(&["URI:spiffe://a/1"]);

    world.register(&at_home("a"), &by, at_ms(1)).unwrap();
    let mut of_us = announcement("b", "10.0.0.9:81");
    of_us.policies = [Policy::new("us").unwrap()].into_iter().collect();
    world.register(&of_us, &by, at_ms(1)).unwrap();

    assert_eq!(holder(&world, "a"), Some(narrow));
    assert_eq!(holder(&world, "b"), Some(wide));
}

#[test]
fn what_one_token_registered_stays_with_it_when_a_closer_one_is_made() {
    let mut world = world();
    let wide = token(&mut world, "URI:spiffe://a/*", wish());
    let by = showing(&["URI:spiffe://a/1"]);
    world.register(&at_home("a"), &by, at_ms(1)).unwrap();

    token(&mut world, "URI:spiffe://a/1", wish());

    world.renew(&key("a"), &Beat::default(), &by, at_ms(2)).unwrap();
    assert!(!world.register(&at_home("a"), &by, at_ms(3)).unwrap().is_new);
    assert_eq!(holder(&world, "a"), Some(wide));
}

#[test]
fn of_two_refusals_the_one_for_this_pool_is_told() {
    let mut world = world();
    let elsewhere = TokenWish {
        pools: vec!["web".into()],
        ..wish()
    };
    token(&mut world, "DNS:a.test", elsewhere);
    token(&mut world, "DNS:*.test", of_eu());
    let mut of_us = at_home("a");
    of_us.policies = [Policy::new("us").unwrap()].into_iter().collect();

    let refused = world
        .register(&of_us, &showing(&["DNS:a.test"]), at_ms(1))
        .unwrap_err();

    assert_eq!(refused.code(), "policy_not_allowed");
}

#[test]
fn who_has_only_tokens_for_other_pools_is_told_so_and_not_that_he_has_none() {
    let mut world = world();
    let elsewhere = TokenWish {
        pools: vec!["web".into()],
        ..wish()
    };
    token(&mut world, "DNS:a.test", elsewhere);
    let refused = world
        .register(&at_home("a"), &showing(&["DNS:a.test"]), at_ms(1))
        .unwrap_err();
    assert_eq!(refused.code(), "pool_not_allowed");
}

#[test]
fn what_another_token_holds_is_not_taken_over_by_a_certificate() {
    let mut world = world();
    token(&mut world, "DNS:a.test", wish());
    token(&mut world, "DNS:b.test", wish());
    world
        .register(&at_home("a"), &showing(&["DNS:a.test"]), at_ms(1))
        .unwrap();
    let other = showing(&["DNS:b.test"]);

    let refused = world.register(&announcement("a", "10.0.0.8:80"), &other, at_ms(2));
    assert_eq!(refused.unwrap_err().code(), "held_by_another");
    let refused = world.renew(&key("a"), &Beat::default(), &other, at_ms(2));
    assert_eq!(refused.unwrap_err().code(), "held_by_another");
    let elsewhere = Credentials {
        source: Some("10.0.0.7".parse().unwrap()),
        ..other
    };
    let refused = world.register(&at_home("b"), &elsewhere, at_ms(2));
    assert_eq!(refused.unwrap_err().code(), "address_held");
}

#[test]
fn a_revoked_token_ends_what_was_registered_by_the_certificate() {
    let mut world = world();
    let id = token(&mut world, "DNS:a.test", wish());
    let by = showing(&["DNS:a.test"]);
    world.register(&at_home("a"), &by, at_ms(1)).unwrap();

    assert_eq!(world.revoke_token(&id, at_ms(2)).unwrap(), 1);

    assert!(world.registry.is_empty());
    let refused = world.register(&at_home("a"), &by, at_ms(3)).unwrap_err();
    assert_eq!(refused.code(), "unknown_certificate");
}

#[test]
fn a_token_that_runs_out_takes_with_it_what_was_registered_by_the_certificate() {
    let mut world = world();
    let brief = TokenWish {
        expires_in: Some(Duration::from_secs(1)),
        ..wish()
    };
    token(&mut world, "DNS:a.test", brief);
    let by = showing(&["DNS:a.test"]);
    world.register(&at_home("a"), &by, at_ms(999)).unwrap();

    world.tick(at_ms(1_000));

    assert!(world.registry.is_empty());
    let refused = world.register(&at_home("a"), &by, at_ms(1_001)).unwrap_err();
    assert_eq!(refused.code(), "token_expired");
}

#[test]
fn on_the_proxys_own_host_a_certificate_takes_nothing_away() {
    let mut world = World::default();
    world.registry.follow(&open_plan(), at_ms(0));
    let nothing = TokenWish {
        pools: vec!["web".into()],
        ..wish()
    };
    token(&mut world, "DNS:a.test", nothing);
    let by = Credentials {
        source: Some([127, 0, 0, 1].into()),
        ..showing(&["DNS:a.test"])
    };
    world
        .register(&announcement("a", "127.0.0.1:80"), &by, at_ms(1))
        .unwrap();
    assert_eq!(holder(&world, "a"), None);
}

#[test]
fn strangers_are_told_of_once_a_minute() {
    let mut strangers = Strangers::default();
    let refused = Refused::CertificateExpired {
        since: Duration::from_secs(1),
    };
    for now in [0, 1, 59_999] {
        strangers.note(&refused, at_ms(now));
    }
    assert_eq!(strangers.untold, 2);
    strangers.note(&Refused::UnknownToken, at_ms(60_000));
    assert_eq!(strangers.untold, 2);
    strangers.note(&refused, at_ms(60_000));
    assert_eq!(strangers.untold, 0);
}
