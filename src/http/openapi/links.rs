//! What follows from an answer: which value of it names the thing that another operation takes (OpenAPI links). Clients can
//! generate chains of calls from them, and so do the tests.

use crate::http::api::Operation;
use serde_json::{Map, Value, json};

/// Operations that take the thing an answer names, the path parameter it goes into, and where it stands.
type Follow = (&'static [Operation], &'static str, &'static str);

const OF_SUBJECT: &[Operation] = &[
    Operation::ViewSubject,
    Operation::UpdateSubject,
    Operation::RecordAnchor,
    Operation::RecordNotice,
    Operation::ViewConsents,
    Operation::RecordConsent,
    Operation::RecordRecipientConsent,
    Operation::ListRecords,
    Operation::UnsubscribeLink,
];
const OF_RECORD: &[Operation] = &[Operation::ViewRecord, Operation::UpdateRecord, Operation::DeleteRecord];

fn follows(operation: Operation) -> &'static [Follow] {
    match operation {
        Operation::CreateSubject => &[(OF_SUBJECT, "sub", "$response.body#/subject")],
        Operation::CreateRecord | Operation::UpdateRecord => &[(OF_RECORD, "rec", "$response.body#/record")],
        Operation::DeleteRecord => &[
            (&[Operation::ViewCertificate], "crt", "$response.body#/certificate"),
            (&[Operation::ViewRecord], "rec", "$request.path.rec"),
        ],
        _ => &[],
    }
}

/// The links of an operation's success; `None`: nothing follows from it.
pub(super) fn links(operation: Operation) -> Option<Value> {
    let mut all = Map::new();
    for (targets, parameter, at) in follows(operation) {
        for target in *targets {
            let mut parameters = Map::new();
            parameters.insert((*parameter).to_owned(), json!(at));
            let link = json!({ "operationId": format!("{target:?}"), "parameters": parameters });
            all.insert(format!("{target:?}"), link);
        }
    }
    (!all.is_empty()).then_some(Value::Object(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::ROUTES;

    #[test]
    fn each_link_fills_a_parameter_of_its_target_from_what_the_answer_or_the_path_holds() {
        let mut seen = 0;
        for route in ROUTES {
            for (targets, parameter, at) in follows(route.operation) {
                if let Some(name) = at.strip_prefix("$request.path.") {
                    assert!(route.path.contains(&format!("{{{name}}}")), "{}", route.path);
                }
                for target in *targets {
                    let target = ROUTES.iter().find(|r| r.operation == *target).unwrap();
                    assert!(target.path.contains(&format!("{{{parameter}}}")), "{}", target.path);
                    seen += 1;
                }
            }
        }
        assert!(seen >= 17, "{seen}");
    }
}
