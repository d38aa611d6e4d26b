//! Steps one after the other, and what each took.

use crate::Result;
use std::{
    fs,
    time::{Duration, Instant},
};

#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

struct Step {
    name: &'static str,
    took: Duration,
    /// Of all processes that the step started, in seconds; none where the system does not tell.
    cpu: Option<f64>,
}

impl Steps {
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n── {name} ──");
        let (began, cpu) = (Instant::now(), children_cpu());
        step().map_err(|why| format!("cargo ci stopped at: {name}\n{why}"))?;
        let cpu = children_cpu().zip(cpu).map(|(now, before)| now - before);
        self.0.push(Step { name, took: began.elapsed(), cpu });
        Ok(())
    }

    pub(crate) fn report(&self) {
        println!("\ncargo ci: all green\n     clock       CPU");
        for Step { name, took, cpu } in &self.0 {
            println!("{:>8.1} s  {}  {name}", took.as_secs_f64(), seconds(*cpu));
        }
        let took: f64 = self.0.iter().map(|step| step.took.as_secs_f64()).sum();
        let cpu: Option<f64> = self.0.iter().map(|step| step.cpu).sum();
        println!("{took:>8.1} s  {}  in all", seconds(cpu));
    }
}

fn seconds(cpu: Option<f64>) -> String {
    cpu.map_or_else(|| "         –".to_owned(), |cpu| format!("{cpu:>8.1} s"))
}

/// What the ended children of this process have used, in seconds: fields 16 and 17 of Linux's `/proc/self/stat`, in hundredths.
fn children_cpu() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in parentheses, which may hold blanks.
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(13).take(2).map(str::parse::<f64>);
    ticks.sum::<std::result::Result<f64, _>>().ok().map(|ticks| ticks / 100.0)
}
