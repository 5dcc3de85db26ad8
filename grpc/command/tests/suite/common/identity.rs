//! Test identities: authorities, certificates, digests.

use quarry_client::ClientError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};
use tonic::Code;

/// SHA-256, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A certificate signed by the authority and its key, in PEM; and the certificate in DER.
pub fn certificate(authority: &CertifiedIssuer<'_, KeyPair>, name: &str) -> (String, String, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let der = certificate.der().to_vec();
    (certificate.pem(), key.serialize_pem(), der)
}

/// A certificate authority.
pub fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The status code of an error.
pub fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Code {
    match result.expect_err("a refusal") {
        ClientError::Status(status) => status.code(),
        other => panic!("{other}"),
    }
}
