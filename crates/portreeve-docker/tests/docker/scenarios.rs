//! What is to be seen with a real engine, one after the other.

mod ends;
mod faults;
mod leads;
mod starts;
mod stays;

use std::path::Path;
use std::time::Instant;

use crate::bench::Bench;

pub(crate) async fn all(folder: &Path) {
    let bench = Bench::set_up(folder).await;
    let start = Instant::now();
    macro_rules! run {
        ($($part:ident :: $fact:ident),* $(,)?) => {
            $(
                $part::$fact(&bench).await;
                tell(start, stringify!($fact));
            )*
        };
    }
    run![
        starts::it_serves_at_its_own_address_with_all_that_it_was_told,
        starts::its_command_and_limits_are_those_of_the_plan,
        starts::it_joins_the_network_of_the_plan,
        ends::who_is_asked_ends_in_its_own_way_and_leaves_nothing,
        ends::who_does_not_listen_is_killed,
        ends::who_dies_at_once_leaves_its_last_words,
        ends::who_uses_too_much_memory_is_told_so,
        ends::who_is_paused_can_be_ended,
        faults::an_image_that_is_not_there_is_named,
        faults::a_command_that_is_not_there_is_named_and_nothing_is_left,
        faults::a_network_that_is_not_there_is_named,
        faults::a_network_without_addresses_is_refused,
        faults::an_id_is_used_once,
        stays::a_restarted_proxy_adopts_what_runs,
        stays::one_that_never_ran_is_starting_and_can_be_ended,
        stays::what_ended_meanwhile_is_tidied_up_and_told,
        stays::instances_outlive_an_engine_that_is_killed,
        leads::one_of_two_leads_until_it_resigns,
        leads::who_does_not_renew_is_followed,
        leads::a_restarted_proxy_leads_at_once,
    ];
    assert_eq!(bench.containers().await, [] as [String; 0], "something is left");
    assert!(
        !bench.log.text().contains("ptv_very_secret"),
        "a token was logged"
    );
}

fn tell(start: Instant, fact: &str) {
    let line = format!("{:>6.2} s  {fact}\n", start.elapsed().as_secs_f64());
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}
