//! As much of JSON Schema as ours uses. A keyword or pattern that it does not know fails the test that meets it, so that
//! nothing is accepted by being overlooked.

use serde_json::{Map, Value};

/// Keywords that say something to people only.
const FOR_PEOPLE: [&str; 6] = ["$schema", "$defs", "title", "description", "default", "format"];

/// Whether a value follows a schema.
pub(crate) fn accepts(schema: &Value, value: &Value) -> bool {
    Reader { defs: &schema["$defs"] }.accepts(schema, value)
}

struct Reader<'a> {
    defs: &'a Value,
}

impl Reader<'_> {
    fn accepts(&self, schema: &Value, value: &Value) -> bool {
        let schema = schema.as_object().expect("a schema is an object");
        schema.iter().all(|(keyword, rule)| self.follows(schema, keyword, rule, value))
    }

    fn follows(&self, schema: &Map<String, Value>, keyword: &str, rule: &Value, value: &Value) -> bool {
        match keyword {
            "$ref" => {
                let name = rule.as_str().and_then(|it| it.strip_prefix("#/$defs/")).expect("a reference to $defs");
                self.accepts(&self.defs[name], value)
            }
            "const" => value == rule,
            "enum" => list(rule).contains(value),
            "type" => is_of_type(rule.as_str().expect("one type"), value),
            "oneOf" => list(rule).iter().filter(|it| self.accepts(it, value)).count() == 1,
            "minItems" => value.as_array().is_none_or(|all| length(rule) <= all.len()),
            "maxItems" => value.as_array().is_none_or(|all| all.len() <= length(rule)),
            "anyOf" => list(rule).iter().any(|it| self.accepts(it, value)),
            "items" => value.as_array().is_none_or(|all| all.iter().all(|it| self.accepts(rule, it))),
            "minimum" => value.as_i64().is_none_or(|it| rule.as_i64().expect("a limit") <= it),
            "maximum" => value.as_i64().is_none_or(|it| it <= rule.as_i64().expect("a limit")),
            "minLength" => value.as_str().is_none_or(|it| length(rule) <= it.chars().count()),
            "maxLength" => value.as_str().is_none_or(|it| it.chars().count() <= length(rule)),
            "pattern" => value.as_str().is_none_or(|it| matches(rule.as_str().expect("a pattern"), it)),
            "required" => {
                let has = |key: &Value| value.get(key.as_str().expect("a key")).is_some();
                !value.is_object() || list(rule).iter().all(has)
            }
            "properties" => {
                let fits = |(key, rule): (&String, &Value)| value.get(key).is_none_or(|it| self.accepts(rule, it));
                object(rule).iter().all(fits)
            }
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false), "only the keys that are named");
                let known = |key: &String| schema["properties"].get(key).is_some();
                value.as_object().is_none_or(|it| it.keys().all(known))
            }
            _ => {
                assert!(FOR_PEOPLE.contains(&keyword), "schema_reader.rs does not know the keyword {keyword}");
                true
            }
        }
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => panic!("schema_reader.rs does not know the type {name}"),
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    match pattern {
        "^[A-Z]{3}$" => text.len() == 3 && text.bytes().all(|it| it.is_ascii_uppercase()),
        "^[0-9]+([.][0-9]+)?$" => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            digits(whole) && digits(fraction)
        }
        "^[0-9]{2}:[0-9]{2}$" => {
            let parts: Vec<&str> = text.split(':').collect();
            parts.iter().all(|it| digits(it)) && parts.iter().map(|it| it.len()).eq([2, 2])
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().all(|it| digits(it)) && parts.iter().map(|it| it.len()).eq([4, 2, 2])
        }
        "^[0-9]{1,3}([.][0-9]{1,2})?%$" => {
            let number = text.strip_suffix('%').unwrap_or_default();
            let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
            digits(whole) && whole.len() <= 3 && digits(fraction) && fraction.len() <= 2
        }
        _ => panic!("schema_reader.rs does not know the pattern {pattern}"),
    }
}

fn list(rule: &Value) -> &Vec<Value> {
    rule.as_array().expect("a list")
}

fn object(rule: &Value) -> &Map<String, Value> {
    rule.as_object().expect("an object")
}

fn length(rule: &Value) -> usize {
    rule.as_u64().and_then(|it| usize::try_from(it).ok()).expect("a length")
}
