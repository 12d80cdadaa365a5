//! Comments that allow findings. They are looked at after all other rules, in `suppress`.

use edk_model::Severity::Warning;

use crate::check::{
    model::Model,
    rule::{Example, Finds, Rule},
};

fn afterwards(_: &Model<'_>, _: &mut Finds) {}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "S01",
        severity: Warning,
        title: "what is allowed has a reason",
        why: "who reads the file later can't tell whether the reason still holds, so the finding stays",
        fix: "write the reason behind the rule: `# edk: allow D12 reason`",
        bad: Example::workflow(&[(
            "processing-containers/lung-segment/Dockerfile",
            "# edk: allow D12\nFROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\n",
        )]),
        says: "`D12` is allowed without a reason",
        good: Example::workflow(&[(
            "processing-containers/lung-segment/Dockerfile",
            "# edk: allow D12 the operator sets the command through an environment variable\nFROM local-only/base-python-cpu:latest\nLABEL IMAGE=\"lung-segment\"\nCOPY files/ /app/\n",
        )]),
        check: afterwards,
    },
    Rule {
        id: "S02",
        severity: Warning,
        title: "what is allowed is there",
        why: "a comment that allows what is mended already hides the next mistake",
        fix: "remove the comment",
        bad: Example::workflow(&[(
            "extension/docker/Dockerfile",
            "# edk: allow D06 no other tag\nFROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dags/\n",
        )]),
        says: "nothing here breaks `D06`",
        good: Example::workflow(&[(
            "extension/docker/Dockerfile",
            "FROM local-only/base-installer:latest\nLABEL IMAGE=\"dag-lung\"\nCOPY files/ /kaapana/tmp/dags/\n",
        )]),
        check: afterwards,
    },
    Rule {
        id: "S03",
        severity: Warning,
        title: "what is allowed is a rule",
        why: "nothing is allowed by a name that is no rule",
        fix: "name one of the rules of `edk check --explain all`",
        bad: Example::workflow(&[(
            "extension/docker/files/lung/__init__.py",
            "# edk: allow Z99 we know\n",
        )]),
        says: "there is no rule `Z99` to be allowed",
        good: Example::workflow(&[("extension/docker/files/lung/__init__.py", "")]),
        check: afterwards,
    },
];
