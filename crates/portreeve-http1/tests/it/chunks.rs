//! What a chunked body must be, rule by rule.

use portreeve_http1::{ChunkEvent, Chunked, Fault, LAST_CHUNK, Passed, SizeLine};

#[test]
fn a_body_is_passed_and_counted_up_to_its_last_chunk_line() {
    let body = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\nnext";
    let passed = Chunked::default().pass(body).unwrap();
    assert_eq!(
        passed,
        Passed {
            bytes: 28,
            data: 11,
            last_chunk: true
        }
    );
    assert_eq!(&body[28..], b"X: y\r\n\r\nnext");
}

#[test]
fn content_is_found_stretch_by_stretch() {
    let mut chunked = Chunked::default();
    let body = b"5\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n";
    assert_eq!(
        chunked.next(body),
        Ok(ChunkEvent {
            consumed: 8,
            data: Some(3..8),
            last_chunk: false
        })
    );
    assert_eq!(
        chunked.next(&body[8..]),
        Ok(ChunkEvent {
            consumed: 7,
            data: Some(5..7),
            last_chunk: false
        })
    );
    assert_eq!(
        chunked.next(&body[15..]),
        Ok(ChunkEvent {
            consumed: 5,
            data: None,
            last_chunk: true
        })
    );
    assert!(chunked.is_done());
}

#[test]
fn nothing_is_consumed_behind_the_last_chunk() {
    let mut chunked = Chunked::default();
    chunked.pass(b"0\r\n").unwrap();
    assert_eq!(
        chunked.pass(b"5\r\n"),
        Ok(Passed {
            bytes: 0,
            data: 0,
            last_chunk: true
        })
    );
    assert_eq!(
        chunked.next(b"5\r\n"),
        Ok(ChunkEvent {
            consumed: 0,
            data: None,
            last_chunk: true
        })
    );
}

#[test]
fn no_input_changes_nothing() {
    let mut chunked = Chunked::default();
    assert_eq!(
        chunked.pass(b""),
        Ok(Passed {
            bytes: 0,
            data: 0,
            last_chunk: false
        })
    );
    assert_eq!(chunked, Chunked::default());
}

#[test]
fn sizes_have_up_to_sixteen_digits_in_any_case() {
    assert_eq!(passed("000000000000000A\r\n0123456789\r\n0"), Ok(10));
    assert_eq!(passed("aB\r\n"), Ok(0));
    assert_eq!(passed("ffffffffffffffff\r\nabc"), Ok(3));
    assert_eq!(passed("0000000000000000\r\n"), Ok(0));
    assert_eq!(passed("00000000000000005\r\n"), Err(Fault::ChunkSizeTooLong));
    assert_eq!(passed("10000000000000000\r\n"), Err(Fault::ChunkSizeTooLong));
    assert_eq!(passed("fffffffffffffffff"), Err(Fault::ChunkSizeTooLong));
}

#[test]
fn a_size_that_is_not_hexadecimal_digits_is_refused() {
    for size in [
        "", "g", "-1", "+1", "0x5", "5h", "5.", " 5", "\t5", "5_0", "\u{661}", "\0", "5\0", "5,", "5=",
    ] {
        let found = passed(&format!("{size}\r\nhello\r\n"));
        assert!(matches!(found, Err(Fault::ChunkSize)), "{size:?} gave {found:?}");
    }
}

#[test]
fn a_blank_behind_a_size_is_only_let_pass_before_an_extension() {
    for line in ["5 ", "5\t", "5  \t", "5 x", "5 =x"] {
        assert_eq!(
            passed(&format!("{line}\r\nhello\r\n")),
            Err(Fault::ChunkExtension),
            "{line:?}"
        );
    }
    assert_eq!(passed("5 ;x\r\nhello\r\n"), Ok(5));
}

#[test]
fn bare_lf_in_a_chunk_line_is_refused() {
    for text in [
        "5\nhello\r\n",
        "5;a\nhello\r\n",
        "5;a=b\nhello",
        "5;a=\"\n\"",
        "5;\n",
    ] {
        assert_eq!(passed(text), Err(Fault::BareLf), "{text:?}");
    }
    assert_eq!(passed("\n5\r\n"), Err(Fault::ChunkSize));
}

