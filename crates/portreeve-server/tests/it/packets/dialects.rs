//! How packets are spelled.

use super::*;

#[tokio::test]
async fn the_scripted_servers_hash_is_sha_1() {
    assert_eq!(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#[tokio::test]
async fn a_request_and_its_answer_pass_byte_for_byte() {
    let proxy = proxy().await;
    let server = server(&proxy, "100", "111").await;
    let asked = r#"{ "colour":"gr\u00fcn" ,"type": 0,"srcid": 7, "privPoliId": 111,"payload": "abc","x": {"y":[1,2.50,null]} }"#;
    let answer = proxy.ask(asked).await;
    assert_eq!(server.requests()[0].raw(), asked);
    assert_eq!(
        answer.raw(),
        r#"{"type": 2, "srcid": 100, "destid": 7, "payloadsize": 40, "payload": "a9993e364706816aba3e25717850c26c9cd0d89d"}"#
    );
}

#[tokio::test]
async fn unknown_fields_of_an_answer_come_in_their_order() {
    let proxy = proxy().await;
    let said = r#"{"z": 1, "type": 2, "srcid": 100, "a": [], "destid": 7, "payload": "x", "m": "\n"}"#;
    let server = PacketServer::of("100", "111").answering(move |_| Reply::Packet(said.to_owned()));
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    assert_eq!(proxy.ask(request("111", "abc")).await.raw(), said);
}

#[tokio::test]
async fn each_peer_is_spoken_to_as_it_spells_types() {
    let proxy = proxy().await;
    let numbers = server(&proxy, "1", "111").await;
    let text = PacketServer::of("2", "222").writing_text();
    let text = text.start(&proxy.address()).await;
    until_serving(&proxy, &[&text]).await;
    for (server, policy, to_server) in [(&numbers, "111", "0"), (&text, "222", r#""0""#)] {
        for (from_client, to_client) in [("0", "2"), (r#""0""#, r#""2""#)] {
            let asked = request(policy, "abc").replace(r#""type": 0"#, &format!(r#""type": {from_client}"#));
            let answer = proxy.ask(&asked).await;
            assert!(
                answer.raw().starts_with(&format!(r#"{{"type": {to_client},"#)),
                "{answer}"
            );
            assert!(answer.acknowledges("abc"), "{answer}");
            let got = server.requests().pop().expect("it answered");
            let type_said = format!(r#""type": {to_server}"#);
            assert_eq!(
                got.raw(),
                request(policy, "abc").replace(r#""type": 0"#, &type_said)
            );
        }
    }
}

#[tokio::test]
async fn numbers_and_strings_are_the_same_policy() {
    let proxy = proxy().await;
    let number = server(&proxy, "1", "111").await;
    for policy in ["111", r#""111""#] {
        assert!(proxy.ask(request(policy, "abc")).await.acknowledges("abc"));
    }
    let text = PacketServer::of("2", "222").writing_text();
    let text = text.start(&proxy.address()).await;
    until_serving(&proxy, &[&text]).await;
    for policy in ["222", r#""222""#] {
        assert!(proxy.ask(request(policy, "abc")).await.acknowledges("abc"));
    }
    assert_eq!((number.requests().len(), text.requests().len()), (2, 2));
}

#[tokio::test]
async fn text_policies_compare_exactly() {
    let proxy = proxy().await;
    let server = server(&proxy, "S1", "PP_1").await;
    assert!(proxy.ask(request(r#""PP_1""#, "abc")).await.acknowledges("abc"));
    for other in [r#""pp_1""#, r#""PP_11""#, r#""PP_""#, "1"] {
        let answer = proxy.ask(request(other, "abc")).await;
        assert_eq!(answer.error(), "unknown_policy", "{other}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn ids_may_be_numbers_or_strings() {
    let proxy = proxy().await;
    let server = server(&proxy, "100", "111").await;
    for id in ["7", r#""7""#, r#""C_7""#] {
        let asked = request("111", "abc").replace(r#""srcid": 7"#, &format!(r#""srcid": {id}"#));
        let answer = proxy.ask(&asked).await;
        assert!(answer.raw().contains(&format!(r#""destid": {id}"#)), "{answer}");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn either_policy_key_is_read_in_either_packet() {
    let proxy = proxy().await;
    let swapping = PacketServer::of("1", "111")
        .swapping_keys()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&swapping]).await;
    let asked = request("111", "abc").replace("privPoliId", "privPolyId");
    assert!(proxy.ask(&asked).await.acknowledges("abc"));
    assert_eq!(swapping.requests()[0].raw(), asked);
}

#[tokio::test]
async fn both_policy_keys_must_say_the_same() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let both = |second: &str| {
        request("111", "abc").replace(r#""payload":"#, &format!(r#""privPolyId": {second}, "payload":"#))
    };
    assert!(proxy.ask(both(r#""111""#)).await.acknowledges("abc"));
    let answer = proxy.ask(both("222")).await;
    assert_eq!(answer.error(), "bad_packet");
    for part in ["privPoliId", "privPolyId", "111", "222"] {
        assert!(answer.detail().contains(part), "{answer}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_payloadsize_says_makes_no_difference() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    for size in [r#""payloadsize": 999, "#, r#""payloadsize": "x", "#, ""] {
        let asked = request("111", "abc").replace(r#""payloadsize": 3, "#, size);
        assert!(proxy.ask(&asked).await.acknowledges("abc"), "{asked}");
        assert_eq!(server.requests().pop().expect("it answered").raw(), asked);
    }
}

#[tokio::test]
async fn the_hash_is_of_the_payloads_bytes_in_utf_8() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    for (written, meant) in [("h\\u00e9 \\ud83d\\ude00", "hé 😀"), ("hé 😀", "hé 😀"), ("", "")] {
        let answer = proxy.ask(request("111", written)).await;
        assert!(answer.acknowledges(meant), "{answer}");
    }
}
