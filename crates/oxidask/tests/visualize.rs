//! Pictures of task graphs, through the public edge: nothing overlaps, edges follow the direction,
//! and every format can be read back.

use oxidask::visualize::{
    Colour, Direction, MAX_PNG_PIXELS, MAX_PNG_SIDE, Picture, PictureError, PictureNode, Placed,
    Shape,
};
use proptest::prelude::*;

const DIRECTIONS: [Direction; 4] = [
    Direction::TopToBottom,
    Direction::BottomToTop,
    Direction::LeftToRight,
    Direction::RightToLeft,
];
const SHAPES: [Shape; 7] = [
    Shape::Box,
    Shape::RoundedBox,
    Shape::Square,
    Shape::Circle,
    Shape::Ellipse,
    Shape::Diamond,
    Shape::Plain,
];

fn picture(n_nodes: usize, edges: Vec<(u32, u32)>, direction: Direction) -> Picture {
    let nodes = (0..n_nodes)
        .map(|at| {
            let shape = if at % 2 == 0 { Shape::Box } else { Shape::Circle };
            PictureNode::new(format!("({at}, 0)"), shape)
        })
        .collect();
    Picture::new(nodes, edges, direction).expect("the edges are in range")
}

/// From 0 where the node is entered to its far side, along the direction of the picture.
fn along(placed: Placed, direction: Direction) -> (f32, f32) {
    let Placed { x, y, width, height } = placed;
    match direction {
        Direction::TopToBottom => (y - height / 2.0, y + height / 2.0),
        Direction::BottomToTop => (-y - height / 2.0, -y + height / 2.0),
        Direction::LeftToRight => (x - width / 2.0, x + width / 2.0),
        Direction::RightToLeft => (-x - width / 2.0, -x + width / 2.0),
    }
}

fn overlap(a: Placed, b: Placed) -> bool {
    (a.x - b.x).abs() * 2.0 < a.width + b.width - 0.01
        && (a.y - b.y).abs() * 2.0 < a.height + b.height - 0.01
}

/// Opening and closing tags match, attributes are quoted, and nothing is left unescaped.
fn assert_well_formed(xml: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let (text, tagged) = rest.split_at(start);
        assert!(!text.contains('>'), "a bare > in {text:?}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().expect("split gives one piece at least");
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "bad entity in {text:?}");
        }
        let end = tagged.find('>').expect("every tag is closed");
        let tag = &tagged[1..end];
        assert!(!tag.contains('<'), "a bare < in {tag:?}");
        assert_eq!(tag.matches('"').count() % 2, 0, "an odd number of quotes in {tag:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "</{name}> closes another element");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or_default().to_owned());
        }
        rest = &tagged[end + 1..];
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    assert!(rest.trim().is_empty());
}

fn decode(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a PNG");
    let size = reader.output_buffer_size().expect("it fits into memory");
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).expect("the pixels are all there");
    (info.width, info.height, pixels)
}

prop_compose! {
    fn dags()(n_nodes in 1usize..60)(
        edges in prop::collection::vec((0..n_nodes as u32, 0..n_nodes as u32), 0..120),
        n_nodes in Just(n_nodes),
        direction in prop::sample::select(&DIRECTIONS[..]),
    ) -> (usize, Vec<(u32, u32)>, Direction) {
        let forward = |(a, b): (u32, u32)| (a.min(b), a.max(b));
        let edges = edges.into_iter().map(forward).filter(|edge| edge.0 != edge.1).collect();
        (n_nodes, edges, direction)
    }
}

proptest! {
    #[test]
    fn edges_follow_the_direction_and_nodes_keep_apart((n_nodes, edges, direction) in dags()) {
        let picture = picture(n_nodes, edges.clone(), direction);
        let placed = picture.place();
        for (from, to) in edges {
            let leaves = along(placed[from as usize], direction).1;
            let enters = along(placed[to as usize], direction).0;
            prop_assert!(leaves < enters, "{from} -> {to}: {leaves} is not before {enters}");
        }
        for (at, a) in placed.iter().enumerate() {
            prop_assert!(a.x >= a.width / 2.0 && a.y >= a.height / 2.0, "{a:?} sticks out");
            for b in &placed[at + 1..] {
                prop_assert!(!overlap(*a, *b), "{a:?} and {b:?} overlap");
            }
        }
    }

    #[test]
    fn any_label_gives_well_formed_svg(label in any::<String>(), tooltip in any::<String>()) {
        let mut node = PictureNode::new(label, Shape::Circle);
        node.tooltip = Some(tooltip);
        let picture = Picture::new(vec![node], vec![], Direction::default())?;
        assert_well_formed(&picture.to_svg());
    }

    #[test]
    fn cycles_and_loops_are_drawn_too(edges in prop::collection::vec((0u32..8, 0u32..8), 0..30)) {
        let placed = picture(8, edges.clone(), Direction::TopToBottom).place();
        for (at, a) in placed.iter().enumerate() {
            prop_assert!(placed[at + 1..].iter().all(|b| !overlap(*a, *b)));
        }
        assert_well_formed(&picture(8, edges, Direction::TopToBottom).to_svg());
    }
}

