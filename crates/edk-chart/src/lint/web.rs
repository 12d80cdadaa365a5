//! Addresses in the World Wide Web and of mail, as Helm's linter takes them.

/// Schemes of pages.
const SCHEMES: [&str; 8] = ["ftp", "tcp", "udp", "ws", "wss", "http", "https", "ssh"];

/// Says whether `text` has a scheme and nothing that an address can't have: any URI.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(letters) {
        return false;
    }
    if text.chars().any(char::is_control) {
        return false;
    }
    match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            is_authority(&rest[..end]) && is_escaped(&rest[end..])
        }
        None => rest.starts_with(|c: char| c != '/') || rest.is_empty() || is_escaped(rest),
    }
}

fn is_authority(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
            None => return false,
        },
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let odd =
        |c: char| c == ' ' || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    !host.contains(odd) && !host.contains('%') && port.bytes().all(|b| b.is_ascii_digit())
}

/// Says whether every `%` is followed by two digits.
fn is_escaped(text: &str) -> bool {
    let path = text.split('?').next().unwrap_or_default();
    path.split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// Says whether `text` is the address of a page: a host, after a scheme of pages or not.
pub(super) fn is_page(text: &str) -> bool {
    if text.len() > 2083 || text.chars().count() <= 3 || text.contains(char::is_whitespace) {
        return false;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if scheme.is_some_and(|scheme| !SCHEMES.contains(&scheme)) {
        return false;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, port)) if inner.contains(':') => {
            return port.is_empty() || is_port(&port[1..]);
        }
        _ => match host.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host, None),
        },
    };
    let named = scheme.is_some() || port.is_some() || host.contains('.') || user.is_some();
    user.is_none_or(|user| !user.is_empty() && !user.ends_with(':'))
        && port.is_none_or(is_port)
        && named
        && is_host(host, scheme.is_some() || port.is_some())
}

fn is_port(port: &str) -> bool {
    !port.starts_with('0') && port.len() <= 5 && port.parse::<u32>().is_ok_and(|port| port > 0)
}

/// One name is enough with a scheme or a port; without, there is a dot, and no capital.
fn is_host(host: &str, certain: bool) -> bool {
    let letter = |c: char| c.is_alphanumeric();
    let labels: Vec<&str> = host.split('.').collect();
    let all_digits = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    if labels.len() > 1 && labels.iter().all(all_digits) {
        return host.parse::<std::net::Ipv4Addr>().is_ok();
    }
    let good = |label: &&str| {
        label.starts_with(letter)
            && label.ends_with(letter)
            && label.chars().all(|c| letter(c) || c == '-')
    };
    let last = labels.last().copied().unwrap_or_default();
    let end = labels.len() == 1 || last.chars().all(char::is_alphabetic);
    let capitals = !certain && host.contains(|c: char| c.is_uppercase());
    labels.iter().all(good)
        && end
        && labels.len() <= 3
        && !capitals
        && (certain || labels.len() > 1)
}

/// Says whether `text` is an address of mail.
pub(super) fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom =
        |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let atoms = |part: &str| !part.is_empty() && part.chars().all(atom);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let letter = |c: char| c.is_alphanumeric();
    let label = |label: &str| {
        label.starts_with(letter)
            && label.ends_with(letter)
            && label.chars().all(|c| letter(c) || matches!(c, '-' | '_' | '~'))
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    local.split('.').all(atoms)
        && domain.contains('.')
        && domain.split('.').all(label)
        && top.starts_with(char::is_alphabetic)
        && top.ends_with(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts with ` ; ` between them: what Helm 3.17.3 takes and refuses, asked one by one.
    #[track_caller]
    fn check(is: fn(&str) -> bool, good: &str, bad: &str) {
        let refused: Vec<_> = good.split(" ; ").filter(|text| !is(text)).collect();
        let taken: Vec<_> = bad.split(" ; ").filter(|text| is(text)).collect();
        assert!(refused.is_empty() && taken.is_empty(), "refused {refused:?}, taken {taken:?}");
    }

    const URIS: &str = "\
        http:// ; http: ; http:/x ; x:y ; ftp://x ; HTTP://X ; a:b:c ; http://é ; localhost:80 ; \
    ssh://git@x/y ; mailto:a ; http://user@:80/ ; oci://x ; c:\\x";
    const NO_URIS: &str = "\
        example.org ; example.org/x ; //example.org ; http://a b ; http://a%zz ; http://[::1 ; \
    git@github.com:a/b ; 1:2 ; ./x ; ://x ; http://x:port ; #x ; http://x y.z ;  ; \
    http://a\tb ; http://x/%zz";

    const PAGES: &str = "\
        example.org ; example.org/x ; ftp://x ; http://é ; localhost:80 ; ssh://git@x/y ; \
    http://X ; http://x:99999 ; http://x:80 ; http://1.2.3.4/ ; http://a.b?x ; http://a.b#f ; \
    http://a:b@c.de ; http://[::1]/ ; http://A.B ; https://github.com/Me ; \
    https://x.y/a%20b ; tcp://a ; udp://a ; ws://a ; wss://a ; x:80 ; http://localhost ; \
    http://localhost:5000/a ; http://a--b.c ; xn--a.b ; http://a.museum ; a@b.c ; \
    http://me@x.y ; http://é.de ; http://a.b/;, ; http://1 ; 1.2.3.4";
    const NO_PAGES: &str = "\
        http:// ; http: ; http:/x ; x:y ; //example.org ; HTTP://X ; http://a b ; http://a%zz ; \
    http://[::1 ; git@github.com:a/b ; a:b:c ; 1:2 ; ./x ; ://x ; http://x:port ; #x ; \
    mailto:a ; http://user@:80/ ; oci://x ; X ; x ; x/y ; http://1.2.3 ; a_b.c ; \
    http://-a.b ; http://a-.b ; http://a..b ; .a ; a. ; A.B ; A.b ; https://x.y/a b ; \
    irc://a ; git://a.b ; file://a ; x:0 ; localhost ; ab ; a-b ; a--b ; http://a.b.c.d ; \
    http://a.b: ; http://a.b:80x ; http://300.1.1.1 ; me@x ; /x ; ?x ; a,b ; a;b ; \
    http://a_b ; http://_a.b ; http://a.1 ; http://a.b1 ; 1 ;  http://a";

    const MAILS: &str = "\
        a@b.c ; a@b_c.de ; a+b@c.de ; ü@c.de ; a@b.c. ; A@B.DE ; o'x@b.de ; a/b@c.de ; \
    a@ex_ample.org";
    const NO_MAILS: &str = "\
        a@b ; a b@c.de ; \"a b\"@c.de ; a.@b.de ; .a@b.de ; a..b@c.de ; a@-b.de ; a@b-.de ; \
    a@c.d1 ; a@1.2.3.4 ; a@[1.2.3.4] ; @b.de ; a@ ; a@b.de  ; a@b.123 ; <a@b.de> ; \
    Me <a@b.de> ; a,b@c.de ; a@b,de";

    #[test]
    fn uris_have_a_scheme() {
        check(is_uri, URIS, NO_URIS);
        assert!(!is_uri(""));
    }

    #[test]
    fn pages_have_a_host() {
        check(is_page, PAGES, NO_PAGES);
    }

    #[test]
    fn mail_has_an_address() {
        check(is_mail, MAILS, NO_MAILS);
    }
}
