//! Compares the tokeniser with the tokeniser tests of html5lib, which `tests/run` fetches into `tests/.cache`. Comments
//! and document types are not compared, since the tokeniser skips them. `tests/html5lib.tsv` names the exceptions.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::fs;
    use std::path::Path;

    use serde_json::{Value, json};

    use crate::read::markup::text::{Definitions, resolve};
    use crate::read::markup::tokens::{Token, Tokens, attributes};

    /// Returns what the tokeniser makes of an input, in the form of the suite.
    fn tokens(input: &str) -> Vec<Value> {
        let none = Definitions::none();
        let mut found: Vec<Value> = Vec::new();
        let mut text = String::new();
        for token in Tokens::new(input) {
            if matches!(token, Token::Start { .. } | Token::End { .. }) {
                flush(&mut text, &mut found);
            }
            match token {
                Token::Start { name, inside, .. } => {
                    let mut of_tag = BTreeMap::new();
                    for (name, value) in attributes(inside) {
                        of_tag.entry(name.to_ascii_lowercase()).or_insert_with(|| resolve(value, &none).into_owned());
                    }
                    found.push(json!(["StartTag", name.to_ascii_lowercase(), of_tag]));
                }
                Token::End { name } => found.push(json!(["EndTag", name.to_ascii_lowercase()])),
                Token::Text(raw) => text.push_str(&resolve(raw, &none)),
                Token::Cdata(raw) => text.push_str(raw),
                Token::Doctype(_) => {}
            }
        }
        flush(&mut text, &mut found);
        found
    }

    fn flush(text: &mut String, found: &mut Vec<Value>) {
        if !text.is_empty() {
            found.push(json!(["Character", std::mem::take(text)]));
        }
    }

    /// Returns the tokens that a test expects, without comments, document types, errors and self-closing flags.
    fn expected(output: &Value) -> Vec<Value> {
        let (mut all, mut text) = (Vec::new(), String::new());
        for token in output.as_array().into_iter().flatten() {
            let part = |at: usize| token.get(at).and_then(Value::as_str).unwrap_or("");
            match part(0) {
                "Character" => text.push_str(part(1)),
                "StartTag" => {
                    flush(&mut text, &mut all);
                    all.push(json!(["StartTag", part(1), token.get(2)]));
                }
                "EndTag" => {
                    flush(&mut text, &mut all);
                    all.push(json!(["EndTag", part(1)]));
                }
                _ => {}
            }
        }
        flush(&mut text, &mut all);
        all
    }

    /// Returns whether the tokeniser makes of an input what a test expects; texts around a comment count as one.
    fn agree(input: &str, output: &Value) -> bool {
        // Line ends become `\n` before the tokeniser of the suite.
        let input = input.replace("\r\n", "\n").replace('\r', "\n");
        tokens(&input) == expected(output)
    }

    #[test]
    fn the_tokeniser_tests_of_html5lib() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("tests/.cache/html5lib/html5lib/tests/testdata/tokenizer");
        let Ok(files) = fs::read_dir(&folder) else { return };
        let exceptions = fs::read_to_string(root.join("tests/html5lib.tsv")).expect("tests/html5lib.tsv");
        let mut excused: HashMap<&str, bool> = exceptions
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .map(|(name, _)| (name, false))
            .collect();
        let (mut right, mut wrong) = (0, Vec::new());
        for file in files.flatten().filter(|file| file.path().extension().is_some_and(|end| end == "test")) {
            let suite: Value = serde_json::from_str(&fs::read_to_string(file.path()).expect("a file of the suite"))
                .expect("JSON of the suite");
            let tests = suite.get("tests").and_then(Value::as_array).into_iter().flatten();
            // Escaped tests hold halves of surrogate pairs; other initial states are the tree builder's.
            for test in tests.filter(|test| test.get("doubleEscaped").is_none()) {
                let states = test.get("initialStates").map(Value::to_string).unwrap_or_default();
                if !states.is_empty() && !states.contains("Data state") {
                    continue;
                }
                let name = test.get("description").and_then(Value::as_str).unwrap_or("");
                let input = test.get("input").and_then(Value::as_str).unwrap_or("");
                match excused.get_mut(name) {
                    _ if agree(input, test.get("output").unwrap_or(&Value::Null)) => right += 1,
                    Some(is_used) => *is_used = true,
                    None => {
                        let file = file.file_name();
                        wrong.push(format!("{}\t{name}\t{input:?} {:?}", file.display(), tokens(input)));
                    }
                }
            }
        }
        let unused: Vec<_> = excused.iter().filter(|(_, is_used)| !**is_used).map(|(name, _)| name).collect();
        assert!(
            wrong.is_empty() && unused.is_empty(),
            "{right} right, {} wrong:\n{}\nneedless exceptions: {unused:?}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}
