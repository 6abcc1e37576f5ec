//! Who may listen where, and who may come in.

use oxidask::runtime::wire::greeting::Token;
use oxidask::runtime::wire::transport::{Security, TemporaryCertificates};

use crate::process::{Process, client, write};

#[test]
fn beyond_loopback_nobody_listens_without_a_secret() {
    let ended = Process::start(&["scheduler", "--host", "0.0.0.0", "--port", "0"]).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for remedy in ["tls://", "token", "127.0.0.1"] {
        assert!(ended.complaints.contains(remedy), "{ended:?}");
    }
}

#[test]
fn a_token_lets_in_those_who_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", "  s3cret \n");
    let other = write(folder.path(), "other", "another\n");
    let empty = write(folder.path(), "empty", "\n");
    let [file, other, empty] = [&file, &other, &empty].map(|path| path.to_str().unwrap());
    let arguments = ["scheduler", "--host", "0.0.0.0", "--port", "0", "--token-file", file];
    let mut scheduler = Process::start(&arguments);
    let address = scheduler.address("Scheduler");
    assert!(!address.contains("0.0.0.0"), "{address}");
    let address = format!("tcp://127.0.0.1:{}", address.rsplit(':').next().unwrap());
    let mut worker = Process::start_with(&["worker", &address], &[("OXIDASK_TOKEN", "s3cret")]);
    worker.address("Worker");
    let token = Security { token: Some(Token::new("s3cret")), ..Security::default() };
    client(&address, token).check("let in");
    for (arguments, text) in [
        (&["worker", &address][..], "a token is needed"),
        (&["worker", &address, "--token-file", other], "another one"),
        (&["worker", &address, "--token-file", empty], "is empty"),
        (&["worker", &address, "--token-file", "/nonexistent/t"], "/nonexistent/t"),
    ] {
        let ended = Process::start(arguments).end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.complaints.contains(text), "{ended:?}");
    }
}

#[test]
fn certificates_let_in_those_of_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str| {
        let made = TemporaryCertificates::make().unwrap();
        let put = |what: &str, text: &str| {
            let path = write(folder.path(), &format!("{name}-{what}"), text);
            path.to_str().unwrap().to_owned()
        };
        let [ca, cert, key] =
            [put("ca", &made.authority), put("cert", &made.certificate), put("key", &made.key)];
        (made, ["--tls-ca-file".into(), ca, "--tls-cert".into(), cert, "--tls-key".into(), key])
    };
    let start = |command: &[&str], flags: &[String]| {
        let flags = flags.iter().map(String::as_str);
        Process::start(&command.iter().copied().chain(flags).collect::<Vec<_>>())
    };
    let (ours, flags) = files("ours");
    let (_, strangers) = files("strangers");
    let mut scheduler = start(&["scheduler", "--port", "0"], &flags);
    let address = scheduler.address("Scheduler");
    assert!(address.starts_with("tls://"), "{address}");
    let mut worker = start(&["worker", &address], &flags);
    assert!(worker.address("Worker").starts_with("tls://"));
    client(&address, ours.security().unwrap()).check("let in");
    for (flags, text) in [
        (&strangers[..], "certificate"),
        (&[], "needs certificates"),
        (&flags[..2], "the certificate is missing"),
    ] {
        let ended = start(&["worker", &address, "--death-timeout", "0"], flags).end();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.complaints.contains(text), "{ended:?}");
    }
    let plain = address.replace("tls://", "tcp://");
    let ended = Process::start(&["worker", &plain, "--death-timeout", "0"]).end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.complaints.contains("tls://"), "{ended:?}");
}
