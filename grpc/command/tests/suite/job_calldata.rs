//! Jobs that make a proof, but not the calldata that they were asked for.

use crate::common::Folder;
use crate::common::appliance::Appliance;
use crate::common::pie::fibonacci;

/// The proof is good, but its calldata does not fit: the public memory does, and the rest of the first call no longer.
#[test]
fn a_job_without_the_calldata_that_it_asked_for_fails_the_command() {
    let folder = Folder::new();
    folder.write("pie.zip", fibonacci());
    let service = Appliance::start(&folder, "");
    let job = format!(
        "submit --pie pie.zip --layout small --security-bits 30 --program-hash-function pedersen --json \
         --server http://{} --calldata",
        service.address
    );
    let rejected = folder
        .quarry(&format!("{job} --calldata-split 10 --wait"))
        .exits(2)
        .json();
    let message = rejected["error"]["message"].as_str().expect("a message");
    let (_, rest) = message
        .split_once("the public memory takes ")
        .expect("its length");
    let n_felts = rest.split(' ').next().expect("a number");

    let ran = folder.quarry(&format!("{job} --calldata-split {n_felts} --out proof.json"));
    let ran = ran
        .exits(2)
        .says(&[" has a proof, but no calldata: the transaction"]);
    let details = &ran.json()["error"]["details"];
    assert_eq!(details["state"], "succeeded", "{details}");
    let why = details["result"]["calldata_refused"].as_str().expect("a text");
    assert!(why.contains("felts of calldata"), "{why}");
    assert!(folder.names().contains(&"proof.json".to_owned()));
}
