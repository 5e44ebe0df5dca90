//! `portreeve token` against a scripted admin listener.

use crate::registration_cli::backends::State;
use crate::registration_cli::fixture::{Program, Proxy, Said};

const MADE: &str = "{\"id\":\"t1\",\"pools\":[\"api\"],\"policies\":[\"eu\"],\"networks\":[\"10.0.0.0/8\"],\"weight_max\":5,\
    \"ttl_max_ms\":10000,\"expires_unix_ms\":1769850300250,\"token\":\"ptv_t1_secret\",\"stored\":true}";

#[test]
fn a_new_token_alone_is_data_so_that_a_script_can_take_it() {
    let state = State::of(Proxy::saying(|_| Said(201, MADE.to_owned())));

    let words =
        "token create --pool api --policy eu --network 10.0.0.0/8 --weight-max 5 --ttl-max 10s --expires 24h";
    let outcome = state.run(&words.split(' ').collect::<Vec<_>>());

    assert_eq!(outcome.stdout, "ptv_t1_secret");
    assert!(
        outcome.stderr.contains("The token t1 lets backends register"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("until 2026-01-31T09:05:00.250Z"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("secret"), "{}", outcome.stderr);
    assert_eq!(
        state.proxy.acts(),
        [
            "POST {\"pools\":[\"api\"],\"policies\":[\"eu\"],\"networks\":[\"10.0.0.0/8\"],\"weight_max\":5,\
          \"ttl_max\":\"10s\",\"expires\":\"1d\"}"
        ]
    );
}

#[test]
fn of_a_token_for_a_certificate_its_name_is_data() {
    let made = "{\"id\":\"t7\",\"certificate\":\"URI:spiffe://a/eu/*\",\"weight_max\":1000,\"stored\":true}";
    let state = State::of(Proxy::saying(move |_| Said(201, made.to_owned())));

    let outcome = state.run(&["token", "create", "--certificate", "URI:spiffe://a/eu/*"]);

    assert_eq!(outcome.stdout, "t7");
    let told = "The token t7 lets backends with a certificate of URI:spiffe://a/eu/* register";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("There is no secret"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        state.proxy.acts(),
        ["POST {\"certificate\":\"URI:spiffe://a/eu/*\"}"]
    );
}

#[test]
fn a_token_that_is_not_stored_warns() {
    let state = State::of(Proxy::saying(|_| Said(201, MADE.replace("true}", "false}"))));
    let outcome = state.run(&["token", "create"]);
    assert!(
        outcome.stderr.contains("would not survive a restart"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn tokens_are_listed_without_secrets() {
    let list = "{\"tokens\":[{\"id\":\"t1\",\"pools\":[\"api\",\"web\"],\"weight_max\":1000},\
        {\"id\":\"t2-long\",\"policies\":[\"eu\"],\"weight_max\":5,\"ttl_max_ms\":10000,\"expires_unix_ms\":1769850300250},\
        {\"id\":\"t3\",\"certificate\":\"DNS:*.a.test\",\"weight_max\":1000}]}";
    let state = State::of(Proxy::saying(move |_| Said(200, list.to_owned())));

    let outcome = state.run(&["token"]);

    assert_eq!(
        outcome.stdout,
        "TOKEN    POOLS     POLICIES  NETWORKS  WEIGHT  TTL  UNTIL                     CERTIFICATE\n\
         t1       api, web  any       own         1000    -  revoked                   -\n\
         t2-long  any       eu        own            5  10s  2026-01-31T09:05:00.250Z  -\n\
         t3       any       any       own         1000    -  revoked                   DNS:*.a.test"
    );
}

#[test]
fn no_tokens_say_how_to_make_one() {
    let state = State::of(Proxy::saying(|_| Said(200, "{\"tokens\":[]}".to_owned())));
    let outcome = state.run(&["token", "list"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert!(
        outcome.stderr.contains("portreeve token create --pool"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_revoked_token_is_named() {
    let state = State::of(Proxy::saying(|_| Said(204, String::new())));
    let outcome = state.run(&["token", "revoke", "t1"]);
    assert_eq!(
        outcome.stdout,
        "the token t1 is revoked, and every registration by it has ended"
    );
    assert_eq!(state.proxy.asked()[0].target, "/v1/tokens/t1");
}

#[test]
fn what_is_typed_wrongly_is_code_2() {
    for wrong in [
        &["token", "create", "--expires", "soon"][..],
        &["token", "revoke"],
        &["token", "make"],
    ] {
        assert_eq!(Program::run(wrong).code, Some(2), "{wrong:?}");
    }
}