#[test]
fn bare_cr_in_a_chunk_line_is_refused() {
    for text in ["5\rhello", "5\r\r\n", "5;a\rb\r\n", "5;a=b\r;c"] {
        assert_eq!(passed(text), Err(Fault::BareCr), "{text:?}");
    }
    for text in ["5;\r\n", "5;a=\r\n", "5;a=\"\r\"", "5;a \r\n"] {
        assert_eq!(passed(text), Err(Fault::ChunkExtension), "{text:?}");
    }
}

#[test]
fn content_is_followed_by_crlf_and_nothing_else() {
    for text in [
        "5\r\nhello!\r\n",
        "5\r\nhello\n",
        "5\r\nhello\rx",
        "5\r\nhello\r\r\n",
        "5\r\nhell\r\n0\r\n",
        "5\r\nhello0\r\n",
    ] {
        assert_eq!(passed(text), Err(Fault::ChunkEnd), "{text:?}");
    }
}

#[test]
fn content_may_be_any_bytes() {
    let content: Vec<u8> = (0..=255).collect();
    let body = [b"100\r\n", content.as_slice(), b"\r\n0\r\n"].concat();
    assert_eq!(
        Chunked::default().pass(&body),
        Ok(Passed {
            bytes: body.len(),
            data: 256,
            last_chunk: true
        })
    );
}

#[test]
fn extensions_follow_the_grammar() {
    for extension in [
        ";a",
        ";a=b",
        ";a=\"b\"",
        ";a=\"\"",
        ";a=\"x\\\"y\\\\;\r\"",
        ";a;b=c;d",
        " ; a = b ; c",
        "\t;\ta",
        ";a=\"\t \u{e9}\"",
        ";!#$=~",
        ";a=\"b\" ;c",
    ] {
        let found = passed(&format!("5{extension}\r\nhello\r\n"));
        let expected = if extension.contains('\r') {
            Err(Fault::ChunkExtension)
        } else {
            Ok(5)
        };
        assert_eq!(found, expected, "{extension:?}");
    }
    for extension in [
        ";",
        ";=b",
        ";a=",
        ";a=b c",
        ";a=\"b",
        ";a=\"b\"c",
        ";a b",
        ";a==b",
        ";a=b=c",
        ";;a",
        ";a@",
        ";a=\"\x01\"",
        ";a=\"\\\x01\"",
        ";a=b\0",
    ] {
        let found = passed(&format!("5{extension}\r\nhello\r\n"));
        assert_eq!(found, Err(Fault::ChunkExtension), "{extension:?}");
    }
}

#[test]
fn a_chunk_line_has_at_most_4096_bytes() {
    let line = |length: usize| format!("1;{}\r\n", "a".repeat(length - 4));
    assert_eq!(passed(&line(4096)), Ok(0));
    assert_eq!(passed(&line(4097)), Err(Fault::ChunkLineTooLong));
    // And it is not waited for where its end cannot come in time.
    assert_eq!(passed(&line(4097)[..4094]), Ok(0));
    assert_eq!(passed(&line(4097)[..4095]), Err(Fault::ChunkLineTooLong));
    let blanks = format!("1{};a\r\n", " ".repeat(5000));
    assert_eq!(passed(&blanks), Err(Fault::ChunkLineTooLong));
    let many = format!("{}0\r\n", format!("{}x\r\n", line(4000)).repeat(5));
    assert_eq!(passed(&many), Ok(5));
}

#[test]
fn size_lines_are_as_short_as_they_can_be() {
    for (size, line) in [
        (0, "0\r\n"),
        (9, "9\r\n"),
        (16, "10\r\n"),
        (0xabc, "abc\r\n"),
        (u64::MAX, "ffffffffffffffff\r\n"),
    ] {
        assert_eq!(SizeLine::new(size).as_bytes(), line.as_bytes());
    }
    assert!(LAST_CHUNK.starts_with(SizeLine::new(0).as_bytes()));
}

#[test]
fn a_follower_is_small() {
    assert!(size_of::<Chunked>() <= 32);
}

fn passed(text: &str) -> Result<u64, Fault> {
    Chunked::default().pass(text.as_bytes()).map(|passed| passed.data)
}
