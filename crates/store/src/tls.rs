//! How a connection to PostgreSQL is encrypted, said in its URL as everywhere else: `sslmode` and `sslrootcert`.
//!
//! `prefer`, which is what no word means, encrypts where the server can; `require` always does; neither looks at whose
//! certificate the server shows. `verify-full` does: its name must be the host's, and it must come from `sslrootcert`, or
//! else from those that this machine trusts.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What a URL says of encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    mode: Mode,
    root: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

/// Takes what is about encryption out of a URL: the driver knows neither all of its words nor its files.
pub(crate) fn split(url: &str) -> Result<(String, Tls), String> {
    let mut tls = Tls { mode: Mode::Prefer, root: None };
    let Some((start, query)) = url.split_once('?') else { return Ok((url.to_owned(), tls)) };
    let mut others = Vec::new();
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("sslmode", mode)) => tls.mode = read_mode(mode)?,
            Some(("sslrootcert", path)) => tls.root = Some(PathBuf::from(path.replace("%2F", "/").replace("%2f", "/"))),
            _ => others.push(part),
        }
    }
    let url = if others.is_empty() { start.to_owned() } else { format!("{start}?{}", others.join("&")) };
    Ok((url, tls))
}

fn read_mode(mode: &str) -> Result<Mode, String> {
    match mode {
        "disable" => Ok(Mode::Disable),
        "prefer" => Ok(Mode::Prefer),
        "require" => Ok(Mode::Require),
        "verify-full" => Ok(Mode::VerifyFull),
        _ => Err("sslmode: allowed is disable, prefer, require or verify-full".to_owned()),
    }
}

impl Tls {
    pub(crate) fn mode(&self) -> SslMode {
        match self.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyFull => SslMode::Require,
        }
    }

    /// What encrypts.
    ///
    /// # Errors
    /// When the certificates that are trusted cannot be read.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let config = match self.mode {
            Mode::VerifyFull => builder.with_root_certificates(self.roots()?).with_no_client_auth(),
            Mode::Disable | Mode::Prefer | Mode::Require => {
                let any = Arc::new(AnyCertificate(provider));
                builder.dangerous().with_custom_certificate_verifier(any).with_no_client_auth()
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let mut roots = RootCertStore::empty();
        let Some(path) = &self.root else {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(roots);
        };
        let wrong = |error: &dyn std::fmt::Display| format!("sslrootcert: {} cannot be read ({error})", path.display());
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
            roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
        }
        if roots.is_empty() { Err(wrong(&"it holds no certificate")) } else { Ok(roots) }
    }
}

/// Why the certificate of a server is not accepted, and what to do; nothing where that is not what is wrong.
pub(crate) fn distrusted(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    let found = loop {
        let it = cause?;
        let inner = it.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|it| it.downcast_ref::<rustls::Error>()) {
            break found;
        }
        cause = it.source();
    };
    let rustls::Error::InvalidCertificate(why) = found else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => {
            "the server's certificate comes from nobody who is trusted; name who signed it with sslrootcert".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is that of another host; name the host as the certificate does".to_owned()
        }
        other => format!("the server's certificate is not accepted ({other})"),
    })
}

/// Encrypts for whoever answers, as `prefer` and `require` mean everywhere.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn a_url_says_how_it_is_encrypted() {
    let said = |url: &str| split(url).map(|(url, tls)| (url, tls.mode, tls.root));
    let plain = "postgres://ana@host/shop";
    assert_eq!(said(plain), Ok((plain.to_owned(), Mode::Prefer, None)));
    let all = format!("{plain}?sslmode=verify-full&connect_timeout=2&sslrootcert=%2Fetc%2Fca.pem");
    let expected = (format!("{plain}?connect_timeout=2"), Mode::VerifyFull, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(said(&all), Ok(expected));
    assert_eq!(said(&format!("{plain}?sslmode=require")), Ok((plain.to_owned(), Mode::Require, None)));
    assert!(split(&format!("{plain}?sslmode=allow")).is_err_and(|it| it.starts_with("sslmode: ")));
}
