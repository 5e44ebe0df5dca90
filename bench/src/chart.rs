//! The chart of a run: for each scenario a panel of bars with a scale of its own, and the target as a dashed line.

use std::fmt::Write as _;

use crate::compare::{CPU, best_peer, spread};
use crate::contender::Contender;
use crate::report::{bytes, of};
use crate::results::{Measured, Results, Spread};
use crate::scenario::{Scenario, Work};

/// Draws all scenarios that have bars to compare.
pub(crate) fn draw(results: &Results) -> String {
    let panels: Vec<Panel> = of(results)
        .filter_map(|(scenario, measured)| Panel::of(scenario, measured))
        .collect();
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (
        COLUMNS * PANEL_WIDTH + MARGIN,
        HEADER + rows * PANEL_HEIGHT + FOOTER,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1f2328\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"28\" font-size=\"17\" font-weight=\"600\">CPU time per request, and memory per idle \
         connection: shorter is better</text>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let (x, y) = (
            MARGIN + index % COLUMNS * PANEL_WIDTH,
            HEADER + index / COLUMNS * PANEL_HEIGHT,
        );
        let _ = writeln!(svg, "<g transform=\"translate({x},{y})\">\n{}</g>", panel.draw());
    }
    let note =
        "Bars: median of the rounds; thin line: lowest to highest round. Dashed: the target for Portreeve.";
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\" fill=\"#59636e\">{note}</text>\n</svg>",
        height - 14
    );
    svg
}

struct Panel {
    title: &'static str,
    unit: &'static str,
    bars: Vec<(Contender, Spread)>,
    target: Option<f64>,
}

impl Panel {
    fn of(scenario: &Scenario, measured: &Measured) -> Option<Panel> {
        let panel = match scenario.work {
            Work::Load(_) => Panel {
                title: scenario.title,
                unit: "µs",
                bars: bars(|contender| spread(measured, contender.name(), CPU)),
                target: cpu_target(scenario, measured),
            },
            Work::Idle { .. } => Panel {
                title: scenario.title,
                unit: "KiB",
                bars: bars(|contender| bytes(measured, contender).map(|spread| spread.scaled(1.0 / 1024.0))),
                target: scenario.targets.bytes.map(|bytes| bytes / 1024.0),
            },
            Work::Scaling(_) => return None,
        };
        (!panel.bars.is_empty()).then_some(panel)
    }

    fn draw(&self) -> String {
        let longest = self
            .bars
            .iter()
            .map(|(_, spread)| spread.max)
            .chain(self.target)
            .fold(0.0, f64::max);
        let scale = BARS_WIDTH / longest.max(f64::MIN_POSITIVE);
        let bars = || self.bars.iter().zip((TITLE..).step_by(BAR_STEP));
        let mut svg = format!("<text y=\"14\" font-weight=\"600\">{}</text>\n", self.title);
        svg.extend(bars().map(|((contender, spread), y)| bar(*contender, spread, scale, y)));
        if let Some(target) = self.target {
            svg += &line(target, self.unit, scale, TITLE + self.bars.len() * BAR_STEP);
        }
        svg.extend(bars().map(|((_, spread), y)| value(spread, self.unit, scale, y)));
        svg
    }
}

fn bars(spread: impl Fn(Contender) -> Option<Spread>) -> Vec<(Contender, Spread)> {
    Contender::ALL
        .into_iter()
        .filter_map(|contender| Some((contender, spread(contender)?)))
        .collect()
}

/// The stricter of the two bounds, as a time.
fn cpu_target(scenario: &Scenario, measured: &Measured) -> Option<f64> {
    let bound = |ratio: Option<f64>, name: Option<Contender>| {
        Some(ratio? * spread(measured, name?.name(), CPU)?.median)
    };
    let targets = scenario.targets;
    let bounds = [
        bound(targets.of_best_peer, best_peer(measured, CPU)),
        bound(targets.of_relay, Some(Contender::Relay)),
    ];
    bounds.into_iter().flatten().min_by(f64::total_cmp)
}