#[test]
fn a_layout_does_not_depend_on_anything_but_the_graph() {
    let edges: Vec<(u32, u32)> = (1..40).map(|at| (at / 3, at)).collect();
    let first = picture(40, edges.clone(), Direction::LeftToRight);
    let second = picture(40, edges, Direction::LeftToRight);
    assert_eq!(first.place(), second.place());
    assert_eq!(first.to_svg(), second.to_svg());
}

#[test]
fn a_tree_is_drawn_without_crossings_and_a_chain_straight() {
    // Eight leaves, reduced by twos, numbered so that input order says nothing.
    let edges = vec![
        (7, 8),
        (0, 8),
        (3, 9),
        (5, 9),
        (1, 10),
        (6, 10),
        (2, 11),
        (4, 11),
        (8, 12),
        (10, 12),
        (9, 13),
        (11, 13),
        (12, 14),
        (13, 14),
        (14, 15),
        (15, 16),
    ];
    let placed = picture(17, edges.clone(), Direction::TopToBottom).place();
    for (at, &(a, b)) in edges.iter().enumerate() {
        for &(c, d) in &edges[at + 1..] {
            let same_layer = placed[a as usize].y == placed[c as usize].y;
            let x = |node: u32| placed[node as usize].x;
            let crosses = (x(a) - x(c)) * (x(b) - x(d)) < 0.0;
            assert!(!(same_layer && crosses), "{a} -> {b} crosses {c} -> {d}");
        }
    }
    assert!((placed[14].x - placed[15].x).abs() < 0.5 && (placed[15].x - placed[16].x).abs() < 0.5);
}

#[test]
fn svg_shows_labels_escaped_with_every_shape() {
    let nodes: Vec<PictureNode> = SHAPES
        .iter()
        .map(|&shape| {
            let mut node = PictureNode::new("<a & 'b'> \"c\"\u{1}", shape);
            node.fill = Some(Colour::opaque(255, 0, 0));
            node.outline = Some(Colour { alpha: 128, ..Colour::BLACK });
            node.outline_width = 2.5;
            node.tooltip = Some("]]>&".to_owned());
            node
        })
        .collect();
    let edges = (1..SHAPES.len() as u32).map(|at| (at - 1, at)).collect();
    let svg = Picture::new(nodes, edges, Direction::LeftToRight).expect("in range").to_svg();
    assert_well_formed(&svg);
    assert!(svg.contains("&lt;a &amp; &#39;b&#39;&gt; &quot;c&quot;\u{fffd}"));
    for element in ["<rect", "<circle", "<ellipse", "rx=\"6\"", "fill=\"#ff0000\""] {
        assert!(svg.contains(element), "no {element}");
    }
    assert_eq!(svg.matches("<title>]]&gt;&amp;</title>").count(), SHAPES.len());
}

#[test]
fn png_shows_the_fill_the_outline_and_the_label() {
    let mut node = PictureNode::new("", Shape::Square);
    node.fill = Some(Colour::opaque(0, 200, 100));
    let empty = Picture::new(vec![node.clone()], vec![], Direction::default()).expect("no edges");
    node.label = "label".to_owned();
    let full = Picture::new(vec![node], vec![], Direction::default()).expect("no edges");
    let (width, height, pixels) = decode(&empty.to_png(2.0).expect("drawable"));
    assert_eq!(pixels.len(), width as usize * height as usize * 3);
    let middle = (height / 2 * width + width / 2) as usize * 3;
    assert_eq!(pixels[middle..middle + 3], [0, 200, 100]);
    assert_eq!(pixels[..3], [255, 255, 255]);
    let dark = |pixels: &[u8]| pixels.chunks(3).filter(|p| p.iter().all(|&c| c < 40)).count();
    let (_, _, labelled) = decode(&full.to_png(2.0).expect("drawable"));
    assert!(dark(&labelled) > dark(&pixels) + 50, "the label leaves its mark");
}

