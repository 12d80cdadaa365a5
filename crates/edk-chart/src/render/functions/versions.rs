//! Sprig: "Semantic Version Functions".

use gotmpl::Value;

use super::{Table, args};
use crate::{
    render::value::{map_of, string},
    version::{Version, satisfies},
};

pub(super) const TABLE: Table = &[
    ("semverCompare", |_, args| {
        let (range, version) = (args::string(args, 0)?, args::string(args, 1)?);
        let message = || format!("`{range}` is not a range or `{version}` not a version");
        Ok(Value::Bool(satisfies(range, version).ok_or_else(message)?))
    }),
    ("semver", |_, args| {
        let text = args::string(args, 0)?;
        let version = Version::lenient(text).ok_or("Invalid Semantic Version")?;
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        Ok(map_of([
            ("Major", number(version.major)),
            ("Minor", number(version.minor)),
            ("Patch", number(version.patch)),
            ("Prerelease", string(version.pre.as_str())),
            ("Metadata", string(version.build.as_str())),
            ("Original", string(text)),
        ]))
    }),
];
