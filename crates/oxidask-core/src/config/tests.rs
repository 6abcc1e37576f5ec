//! The configuration through its public edge.

use proptest::prelude::*;

use super::emit::to_yaml;
use super::environment::collect_env;
use super::inherit::{deserialize, serialize};
use super::merge::{merge, update};
use super::path::canonical_name;
use super::*;

fn tree(text: &str) -> Map {
    parse_tree(text).unwrap()
}

#[test]
fn defaults_are_read_and_hold_what_the_runtime_asks_for() {
    let config = Config::new();
    let text = |path: &str| config.get(path).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(text("local.memory-limit").as_deref(), Some("auto"));
    assert_eq!(text("visualization.engine").as_deref(), Some("oxidask"));
    assert_eq!(
        config.get("optimization.fuse.max_height").and_then(Value::as_f64),
        Some(f64::INFINITY)
    );
    assert_eq!(config.get("distributed.worker.memory.target"), Some(&Value::Float(0.6)));
    assert_eq!(config.get("array.chunk-size.nothing"), None);
}

#[test]
fn every_renamed_setting_has_a_default() {
    let config = Config::new();
    for (former, present) in deprecation::DEPRECATIONS {
        let present = present.unwrap();
        assert!(config.get(present).is_some(), "{former} -> {present}");
        assert!(!deprecation::DEPRECATIONS.iter().any(|(other, _)| *other == present));
    }
}

#[test]
fn names_match_in_every_spelling() {
    let mut map = tree("{x-y: {a_b: 1}, one_two-three: 2}");
    for path in ["x_y.a_b", "x-y.a-b", "x_y.a-b"] {
        assert_eq!(path::get(&map, path), Some(&Value::Int(1)), "{path}");
    }
    assert_eq!(canonical_name(&map, "one-two-three"), "one_two-three");
    assert_eq!(canonical_name(&map, "new_name"), "new_name");
    path::set(&mut map, "x_y.a-b", 5i64.into()).unwrap();
    path::set(&mut map, "x_y.c_d.e", true.into()).unwrap();
    assert_eq!(map, tree("{x-y: {a_b: 5, c_d: {e: true}}, one_two-three: 2}"));
    assert_eq!(path::pop(&mut map, "x-y.c-d"), Some(tree("e: true").into()));
    assert_eq!(path::pop(&mut map, "x-y.c-d"), None);
}

#[test]
fn a_plain_value_in_the_way_is_an_error_and_nothing_is_lost() {
    let mut map = tree("a: 3");
    let error = path::set(&mut map, "a.b", 1i64.into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot set 'a.b': 'a' holds a whole number, which has no names inside; set 'a' itself"
    );
    assert_eq!(map, tree("a: 3"));
}

#[test]
fn priorities_decide() {
    let merged = |old: &str, new: &str, priority: Priority<'_>| {
        let mut old = tree(old);
        update(&mut old, tree(new), priority);
        old
    };
    let (old, new) = ("{x: 1, y: 2, z: {a: 1, b: 2}, c: 2}", "{x: 3, y: 3, z: {a: 3, b: 3}, c: 3}");
    assert_eq!(merged(old, new, Priority::New), tree(new));
    assert_eq!(merged(old, new, Priority::Old), tree(old));
    let former = tree("{x: 1, y: 1, z: {a: 1, b: 1}}");
    assert_eq!(
        merged(old, new, Priority::NewDefaults(&former)),
        tree("{x: 3, y: 2, z: {a: 3, b: 2}, c: 2}")
    );
    assert_eq!(merge([tree("{x: [1], w: 3}"), tree("x: {y: 1}")]), tree("{w: 3, x: {y: 1}}"));
    assert_eq!(merge([tree("x: {y: 1}"), tree("x: [1]")]), tree("x: [1]"));
}

#[test]
fn variables_become_settings_and_ours_win() {
    let (found, notices) = collect_env([
        ("OXIDASK_A__B_C", "1"),
        ("OXIDASK_SHARED", "ours"),
        ("DASK_SHARED", "theirs"),
        ("DASK_FUSE_AVE_WIDTH", "7"),
        ("OXIDASK_CONFIG", "/somewhere"),
        ("OXIDASK_", "1"),
        ("HOME", "/home/ada"),
    ])
    .unwrap();
    assert_eq!(found, tree("{a: {b_c: 1}, shared: ours, optimization: {fuse: {ave-width: 7}}}"));
    assert_eq!(notices.len(), 1);
    let inherited = serialize(&tree("{a: {b: 1}, c: 2}").into());
    let (found, _) =
        collect_env([("OXIDASK_C", "3"), ("OXIDASK_INTERNAL_INHERIT_CONFIG", &*inherited)])
            .unwrap();
    assert_eq!(found, tree("{a: {b: 1}, c: 3}"));
    assert!(collect_env([("OXIDASK_A", "3"), ("OXIDASK_A__B", "1")]).is_err());
}