fn bar(contender: Contender, spread: &Spread, scale: f64, y: usize) -> String {
    let [length, min, max] = [spread.median, spread.min, spread.max].map(|value| value * scale);
    let (name, colour) = (contender.name(), colour(contender));
    let (text, middle, min, max) = (y + 14, y + 9, min + NAMES_WIDTH, max + NAMES_WIDTH);
    format!(
        "<text x=\"0\" y=\"{text}\">{name}</text>\
         <rect x=\"{NAMES_WIDTH}\" y=\"{y}\" width=\"{length:.1}\" height=\"18\" rx=\"2\" fill=\"{colour}\"/>\
         <path d=\"M{min:.1} {middle}H{max:.1}\" stroke=\"#1f2328\" stroke-width=\"1.5\"/>\n"
    )
}

/// The figure behind a bar, on a white ground, since the target's line may pass there.
fn value(spread: &Spread, unit: &str, scale: f64, y: usize) -> String {
    let (x, y, text) = (
        spread.max * scale + NAMES_WIDTH + 6.0,
        y + 14,
        shown(spread.median, unit),
    );
    format!(
        "<text x=\"{x:.1}\" y=\"{y}\" stroke=\"#ffffff\" stroke-width=\"5\" paint-order=\"stroke\">{text}</text>\n"
    )
}

fn line(target: f64, unit: &str, scale: f64, bottom: usize) -> String {
    let x = target * scale + NAMES_WIDTH;
    let (top, label) = (TITLE - 4, bottom + 14);
    let value = shown(target, unit);
    format!(
        "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#cf222e\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"/>\
         <text x=\"{x:.1}\" y=\"{label}\" text-anchor=\"middle\" font-size=\"12\" fill=\"#cf222e\">target {value}</text>\n"
    )
}

fn shown(value: f64, unit: &str) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$} {unit}")
}

fn colour(contender: Contender) -> &'static str {
    match contender {
        Contender::Portreeve => "#0969da",
        Contender::Nginx => "#57ab5a",
        Contender::Haproxy => "#d4a72c",
        Contender::Relay => "#afb8c1",
    }
}

const COLUMNS: usize = 2;
const MARGIN: usize = 24;
const HEADER: usize = 52;
const FOOTER: usize = 32;
const PANEL_WIDTH: usize = 440;
const PANEL_HEIGHT: usize = 158;
const TITLE: usize = 26;
const BAR_STEP: usize = 25;
const NAMES_WIDTH: f64 = 76.0;
/// Leaves room for the value behind the longest bar.
const BARS_WIDTH: f64 = 260.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::results::LoadSample;

    fn results() -> Results {
        let sample = |cpu_us| {
            vec![LoadSample {
                cpu_us,
                ..LoadSample::default()
            }]
        };
        let load = [
            ("portreeve", 11.0),
            ("nginx", 20.0),
            ("haproxy", 16.0),
            ("relay", 10.0),
        ];
        let load = load
            .into_iter()
            .map(|(name, cpu)| (name.to_owned(), sample(cpu)))
            .collect();
        let measured = Measured {
            load,
            ..Measured::default()
        };
        Results {
            machine: Machine::default(),
            scenarios: [("small-64".to_owned(), measured)].into(),
        }
    }

    #[test]
    fn the_target_is_the_stricter_of_the_two_bounds() {
        let results = results();
        let (scenario, measured) = of(&results).next().unwrap();
        assert_eq!(cpu_target(scenario, measured), Some(12.0)); // 0.75 of 16.0, not 1.25 of 10.0
    }

    #[test]
    fn every_contender_and_the_target_are_drawn() {
        let svg = draw(&results());
        for text in [
            "portreeve",
            "nginx",
            "haproxy",
            "relay",
            "11.0 µs",
            "target 12.0 µs",
            "</svg>",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn bars_of_one_panel_share_a_scale() {
        let panel = of(&results())
            .find_map(|(scenario, measured)| Panel::of(scenario, measured))
            .unwrap();
        let drawn = panel.draw();
        assert!(
            drawn.contains(&format!("width=\"{BARS_WIDTH:.1}\"")),
            "the longest fills the room"
        );
        assert!(
            drawn.contains(&format!("width=\"{:.1}\"", BARS_WIDTH / 2.0)),
            "half of it is half as long"
        );
    }
}
