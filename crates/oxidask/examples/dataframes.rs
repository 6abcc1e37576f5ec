//! Dataframes from Rust: text tables, conditions, groups and joins, computed in parallel.

use std::io::Write;

use oxidask::Error;
use oxidask::dataframe::{Agg, DataFrame, How, Part, Unary};

fn main() -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("oxidask-dataframes-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let outcome = run(&folder);
    // What is left behind is for the system to clear away.
    let _ = std::fs::remove_dir_all(&folder);
    outcome
}

fn run(folder: &std::path::Path) -> Result<(), Error> {
    let (flights, airports) = (folder.join("flights.csv"), folder.join("airports.csv"));
    let write = |path: &std::path::Path, lines: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        lines(&mut text);
        std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path.display().to_string()
    };
    let flights = write(&flights, &|text| {
        let _ = writeln!(text, "origin,delay");
        for flight in 0..10_000 {
            let origin = ["JFK", "EWR", "LGA"][flight % 3];
            let _ = writeln!(text, "{origin},{}", (flight % 100) as f64 - 20.0);
        }
    });
    let airports = write(&airports, &|text| {
        let _ = writeln!(text, "code,city\nJFK,New York\nEWR,Newark\nLGA,New York");
    });

    // Nothing but the first lines is read yet.
    let flights = DataFrame::read_csv([flights])?;
    let airports = DataFrame::read_csv([airports])?;
    let late = flights.filter(&flights.column("delay")?.gt(0.0)?)?;
    let of_cities = late.merge(&airports, How::Inner, &[("origin", "code")])?;
    let wants = [("delay", Agg::Mean, "mean"), ("delay", Agg::Count, "flights")];
    let cities = of_cities.group_by(["city"], &wants)?;
    assert!(cities.explain().starts_with("groupby: 1 partition"));
    assert_eq!(cities.compute()?.n_rows(), 2);

    // Columns are computed with columns and with single values; what doesn't fit is an error.
    let hours = flights.column("delay")?.div(60.0)?.map(Unary::Abs)?;
    let slowest = flights.with_column("hours", &hours)?.sort_values(&[("hours", true)])?.head(5)?;
    assert_eq!(slowest.compute()?.n_rows(), 5);
    assert!(flights.column("delay")?.part(Part::Year).is_err());
    assert!(flights.column("arrival").is_err());
    Ok(())
}
