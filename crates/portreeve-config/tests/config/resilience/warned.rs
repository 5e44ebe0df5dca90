use super::{pool_file, route_file};
use crate::sound;

fn warnings(source: &str) -> Vec<String> {
    sound(source).warnings()
}

const NOTHING: [&str; 0] = [];

#[test]
fn zones_of_backends_need_our_own() {
    let pool = "[pool.api]\nbackends = [{ address = \"a:1\", zone = \"eu\" }]\n";
    assert_eq!(
        warnings(pool),
        ["pool.api.backends: their zones have no effect, as the top of the file does not say zone = \"...\""]
    );
    assert_eq!(warnings(&format!("zone = \"us\"\n{pool}")), NOTHING);
}

#[test]
fn our_zone_needs_those_of_backends() {
    let alone = format!("zone = \"eu\"\n{}", pool_file(""));
    assert_eq!(
        warnings(&alone),
        ["zone: has no effect, as no backend says in which zone it is"]
    );
    let open = "zone = \"eu\"\n[listener.a]\nbind = \":1\"\nregistration = true\n[pool.api]\n";
    assert_eq!(warnings(open), NOTHING, "one that registers may say its zone");
}

#[test]
fn a_share_of_less_than_one_backend_ejects_nobody() {
    let of = |backends: &str, share: &str| {
        warnings(&format!(
            "[pool.api]\nbackends = {backends}\n[pool.api.ejection]\nshare_max = \"{share}\"\n"
        ))
    };
    let three = "[\"10.0.0.1:1\", \"10.0.0.2:1\", \"unix:/a\"]";
    assert_eq!(
        of(three, "33%"),
        ["pool.api.ejection.share_max: ejects nobody, as 33% of 3 is less than one backend"]
    );
    assert_eq!(of(three, "34%"), NOTHING);
    assert_eq!(of("\"a:1\"", "10%"), NOTHING, "a name may stand for many");
    assert_eq!(
        of("\"10.0.0.1:1\"", "50%"),
        NOTHING,
        "the default is nobody's fault"
    );
}

#[test]
fn a_timeout_behind_that_of_the_pool_has_no_effect() {
    let short = "timeout = \"5s\"\n[pool.api.limits]\ntotal_timeout = \"4s\"";
    assert_eq!(
        warnings(&route_file(short)),
        ["route.shop.timeout: has no effect, as limits.total_timeout of pool api is shorter"]
    );
    let split = short.replace("[pool.api", "split = { canary = \"5%\" }\n[pool.api");
    assert_eq!(
        warnings(&route_file(&split)),
        NOTHING,
        "the canary has no such limit"
    );
    assert_eq!(warnings(&route_file(&short.replace("\"4s\"", "\"5s\""))), NOTHING);
}
