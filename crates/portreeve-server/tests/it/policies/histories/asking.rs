//! A client that asks one thing after the other on a connection that it keeps.

use std::sync::Arc;

use portreeve_testkit::{Address, Client};

use super::claims::Claims;
use crate::policies::world::Dice;

/// Asks until all is over; how many requests were served.
pub(crate) async fn ask_on(proxy: Address, claims: Arc<Claims>, seed: u64) -> u64 {
    let mut dice = Dice::new(seed);
    let (mut served, mut asked) = (0, 0_u32);
    while !claims.is_over() {
        let mut client = Client::connect(&proxy).await;
        while !claims.is_over() {
            let path = *dice.one_of(&["/api/x", "/api/y", "/file/x"]);
            let policies = *dice.one_of(&["eu", "us", "hipaa", "eu,us", "hipaa,eu", "us,us"]);
            asked += 1;
            let started = claims.now().as_micros();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: app.test\r\nPrivacy-Policy: {policies}\r\n\
                 X-Started: {started}\r\nX-Number: {seed}-{asked}\r\n\r\n"
            );
            if client.try_send(&request).await.is_err() {
                break;
            }
            let Ok(answer) = client.try_response().await else {
                break;
            };
            match answer.status() {
                200 => served += 1,
                502..=504 => {}
                other => panic!("{other} for {request}: {}", answer.text()),
            }
            if answer.field("connection").is_some() {
                break;
            }
            // With nobody to serve it, this would only ask as fast as it can be refused.
            if answer.status() != 200 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
    }
    served
}
