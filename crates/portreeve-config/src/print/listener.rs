//! `[listener.NAME]`.

use portreeve_model::plan::{Carries, Http2Plan, ListenerPlan, RedirectPlan};

use super::said::{Said, bytes, number, time};
use super::{Text, limits, packets, registration, tls};
use crate::listener::redirect;
use crate::place::quoted;
use crate::whole;

/// The section of one listener, and those below it.
pub(super) fn section(file: &mut Text, listener: &ListenerPlan) {
    file.section(&["listener", &listener.name]);
    file.text("bind", &whole::show(&listener.bind));
    if listener.carries == Carries::Tcp {
        file.text("carries", "tcp");
    }
    let networks = listener.trusted_proxies.iter().map(registration::network);
    file.many("trusted_proxies", &networks.collect::<Vec<_>>());
    let networks = listener.proxy_protocol.iter().map(registration::network);
    file.many("proxy_protocol", &networks.collect::<Vec<_>>());
    if listener.forwarded {
        file.value("forwarded", true);
    }
    if let Some(plan) = &listener.packets {
        file.value("packets", packets::packets(plan));
    }
    if listener.registration {
        file.value("registration", true);
    }
    if let Some(plan) = &listener.redirect {
        file.value("redirect_to_https", redirect_to(plan));
    }
    if !listener.http2.is_on {
        file.value("http2", false);
    }
    if let Some(plan) = &listener.tls {
        tls::clients(file, &listener.name, plan);
    }
    http2(file, &listener.name, &listener.http2);
    limits::client(file, &listener.name, &listener.limits);
}

fn redirect_to(plan: &RedirectPlan) -> String {
    match (&plan.to, plan.status == redirect::plain().status) {
        (None, true) => "true".to_owned(),
        (Some(listener), true) => quoted(listener),
        (to, false) => {
            let mut said = Said::default();
            said.some("listener", to.as_deref(), quoted);
            said.value("status", plan.status.to_string());
            said.table()
        }
    }
}

/// `[listener.NAME.http2]`, if there is anything to say.
fn http2(file: &mut Text, name: &str, plan: &Http2Plan) {
    let plain = Http2Plan::default();
    if !plan.is_on {
        return;
    }
    let mut said = Said::default();
    said.unless("streams_max", plan.streams_max, plain.streams_max, number);
    said.unless("stream_window", plan.stream_window, plain.stream_window, bytes);
    said.unless(
        "connection_window",
        plan.connection_window,
        plain.connection_window,
        bytes,
    );
    said.unless("resets_max", plan.resets_max, plain.resets_max, number);
    said.unless(
        "idle_frames_max",
        plan.idle_frames_max,
        plain.idle_frames_max,
        number,
    );
    said.some("idle_timeout", plan.idle_timeout, time);
    said.write(file, &["listener", name, "http2"]);
}
