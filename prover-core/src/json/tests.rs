use super::*;

fn place(text: &str) -> Place<'_> {
    Place::root(text)
}

#[test]
fn values_are_found_by_their_path() {
    let text = r#"{ "a" : [ 1 , {"b":"x"}, [], "\u0041" ],"c":null, "d" : 1e2, "\u0065":true,"d":7 }"#;
    let root = place(text);
    let [a, c, d, e, f] = root.keys(["a", "c", "d", "e", "f"]).expect("an object");
    let elements: Vec<_> = a.elements().expect("an array").collect();
    assert_eq!(elements.len(), 4);
    assert_eq!(elements[0].unsigned(), Ok(1));
    assert_eq!(
        elements[1].key("b").expect("an object").string().as_deref(),
        Ok("x")
    );
    assert_eq!(elements[2].elements().expect("an array").count(), 0);
    assert_eq!(elements[3].string().as_deref(), Ok("A"));
    assert!(c.if_present().is_none() && f.if_present().is_none());
    assert_eq!(d.unsigned(), Ok(7), "the last counts");
    assert_eq!(e.boolean(), Ok(true));
    assert_eq!(root.members(5, |_| Ok(())).expect("few").len(), 4);
    assert!(root.members(3, |_| Ok(())).is_err());
}

#[test]
fn errors_say_where_and_what() {
    let long = format!(r#"{{"a":[{{"b":"{}"}}]}}"#, "é".repeat(100));
    let root = place(&long);
    let a = root.key("a").expect("an object");
    let first = a.elements().expect("an array").next().expect("one");
    let error = first
        .key("b")
        .expect("an object")
        .unsigned()
        .expect_err("a string");
    let found = format!("\"{}", "é".repeat(EXCERPT - 1));
    let expected = JsonError {
        path: "/a/0/b".to_owned(),
        expected: "an unsigned integer".to_owned(),
        found,
    };
    assert_eq!(error, expected);
    for (text, found) in [
        ("null", "nothing"),
        ("[1]", "an array"),
        ("{}", "an object"),
        ("-1", "-1"),
    ] {
        let error = place(text).size().expect_err(text);
        assert_eq!((error.path.as_str(), error.found.as_str()), ("/", found));
    }
    assert!(place(r#""\ud800""#).string().is_err(), "half of a pair");
}