#[test]
fn a_huge_png_is_scaled_down_to_the_limits() {
    let wide = picture(3_000, (1..3_000).map(|leaf| (0, leaf)).collect(), Direction::TopToBottom);
    let (width, height, _) = decode(&wide.to_png(1.0).expect("drawable"));
    assert_eq!(width.max(height), MAX_PNG_SIDE);
    let many = picture(4_000, vec![], Direction::TopToBottom);
    let (width, height, _) = decode(&many.to_png(20.0).expect("drawable"));
    assert!(width * height <= MAX_PNG_PIXELS + width + height);
}

#[test]
fn an_empty_picture_is_a_picture() {
    for direction in DIRECTIONS {
        let empty = picture(0, vec![], direction);
        assert_well_formed(&empty.to_svg());
        assert!(decode(&empty.to_png(1.0).expect("drawable")).0 > 0);
        assert_eq!(empty.to_dot().lines().count(), 3);
    }
}

#[test]
fn dot_names_the_direction_every_node_and_every_edge() {
    let mut node = PictureNode::new("a \"b\"\\", Shape::Diamond);
    node.fill = Some(Colour::opaque(255, 136, 0));
    let own = [("label", "x y"), ("shape", "house"), ("color", "red")];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let house = PictureNode::from_attributes(own, &[]).expect("known colours");
    let nodes = vec![node, PictureNode::new("sum", Shape::Circle), house];
    let picture = Picture::new(nodes, vec![(0, 1)], Direction::BottomToTop).expect("in range");
    let expected = [
        "digraph {",
        "\tgraph [rankdir=BT]",
        r##"	0 [label="a \"b\"\\" shape=diamond style=filled fillcolor="#ff8800"]"##,
        "\t1 [label=sum shape=circle]",
        "\t2 [label=\"x y\" shape=house color=red]",
        "\t0 -> 1",
        "}",
    ];
    assert_eq!(picture.to_dot().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn nodes_take_graphviz_attributes_and_override_those_of_all_nodes() {
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pair = |word: &str| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        text.split_whitespace().filter_map(pair).collect()
    };
    let shared = pairs("shape=box color=blue fontcolor=#00ff00 penwidth=2");
    let own = pairs("label=a color=red style=filled,rounded tooltip=t");
    let node = PictureNode::from_attributes(own, &shared).expect("all of it can be drawn");
    assert_eq!((node.label.as_str(), node.shape), ("a", Shape::RoundedBox));
    assert_eq!(node.outline, Some(Colour::opaque(255, 0, 0)));
    assert_eq!(node.fill, node.outline);
    assert_eq!(node.text_colour, Some(Colour::opaque(0, 255, 0)));
    assert_eq!((node.outline_width, node.tooltip.as_deref()), (2.0, Some("t")));
    for bad in ["color=reddish", "fillcolor=#12345", "penwidth=wide", "penwidth=-1"] {
        let error = PictureNode::from_attributes(pairs(bad), &[]).expect_err("cannot be drawn");
        let value = bad.split('=').nth(1).expect("a value");
        assert!(error.to_string().contains(value), "{error}");
    }
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let nodes = vec![PictureNode::new("a", Shape::Box)];
    let error = Picture::new(nodes, vec![(0, 7)], Direction::default()).expect_err("no node 7");
    assert!(matches!(error, PictureError::EdgeOutOfRange { from: 0, to: 7, n_nodes: 1 }));
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = picture(1, vec![], Direction::default()).to_png(scale).expect_err("no size");
        assert!(matches!(error, PictureError::Scale { .. }), "{error}");
    }
    for bad in ["", "#12", "#gggggg", "#\u{e9}\u{e9}\u{e9}", "nocolour"] {
        let error = bad.parse::<Colour>().expect_err("not a colour");
        assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
    }
    assert_eq!("#f80".parse::<Colour>().expect("short"), Colour::opaque(255, 136, 0));
    assert_eq!("Red".parse::<Colour>().expect("a name"), Colour::opaque(255, 0, 0));
    assert!("XY".parse::<Direction>().is_err());
}

#[test]
fn lines_that_live_long_do_not_cost_the_square_of_their_length() {
    // A chain of 20,000 of which every task also reads the first.
    let n_nodes = 20_000u32;
    let edges = (1..n_nodes).flat_map(|at| [(at - 1, at), (0, at)]).collect();
    let svg = picture(n_nodes as usize, edges, Direction::BottomToTop).to_svg();
    assert!(svg.len() < 600 * n_nodes as usize, "{} bytes", svg.len());
    // As many sources read only at the far end of a chain: beyond the budget, one stroke each.
    let edges = (1..2_000).map(|at| (at - 1, at)).chain((0..1_000).map(|at| (at, 1_999)));
    let svg = picture(2_000, edges.collect(), Direction::BottomToTop).to_svg();
    assert!(svg.len() < 4_000_000, "{} bytes", svg.len());
}
