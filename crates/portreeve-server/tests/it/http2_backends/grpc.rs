//! What a client that speaks gRPC is told when its backend dies.

use h2::Reason;
use http::Request;
use portreeve_testkit::{Address, PATIENCE, Proxy};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::backend::Backend;
use super::proxy;
use super::raw::{
    DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, STATUS_200, WINDOW_UPDATE, field,
};

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
enum Dies {
    ClosesUnanswered,
    Resets(u32),
    BreaksRules,
    ClosesInTheMiddle,
    ResetsInTheMiddle(u32),
    /// Not at all.
    Ends,
}

async fn dying(how: Dies) -> Backend {
    Backend::accepting(move |wire, _| async move {
        let Some(mut frames) = Frames::try_begin(wire, &[]).await else {
            return;
        };
        while let Some(stream) = frames.request().await {
            if matches!(
                how,
                Dies::ClosesInTheMiddle | Dies::ResetsInTheMiddle(_) | Dies::Ends
            ) {
                frames.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
                frames.send(DATA, 0, stream, &[0, 0, 0, 0, 1, b'm']).await;
            }
            match how {
                Dies::ClosesUnanswered | Dies::ClosesInTheMiddle => return,
                Dies::Resets(reason) | Dies::ResetsInTheMiddle(reason) => {
                    frames.send(RST_STREAM, 0, stream, &reason.to_be_bytes()).await;
                }
                Dies::BreaksRules => frames.send(WINDOW_UPDATE, 0, 0, &[0; 4]).await,
                Dies::Ends => {
                    let trailers = field("grpc-status", "0");
                    frames
                        .send(HEADERS, END_HEADERS | END_STREAM, stream, &trailers)
                        .await;
                }
            }
        }
    })
    .await
}

/// The status of gRPC and our cause, or how the stream ended.
async fn called(proxy: &Proxy) -> String {
    let Address::Tcp(address) = proxy.address() else {
        panic!("the listener is on TCP");
    };
    let wire = TcpStream::connect(address).await.unwrap();
    let (send, connection) = h2::client::handshake(wire).await.unwrap();
    let driven = tokio::spawn(connection);
    let request = Request::post("http://app.test/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, mut stream) = send.ready().await.unwrap().send_request(request, false).unwrap();
    stream.send_data(vec![0, 0, 0, 0, 1, b'c'].into(), true).unwrap();
    let told = timeout(PATIENCE, told(response)).await.expect("it is answered");
    driven.abort();
    told.unwrap_or_else(|error| format!("cut {:?}", error.reason()))
}

async fn told(response: h2::client::ResponseFuture) -> Result<String, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut came = 0;
    while let Some(data) = body.data().await {
        came += data?.len();
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    let status = trailers
        .get("grpc-status")
        .or_else(|| head.headers.get("grpc-status"));
    let status = status.map_or("none", |status| status.to_str().unwrap());
    Ok(format!("{} {came} {status}", head.status.as_u16()))
}

#[tokio::test]
async fn the_end_of_a_backend_has_a_status_of_grpc() {
    const UNAVAILABLE: &str = "200 0 14";
    const INTERNAL: &str = "200 0 13";
    // A library makes a status of its own of a reset: INTERNAL of this one, and never a success.
    let cut = format!("cut {:?}", Some(Reason::INTERNAL_ERROR));
    for (how, should) in [
        (Dies::ClosesUnanswered, UNAVAILABLE),
        (Dies::Resets(2), UNAVAILABLE),
        (Dies::Resets(8), UNAVAILABLE),
        (Dies::Resets(11), UNAVAILABLE),
        (Dies::Resets(1), INTERNAL),
        (Dies::BreaksRules, INTERNAL),
        (Dies::ClosesInTheMiddle, &cut),
        (Dies::ResetsInTheMiddle(0), &cut),
        (Dies::ResetsInTheMiddle(8), &cut),
        (Dies::Ends, "200 6 0"),
    ] {
        let backend = dying(how).await;
        let proxy = proxy(&[&backend]).await;
        assert_eq!(called(&proxy).await, should, "{how:?}");
    }
}