#[test]
fn refreshing_moves_former_names_and_keeps_unanswered_notices() {
    let mut config = Config::new();
    let notices = config
        .refresh([
            tree("{fuse-ave-width: 123, fuse_max_width: 456}"),
            tree("{fuse-max-width: 457}"),
            tree("optimization: {fuse: {ave-width: 789}}"),
        ])
        .unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].present, Some("optimization.fuse.max-width"));
    assert_eq!(config.get("optimization.fuse.ave-width"), Some(&Value::Int(789)));
    assert_eq!(config.get("optimization.fuse.max-width"), Some(&Value::Int(457)));
}

#[test]
fn new_defaults_leave_what_a_user_set() {
    let mut config = Config::new();
    config.set("mine.b", 5i64).unwrap();
    config.update_defaults(tree("mine: {a: 1, b: 1}"));
    config.update_defaults(tree("mine: {a: 2, b: 2}"));
    assert_eq!(config.get("mine"), Some(&tree("{a: 2, b: 5}").into()));
}

#[test]
fn anchors_and_merges() {
    let value =
        tree("base: &b {x: 1, y: 2}\nown: {<<: *b, y: 3}\nagain: *b\nboth: {<<: [{x: 5}, *b]}");
    assert_eq!(
        value,
        tree("{base: {x: 1, y: 2}, own: {x: 1, y: 3}, again: {x: 1, y: 2}, both: {x: 5, y: 2}}")
    );
}

#[test]
fn aliases_cannot_fill_the_memory() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{inner}]\n");
    }
    assert!(parse_yaml(&text).unwrap_err().to_string().contains("aliases"));
}

#[test]
fn errors_name_the_place() {
    for (text, place) in [
        ("a: 1\nb: [1, 2", "line 3"),
        ("a: 1\n---\nb: 2", "line 2"),
        ("a: !!python/name:os.system x", "line 1, column 4"),
        ("{[1]: 2}", "line 1"),
        ("a: *b", "line 1"),
    ] {
        let error = parse_yaml(text).unwrap_err().to_string();
        assert!(error.starts_with(place), "{text}: {error}");
    }
    assert!(parse_yaml(&"[".repeat(100_000)).is_err());
    assert_eq!(parse_tree("[1]"), Err(ConfigError::NotAMapping { found: "a list" }));
    assert_eq!(parse_tree("# nothing\n"), Ok(Map::new()));
}

#[test]
fn written_text_is_block_style() {
    let value =
        parse_yaml("{a: {b: [1, {c: 'yes', d: ~}], e: []}, f: 'x: y', g: 1.0e+30}").unwrap();
    let text = "a:\n  b:\n  - 1\n  - c: 'yes'\n    d: null\n  e: []\nf: 'x: y'\ng: 1.0e+30\n";
    assert_eq!(to_yaml(&value), text);
}

#[test]
fn long_names_come_back() {
    let inner: Value = tree("{a: [1], b: {c: 2}}").into();
    for value in [inner.clone(), Value::Null, vec![Value::Null, inner].into()] {
        let value =
            Value::from(Map::from_iter([("é: ".repeat(1000), value), ("z".into(), true.into())]));
        let value = Value::from(Map::from_iter([("outer", value)]));
        assert_eq!(parse_yaml(&to_yaml(&value)).unwrap(), value);
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("not equal to itself", |x| !x.is_nan()).prop_map(Value::Float),
        any::<String>().prop_map(Value::Str),
        "[-+0-9a-fnoxyes_.:~ #'\"]{0,8}".prop_map(Value::Str),
    ];
    plain.prop_recursive(4, 40, 5, |inner| {
        let name = prop_oneof!["[a-z_-]{1,6}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec((name, inner), 0..5)
                .prop_map(|entries| Value::Map(Map::from_iter(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn yaml_comes_back(value in any_value()) {
        prop_assert_eq!(parse_yaml(&to_yaml(&value)).unwrap(), value);
    }

    #[test]
    fn inherited_text_comes_back(value in any_value()) {
        prop_assert_eq!(deserialize(&serialize(&value)).unwrap(), value);
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in any::<String>()) {
        let _ = parse_yaml(&text);
        let _ = literal::interpret_value(&text);
        let _ = deserialize(&text);
    }
}
