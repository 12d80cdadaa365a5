//! Sprig: "Dictionaries and Dict Functions". They change maps in place, as Sprig does.

use std::rc::Rc;

use super::{Outcome, Table, args, def, defaults::is_empty};
use crate::render::{
    engine::Machine,
    fault::Fault,
    value::{ANY_MAP, Entries, List, Map, Value},
};

pub(super) const TABLE: Table = &[
    def("dict", "*a", |_, args| {
        let mut entries = Entries::new();
        for pair in args.chunks(2) {
            let value = pair.get(1).cloned().unwrap_or_else(|| Value::text(""));
            entries.insert(args::printed(&pair[0]).into(), value);
        }
        Ok(Value::map(entries))
    }),
    def("get", "ms", |_, args| {
        Ok(args::map(args, 0).get(args::bytes(args, 1)).unwrap_or_else(|| Value::text("")))
    }),
    def("set", "msa", |machine, args| {
        let map = args::map(args, 0);
        put(machine, &map, args::bytes(args, 1), args::any(args, 2).clone())?;
        Ok(Value::Map(map))
    }),
    def("unset", "ms", |_, args| {
        let map = args::map(args, 0);
        map.entries.borrow_mut().remove(args::bytes(args, 1));
        Ok(Value::Map(map))
    }),
    def("hasKey", "ms", |_, args| {
        Ok(Value::Bool(args::map(args, 0).get(args::bytes(args, 1)).is_some()))
    }),
    def("pluck", "s*m", |_, args| {
        let key = args::bytes(args, 0);
        let maps = (1..args.len()).map(|at| args::map(args, at));
        Ok(Value::list(maps.filter_map(|map| map.get(key)).collect()))
    }),
    def("keys", "*m", |_, args| {
        let maps = (0..args.len()).map(|at| args::map(args, at));
        Ok(Value::texts(maps.flat_map(|map| map.entries.borrow().keys().cloned().collect::<Vec<_>>())))
    }),
    def("values", "m", |_, args| {
        Ok(Value::list(args::map(args, 0).entries.borrow().values().cloned().collect()))
    }),
    def("pick", "m*s", |_, args| {
        let map = args::map(args, 0);
        let keys = (1..args.len()).map(|at| args::bytes(args, at));
        Ok(Value::map_of(keys.filter_map(|key| Some((key, map.get(key)?)))))
    }),
    def("omit", "m*s", |_, args| {
        let mut entries = args::map(args, 0).entries.borrow().clone();
        for at in 1..args.len() {
            entries.remove(args::bytes(args, at));
        }
        Ok(Value::map(entries))
    }),
    def("merge", "m*m", |machine, args| merged(machine, args, false)),
    def("mustMerge", "m*m", |machine, args| merged(machine, args, false)),
    def("mergeOverwrite", "m*m", |machine, args| merged(machine, args, true)),
    def("mustMergeOverwrite", "m*m", |machine, args| merged(machine, args, true)),
    def("deepCopy", "a", |_, args| deep_copy(args)),
    def("mustDeepCopy", "a", |_, args| deep_copy(args)),
    def("dig", "*a", |_, args| dig(args)),
];

fn put(machine: &Machine<'_>, map: &Rc<Map>, key: &[u8], value: Value) -> Result<(), Fault> {
    if map.nil {
        return Err("assignment to entry in nil map".into());
    }
    if matches!(value, Value::Map(_) | Value::List(_)) {
        machine.engine.tie(map);
    }
    map.put(key, value);
    Ok(())
}

fn merged(machine: &Machine<'_>, args: &[Value], overwrites: bool) -> Outcome {
    let target = match args::map(args, 0) {
        map if map.nil => Rc::new(Map::new(ANY_MAP, Entries::new())),
        map => map,
    };
    for at in 1..args.len() {
        let source = args::map(args, at);
        if !Rc::ptr_eq(&source, &target) {
            merge(machine, &target, &source, overwrites, 0)?;
        }
    }
    Ok(Value::Map(target))
}

fn merge(
    machine: &Machine<'_>,
    target: &Rc<Map>,
    source: &Rc<Map>,
    overwrites: bool,
    depth: usize,
) -> Result<(), Fault> {
    if depth > 1000 {
        return Err("maps are nested too deep to be merged".into());
    }
    let entries = source.entries.borrow().clone();
    for (key, value) in entries {
        let known = target.get(&key);
        if let (Some(Value::Map(known)), Value::Map(value)) = (&known, &value) {
            if !Rc::ptr_eq(known, value) {
                merge(machine, known, value, overwrites, depth + 1)?;
            }
            continue;
        }
        let takes = match &known {
            None => overwrites || !value.is_nil(),
            Some(_) if overwrites => true,
            Some(known) => is_empty(known) && !is_empty(&value),
        };
        if takes {
            put(machine, target, &key, value)?;
        }
    }
    Ok(())
}

fn deep_copy(args: &[Value]) -> Outcome {
    match args::any(args, 0) {
        value if value.is_nil() => Err(super::builtins::NO_TYPE.into()),
        value => Ok(copied(value)),
    }
}

fn copied(value: &Value) -> Value {
    match value {
        Value::List(list) if !list.nil => {
            let items = list.items.borrow().iter().map(copied).collect();
            Value::List(Rc::new(List::new(list.go, items)))
        }
        Value::Map(map) if !map.nil => {
            let entries = map.entries.borrow();
            let entries = entries.iter().map(|(key, value)| (key.clone(), copied(value))).collect();
            Value::Map(Rc::new(Map::new(map.go, entries)))
        }
        other => other.clone(),
    }
}

fn dig(args: &[Value]) -> Outcome {
    if args.len() < 3 {
        return Err("dig needs at least three arguments".into());
    }
    let (keys, rest) = args.split_at(args.len() - 2);
    let mut step = rest[1].clone();
    for key in keys {
        let Value::Text(key) = key else {
            return Err(unlike(key, "string"));
        };
        let Value::Map(map) = &step else { return Err(unlike(&step, ANY_MAP)) };
        if map.go != ANY_MAP {
            return Err(unlike(&step, ANY_MAP));
        }
        let Some(next) = map.get(key) else { return Ok(rest[0].clone()) };
        step = next;
    }
    Ok(step)
}

fn unlike(value: &Value, wanted: &str) -> Fault {
    let found = match value {
        Value::Invalid | Value::Null => "nil",
        other => other.type_of(),
    };
    format!("interface conversion: interface {{}} is {found}, not {wanted}").into()
}
