//! Tokens, over the door.

use std::net::IpAddr;

use super::*;
use crate::testing::wish;

const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));

/// One where anybody with a token may register.
async fn public() -> Controller {
    let mut plan = open_plan();
    plan.registration.networks = vec![portreeve_model::plan::Network {
        address: [10, 0, 0, 0].into(),
        prefix: 8,
    }];
    start(plan, Arc::default()).await
}

fn by(token: &str) -> Credentials {
    Credentials {
        source: Some(ELSEWHERE),
        token: Some(token.to_owned()),
        certificate: None,
    }
}

fn at_home(id: &str) -> Announcement {
    announcement(id, "10.0.0.9:80")
}

#[tokio::test]
async fn from_elsewhere_only_a_token_lets_one_in() {
    let controller = public().await;
    let door = controller.door();
    let anonymous = Credentials {
        source: Some(ELSEWHERE),
        token: None,
        certificate: None,
    };
    let refused = door.register(at_home("a"), anonymous).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("token_needed", 403));

    let token = door.create_token(wish()).await.unwrap();
    assert!(
        door.register(at_home("a"), by(&token.shown))
            .await
            .unwrap()
            .is_new
    );
}

#[tokio::test]
async fn forged_tokens_are_all_refused_alike() {
    let controller = public().await;
    let door = controller.door();
    let token = door.create_token(wish()).await.unwrap();
    let other = door.create_token(wish()).await.unwrap();
    let secret = other.shown.rsplit_once('_').unwrap().1;
    let forged = [
        String::new(),
        "ptv_".to_owned(),
        token.shown.replace("ptv_", "ptx_"),
        format!("ptv_{}_{secret}", token.token.id),
        format!("ptv_zzz_{secret}"),
        format!("{} ", token.shown),
    ];
    for shown in forged {
        let refused = door.register(at_home("a"), by(&shown)).await.unwrap_err();
        assert_eq!(refused, Refused::UnknownToken, "{shown:?}");
        assert_eq!(refused.status(), 401);
    }
}

#[tokio::test]
async fn revoking_a_token_ends_its_registrations_at_once() {
    let controller = public().await;
    let door = controller.door();
    let token = door.create_token(wish()).await.unwrap();
    door.register(at_home("a"), by(&token.shown)).await.unwrap();
    let backend = Arc::clone(&controller.snapshots().borrow().pool("api").unwrap().backends[0]);

    let ended = door.revoke_token(&token.token.id).await.unwrap();

    assert_eq!(ended, 1);
    assert_eq!(backend.standing(), Standing::Gone);
    assert!(labels(&controller).is_empty());
    assert!(door.tokens().await.unwrap().is_empty());
    let refused = door.register(at_home("a"), by(&token.shown)).await.unwrap_err();
    assert_eq!(refused, Refused::UnknownToken);
    let again = door.revoke_token(&token.token.id).await.unwrap_err();
    assert_eq!(again.status(), 404);
}

#[tokio::test]
async fn a_token_that_runs_out_takes_its_registrations_with_it() {
    let controller = public().await;
    let door = controller.door();
    let token = TokenWish {
        expires_in: Some(Duration::from_millis(300)),
        ..wish()
    };
    let token = door.create_token(token).await.unwrap();
    door.register(at_home("a"), by(&token.shown)).await.unwrap();

    let gone = async {
        while !labels(&controller).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(2), gone).await.unwrap();

    let refused = door.register(at_home("a"), by(&token.shown)).await.unwrap_err();
    assert_eq!(refused.code(), "token_expired");
    assert!(door.tokens().await.unwrap()[0].is_expired);
}

#[tokio::test]
async fn a_mapped_source_counts_as_ipv4() {
    let controller = open().await;
    let door = controller.door();
    let mapped = Credentials {
        source: Some("::ffff:127.0.0.1".parse().unwrap()),
        token: None,
        certificate: None,
    };
    door.register(announcement("a", "127.0.0.1:1"), mapped)
        .await
        .unwrap();
}
