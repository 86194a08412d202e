//! Pictures and pages, read as what they claim to be.

use roxmltree::{Document, ParsingOptions};

/// Where the page's own script begins, which is the only part of it that is no XML.
const SCRIPT: &str = "<script nonce=";

/// Parses a picture or a page, which must be well formed, and looks at it.
pub(crate) fn parsed<T>(text: &str, look: impl FnOnce(&Document<'_>) -> T) -> T {
    let text = match text.find(SCRIPT) {
        Some(at) => format!("{}</body></html>", &text[..at]),
        None => text.to_owned(),
    };
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options);
    look(&document.unwrap())
}

/// All text of the elements with this class, in order.
pub(crate) fn texts(document: &Document<'_>, class: &str) -> Vec<String> {
    let has = |node: &roxmltree::Node<'_, '_>| {
        let classes = node.attribute("class").unwrap_or_default();
        classes.split(' ').any(|other| other == class)
    };
    let text = |node: roxmltree::Node<'_, '_>| -> String {
        let parts = node.descendants().filter(roxmltree::Node::is_text);
        parts.filter_map(|part| part.text()).collect()
    };
    document.descendants().filter(has).map(text).collect()
}

/// What the script of a page reads.
pub(crate) fn data(page: &str) -> serde_json::Value {
    parsed(page, |document| {
        let of_script = |node: &roxmltree::Node<'_, '_>| node.attribute("id") == Some("data");
        let script = document.descendants().find(of_script).unwrap();
        serde_json::from_str(script.text().unwrap()).unwrap()
    })
}

/// A page must not reach for anything: no address but the name of SVG, no element that loads, no handler.
pub(crate) fn assert_self_contained(page: &str) {
    let without_name = page.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !without_name.contains("http://") && !without_name.contains("https://"),
        "an address"
    );
    parsed(page, |document| {
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            let name = node.tag_name().name();
            assert!(
                ![
                    "img",
                    "link",
                    "iframe",
                    "object",
                    "embed",
                    "image",
                    "foreignObject"
                ]
                .contains(&name),
                "{name}"
            );
            for attribute in node.attributes() {
                assert!(
                    !attribute.name().starts_with("on"),
                    "{} has {}",
                    name,
                    attribute.name()
                );
                assert!(attribute.name() != "src", "{name} has a source");
                let to_itself = attribute.value().starts_with('#');
                assert!(
                    attribute.name() != "href" || to_itself,
                    "{}",
                    attribute.value()
                );
            }
        }
        let scripts = document
            .descendants()
            .filter(|node| node.has_tag_name("script"))
            .count();
        assert!(scripts <= 1, "{scripts} scripts beside the page's own");
    });
}
