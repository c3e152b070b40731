//! In which order the schema has its keys, which is that of importance.

use millrun::manifest::SCHEMA;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The keys of every mapping of a JSON text, as they stand there.
#[derive(Default)]
struct Order(Vec<(String, Order)>);

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrderVisitor)
    }
}

struct OrderVisitor;

impl<'de> Visitor<'de> for OrderVisitor {
    type Value = Order;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Order, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Order(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Order, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Order::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Order, E> {
        Ok(Order::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Order, E> {
        Ok(Order::default())
    }
}

/// The properties of the definition `name`, as they are ordered in the schema.
pub(super) fn in_order<'o>(
    name: &str,
    object: &'o Map<String, Value>,
) -> Vec<(&'o String, &'o Value)> {
    let whole: Order = serde_json::from_str(SCHEMA).unwrap();
    let path = ["$defs", name, "properties"];
    let path = if name.is_empty() {
        &path[2..]
    } else {
        &path[..]
    };
    let keys = path.iter().fold(whole, |of, step| {
        let field = of.0.into_iter().find(|(key, _)| key == step);
        field.map(|(_, inner)| inner).unwrap_or_default()
    });
    let properties = object["properties"].as_object().unwrap();
    let known = (keys.0.iter()).filter_map(|(key, _)| properties.get_key_value(key));
    let all: Vec<_> = known.collect();
    assert_eq!(all.len(), properties.len(), "{name}");
    all
}
