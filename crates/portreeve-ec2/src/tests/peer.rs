//! A peer that answers as the test says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Body of a request to status and body of the answer; `None`: never an answer.
type Script = dyn Fn(&str) -> Option<(u16, String)> + Send + Sync;

pub(super) struct Peer {
    pub(super) endpoint: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Peer {
    pub(super) async fn answering(
        script: impl Fn(&str) -> Option<(u16, String)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}", listener.local_addr().expect("it has one"));
        let seen = Arc::new(Mutex::default());
        let (script, shared): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&seen));
        let accepting = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&shared)));
            }
        };
        let task = tokio::spawn(accepting).abort_handle();
        Self { endpoint, seen, task }
    }

    /// Bodies of requests that held this, in their order.
    pub(super) fn seen(&self, what: &str) -> Vec<String> {
        let seen = self.seen.lock().expect("nobody panicked");
        seen.iter().filter(|body| body.contains(what)).cloned().collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<String>>>) -> Option<()> {
    loop {
        let body = request(&mut stream).await?;
        seen.lock().expect("nobody panicked").push(body.clone());
        let Some((status, answer)) = script(&body) else {
            return std::future::pending().await;
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let answer = head + &answer;
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The body of the next request.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut input = String::new();
    loop {
        if let Some((head, body)) = input.split_once("\r\n\r\n")
            && body.len() >= length(head)
        {
            return Some(body.to_owned());
        }
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
        input += std::str::from_utf8(&bytes[..count]).ok()?;
    }
}

fn length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

/// As AWS describes a group; each instance is an id with its state.
pub(super) fn described(desired: u32, instances: &[(&str, &str)]) -> (u16, String) {
    let members: String = instances
        .iter()
        .map(|(id, state)| {
            format!("<member><InstanceId>{id}</InstanceId><LifecycleState>{state}</LifecycleState></member>")
        })
        .collect();
    answer(
        "DescribeAutoScalingGroups",
        &format!(
            "<AutoScalingGroups><member><AutoScalingGroupName>workers</AutoScalingGroupName><MinSize>0</MinSize>\
             <MaxSize>4</MaxSize><DesiredCapacity>{desired}</DesiredCapacity><Instances>{members}</Instances></member>\
             </AutoScalingGroups>"
        ),
    )
}

pub(super) fn answer(action: &str, result: &str) -> (u16, String) {
    let text = format!(
        "<{action}Response xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><{action}Result>{result}\
         </{action}Result></{action}Response>"
    );
    (200, text)
}

pub(super) fn refusal(status: u16, code: &str, message: &str) -> (u16, String) {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    (status, text)
}
