//! Strings that break programs: our own, one class a call. `STRONGROOM_STRINGS=FILE` adds those of a JSON array.

/// Our own strings by class.
fn own() -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut class = |texts: &[&str]| all.extend(texts.iter().map(|t| (*t).to_owned()));
    class(&["", " ", "\t", "\n", "\r\n", " \t lead and trail \n", "a  b   c", "a\tb\nc"]);
    class(&[
        "\u{1}",
        "a\u{0}b",
        "\u{7}\u{8}",
        "\u{b}\u{c}",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{80}\u{9f}",
        "a\u{1e}b\u{1f}c",
    ]);
    class(&[
        "null",
        "NULL",
        "undefined",
        "None",
        "true",
        "false",
        "NaN",
        "Infinity",
        "-0",
        "[object Object]",
        "nil",
        "void 0",
    ]);
    class(&[
        "0",
        "1",
        "-1",
        "1.00",
        "1,000.50",
        "1e309",
        "0x7f",
        "0b1",
        "007",
        "١٢٣",
        "１２３",
        "½",
        "²",
        "9223372036854775808",
        "1/0",
    ]);
    class(&[
        "2026-02-30",
        "0000-00-00",
        "1990-02-01",
        "9999-12-31T23:59:60Z",
        "1969-12-31T23:59:59.999Z",
        "31/12/1990",
        "now",
    ]);
    class(&[
        "'",
        "\"",
        "`",
        "\\",
        "''",
        "'; DROP TABLE records;--",
        "1' OR '1'='1",
        "\" OR \"\"=\"",
        "%' AND 1=0 --",
        "x'00'",
        "?1",
        ":a",
    ]);
    class(&[
        "<b>x</b>",
        "<img src=x onerror=y(1)>",
        "javascript:y(1)",
        "\"><svg/onload=y(1)>",
        "&lt;&amp;&#0;",
        "<!--",
        "]]>",
        "<![CDATA[",
    ]);
    class(&[
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "&& id",
        "\nid\n",
        "${HOME}",
        "$IFS",
        "%COMSPEC%",
        "-rf",
        "--help",
        "@file",
        "!history",
    ]);
    class(&[
        "../../etc/passwd",
        "..\\..\\x",
        "/dev/null",
        "\\\\host\\share",
        "file:///etc/passwd",
        "CON",
        "NUL",
        "aux.txt",
        "a/b",
        ".",
        "..",
        "%2e%2e%2f",
        "~root",
    ]);
    class(&[
        "%s%s%n",
        "%x%x%p",
        "{}",
        "{0}",
        "{{7*7}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{% raw %}",
        "$ne",
        "%d",
        "%99999d",
        "$&",
        "\\1",
    ]);
    class(&[
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "=HYPERLINK(\"x\")",
        "\t=1",
        "{\"a\":1}",
        "[1]",
        "a,b;c\td",
        "a\"b,c",
    ]);
    class(&[
        "\u{a0}x\u{a0}",
        "\u{2000}\u{2001}\u{2009}x",
        "\u{3000}",
        "\u{202f}x\u{205f}y",
        "\u{1680}x",
        "\u{85}x",
        "\u{2028}x\u{2029}",
        "\u{feff}x",
        "\u{180e}x",
    ]);
    class(&[
        "\u{200b}",
        "a\u{200c}b\u{200d}c",
        "\u{2060}x",
        "\u{ad}soft",
        "\u{fe0f}",
        "\u{e0001}\u{e0041}",
        "\u{115f}",
        "\u{3164}",
        "\u{34f}",
    ]);
    class(&[
        "\u{202e}txet",
        "\u{202a}a\u{202c}",
        "\u{2066}a\u{2069}",
        "\u{200f}a",
        "\u{61c}",
        "مرحبا بالعالم",
        "שלום עולם",
        "abc\u{202e}fdp.exe",
        "עברית English עברית",
    ]);
    class(&[
        "é",
        "e\u{301}",
        "\u{1e9b}\u{323}",
        "ﬁ",
        "ß",
        "ẞ",
        "İ",
        "ı",
        "ŉ",
        "ﷺ",
        "K\u{212a}",
        "Å\u{212b}A\u{30a}",
        "\u{1100}\u{1161}\u{11a8}",
        "각",
        "ſ",
    ]);
    class(&[
        "Зара́вствуй",
        "你好，世界",
        "こんにちは",
        "สวัสดี",
        "नमस्ते",
        "ᚠᛇᚻ",
        "𐌰𐌱𐌲",
        "𝒜𝓭𝓪",
        "Ａｄａ",
        "Аdа",
        "раураl",
        "௵",
        "꧅",
        "ꙮ",
    ]);
    class(&["😀", "👩\u{200d}👩\u{200d}👧\u{200d}👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏿", "🇩🇪🇩", "❤️", "1️⃣", "🤦🏽‍♂️", "\u{1fae8}"]);
    class(&[
        "\u{fffd}",
        "\u{ffff}",
        "\u{fffe}",
        "\u{10ffff}",
        "\u{e000}",
        "\u{fdd0}",
        "\u{d7ff}",
        "\u{f8ff}",
        "\u{fff9}a\u{fffb}",
        "\u{378}",
    ]);
    class(&[
        "ada@example.org",
        "ADA@EXAMPLE.ORG",
        "a@b",
        "\"a b\"@example.org",
        "ada@xn--mnchen-3ya.de",
        "ada@münchen.de",
        "a@127.0.0.1",
        "a@[::1]",
        "a\n@b.org",
        "a@b.org\r\nBcc: c@d.org",
    ]);
    class(&[
        "+44 20 7946 0018",
        "tel:+1",
        "00000000000000",
        "+99999999999999999",
        "DE89370400440532013000",
        "DE00",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111 x",
        "٤١١١١١١١١١١١١١١١",
    ]);
    class(&[
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "1.2.3.4.5",
        "0177.0.0.1",
        "fe80::1%eth0",
        "2130706433",
        "[::1]:80",
        "1.2.3",
        "999.1.1.1",
    ]);
    class(&[
        "srt_0000",
        "srk_x",
        "sub_x",
        "rec_",
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "admin",
        "root",
        "*",
        "storefront",
        "order_fulfilment",
        "newsletter",
        "DE",
        "de",
        "XX",
    ]);
    class(&[
        "http://169.254.169.254/",
        "//evil",
        "data:text/html,x",
        "ftp://a:b@c",
        "a%00b",
        "a%0d%0ab",
        "Set-Cookie: x",
        "HTTP/1.1 200 OK",
        "&amp;",
        "a&b=c",
        "#x",
    ]);
    class(&["(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "((((((((((", "[[:alpha:]]", "\\p{L}", "(?:x)", "*?+"]);
    for (piece, times) in [
        ("a", 64),
        ("a", 65),
        ("a", 129),
        ("a", 201),
        ("a", 257),
        ("a", 5_000),
        ("😀", 200),
        ("Z\u{338}\u{321}\u{35c}", 60),
    ] {
        all.push(piece.repeat(times));
    }
    all.push(format!("a{}", "\u{301}".repeat(3_000)));
    all.push(format!("a{}", "\u{323}\u{307}".repeat(90)));
    all.push("\u{fdfa}".repeat(60));
    all.push("\u{1d160}".repeat(40));
    all
}

/// Those of a file, when one is named.
pub(super) fn all() -> Vec<String> {
    let mut all = own();
    if let Some(file) = std::env::var_os("STRONGROOM_STRINGS") {
        let text = std::fs::read_to_string(file).unwrap();
        all.extend(serde_json::from_str::<Vec<String>>(&text).unwrap());
    }
    all.sort();
    all.dedup();
    all
}
