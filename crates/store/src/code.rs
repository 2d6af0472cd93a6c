//! The codes of certificates: 12 letters and digits that are drawn, looked up by a keyed hash, and kept encrypted.
//!
//! The key is not in the database, so that a stolen one gives no code away: it comes from the environment, or lies in a file
//! beside the database that is made with the first certificate and that nobody else can read. The database knows by a check
//! value whether it is the right one. Bounded by one key for each database.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use engine::LotNo;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::database::Database;
use crate::directory::DirectoryKey;
use crate::error::StoreError;
use crate::fault::Found;
use crate::file::beside;
use crate::migrate::{meta, set_meta};
use crate::rows::AccountId;
use crate::sql::Connection;

/// Names the environment variable that may hold the key: 64 hexadecimal digits.
pub const KEY_VARIABLE: &str = "GUERDON_CODE_KEY";
/// The row of `meta` by which the key is known again.
pub(crate) const CHECK: &str = "code_key";

/// Letters and digits that nobody takes for others: no 0 and O, no 1, I and L.
const LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const CODE_CHARS: usize = 12;
const NONCE_BYTES: usize = 12;
const VERSION: u8 = 1;

/// A code as it is looked up: a hash under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeHash(pub(crate) DirectoryKey);

/// A code as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) hash: DirectoryKey,
    pub(crate) body: Vec<u8>,
}

/// What the key is good for.
pub(crate) struct CodeKey {
    hash: [u8; 32],
    seal: [u8; 32],
    pub(crate) check: String,
}

/// The key of one database, once it is needed.
pub(crate) struct Codes {
    /// Of the key; for a server without a file for it, the server's name.
    path: PathBuf,
    has_file: bool,
    /// By which the database knows its key; nothing before the first certificate.
    expected: Option<String>,
    key: OnceLock<CodeKey>,
}

impl Codes {
    /// Looks whether the database has a key, and whether it is there.
    ///
    /// # Errors
    /// `CodeKey` when it is missing or another one.
    pub(crate) fn open(database: &Database, file: Option<&Path>, conn: &Connection) -> Result<Self, StoreError> {
        let expected = meta(conn, CHECK).map_err(|fault| fault.at(database.path()))?;
        let file = file.map(Path::to_owned).or_else(|| database.file().map(|it| beside(it, ".key")));
        let has_file = file.is_some();
        let path = file.unwrap_or_else(|| database.path().to_owned());
        let codes = Self { path, has_file, expected, key: OnceLock::new() };
        codes.key()?;
        Ok(codes)
    }

    /// The key, if there is one yet.
    fn key(&self) -> Result<Option<&CodeKey>, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(Some(key));
        }
        let Some(expected) = &self.expected else { return Ok(None) };
        let key = self.read()?.ok_or_else(|| {
            self.fault(format!("is not there, and {KEY_VARIABLE} is not set; put back the file that belongs to it"))
        })?;
        if key.check != *expected {
            return Err(self.other());
        }
        Ok(Some(self.key.get_or_init(|| key)))
    }

    /// The key for the first certificate: made, unless it is there.
    fn made(&self, conn: &Connection) -> Result<&CodeKey, StoreError> {
        let key = match self.key()? {
            Some(key) => key,
            None => {
                let key = self.read()?.map_or_else(|| self.draw(), Ok)?;
                self.key.get_or_init(|| key)
            }
        };
        // Written with the certificate: a batch that is rolled back leaves no trace but the file.
        let at = |fault: crate::fault::Fault| fault.at(&self.path);
        match meta(conn, CHECK).map_err(at)? {
            None => set_meta(conn, CHECK, &key.check).map_err(at)?,
            Some(known) if known != key.check => return Err(self.other()),
            Some(_) => {}
        }
        Ok(key)
    }

    /// From the environment, else from the file.
    fn read(&self) -> Result<Option<CodeKey>, StoreError> {
        let text = std::env::var(KEY_VARIABLE).ok();
        if text.is_none() && !self.has_file {
            return Ok(None);
        }
        Ok(read_key(text.as_deref(), &self.path)?.map(|it| it.0))
    }

    fn draw(&self) -> Result<CodeKey, StoreError> {
        if !self.has_file {
            let what = format!(
                "is needed for certificates: set {KEY_VARIABLE} to 64 hexadecimal digits, the same for every server"
            );
            return Err(self.fault(what));
        }
        let (key, bytes) = draw_key(&self.path)?;
        write_key(&self.path, &bytes)?;
        Ok(key)
    }

    fn other(&self) -> StoreError {
        self.fault("is the key of another database; put back the one that belongs to it".to_owned())
    }

    fn fault(&self, what: String) -> StoreError {
        StoreError::CodeKey { path: self.path.clone(), what }
    }

    /// The hash of a code that somebody shows; nothing when it cannot be one.
    pub(crate) fn hash(&self, code: &str) -> Result<Option<CodeHash>, StoreError> {
        let Some(code) = normalised(code) else { return Ok(None) };
        Ok(self.key()?.map(|it| CodeHash(it.hash_of(&code))))
    }

    /// A code for a new certificate, drawn from the seed of its command: `attempt` counts those that were taken.
    pub(crate) fn draw_for(
        &self,
        conn: &Connection,
        seed: u64,
        certificate: (AccountId, LotNo),
        attempt: u32,
    ) -> Result<Sealed, StoreError> {
        let key = self.made(conn)?;
        let code = key.draw(seed, certificate, attempt);
        Ok(Sealed { hash: key.hash_of(&code), body: key.seal(&code, certificate) })
    }

    /// The code of a certificate that stands elsewhere from now on, as it is kept there.
    pub(crate) fn moved(
        &self,
        conn: &Connection,
        from: (AccountId, LotNo),
        to: (AccountId, LotNo),
        body: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let key = self.made(conn)?;
        Ok(key.seal(&key.open(body, from).ok_or_else(|| self.damaged())?, to))
    }

    /// Reads a code that was kept.
    pub(crate) fn reveal(&self, certificate: (AccountId, LotNo), body: &[u8]) -> Result<String, StoreError> {
        let key = self.key()?.ok_or_else(|| self.fault("is not known to the database".to_owned()))?;
        key.open(body, certificate).ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> StoreError {
        self.fault("does not open a code of this database; it is damaged".to_owned())
    }
}

fn fault(path: &Path, what: String) -> StoreError {
    StoreError::CodeKey { path: path.to_owned(), what }
}

/// The key of a text, else of a file, and its bytes; nothing where neither is there.
pub(crate) fn read_key(text: Option<&str>, path: &Path) -> Result<Option<(CodeKey, [u8; 32])>, StoreError> {
    let text = match text {
        Some(text) => text.to_owned(),
        None => match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fault(path, format!("cannot be read ({error})"))),
        },
    };
    let bytes = of_hex(text.trim()).ok_or_else(|| fault(path, "is no key of 64 hexadecimal digits".to_owned()))?;
    Ok(Some((CodeKey::of(&bytes), bytes)))
}

/// A new key and its bytes, which are kept nowhere yet.
pub(crate) fn draw_key(path: &Path) -> Result<(CodeKey, [u8; 32]), StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| fault(path, format!("cannot be drawn ({error})")))?;
    Ok((CodeKey::of(&bytes), bytes))
}

/// Without the file no code can be read: it is on the disk before the first certificate is.
pub(crate) fn write_key(path: &Path, bytes: &[u8; 32]) -> Result<(), StoreError> {
    let write = || {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        writeln!(file, "{}", to_hex(bytes))?;
        file.sync_all()?;
        #[cfg(unix)]
        if let Some(folder) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error: std::io::Error| fault(path, format!("cannot be written ({error})")))
}

/// The hash under which a stored code is listed.
pub(crate) fn listed_hash(body: &[u8]) -> Found<DirectoryKey> {
    let hash = body.get(1..17).and_then(|it| it.try_into().ok());
    hash.filter(|_| body.first() == Some(&VERSION)).ok_or(crate::fault::Fault::Row("a code cannot be read"))
}

impl CodeKey {
    fn of(bytes: &[u8; 32]) -> Self {
        let derive = |what: &str| mac(bytes, &[what.as_bytes()]);
        let check = derive("guerdon certificate check");
        Self {
            hash: derive("guerdon certificate hash"),
            seal: derive("guerdon certificate seal"),
            check: to_hex(&check[..8]),
        }
    }

    pub(crate) fn hash_of(&self, code: &str) -> DirectoryKey {
        let mut half = [0; 16];
        half.copy_from_slice(&mac(&self.hash, &[b"code", code.as_bytes()])[..16]);
        half
    }

    pub(crate) fn draw(&self, seed: u64, certificate: (AccountId, LotNo), attempt: u32) -> String {
        let mut code = String::with_capacity(CODE_CHARS);
        let mut round = 0_u32;
        while code.len() < CODE_CHARS {
            let drawn = [&seed.to_be_bytes()[..], &place(certificate), &attempt.to_be_bytes(), &round.to_be_bytes()];
            let bytes = mac(&self.hash, &[b"draw", &drawn.concat()]);
            // Bytes past the last whole multiple would make some letters likelier.
            let letters = bytes.iter().filter(|it| **it < 248).map(|it| char::from(LETTERS[usize::from(*it % 31)]));
            code.extend(letters.take(CODE_CHARS - code.len()));
            round += 1;
        }
        code
    }

    /// The nonce follows from the code and its place: the same is never used for two texts.
    pub(crate) fn seal(&self, code: &str, certificate: (AccountId, LotNo)) -> Vec<u8> {
        let place = place(certificate);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&mac(&self.hash, &[b"nonce", &place, code.as_bytes()])[..NONCE_BYTES]);
        let cipher = ChaCha20Poly1305::new(&self.seal.into());
        let text = Payload { msg: code.as_bytes(), aad: &place };
        let sealed = cipher.encrypt(&Nonce::from(nonce), text).expect("twelve bytes can be encrypted");
        [&[VERSION][..], &self.hash_of(code), &nonce, &sealed].concat()
    }

    fn open(&self, body: &[u8], certificate: (AccountId, LotNo)) -> Option<String> {
        let nonce: [u8; NONCE_BYTES] = body.get(17..17 + NONCE_BYTES)?.try_into().ok()?;
        let cipher = ChaCha20Poly1305::new(&self.seal.into());
        let sealed = Payload { msg: body.get(17 + NONCE_BYTES..)?, aad: &place(certificate) };
        String::from_utf8(cipher.decrypt(&Nonce::from(nonce), sealed).ok()?).ok()
    }
}

/// Whose certificate it is: a code that is moved to another row does not open.
fn place((id, no): (AccountId, LotNo)) -> Vec<u8> {
    [&id.owner.0[..], &id.program.to_be_bytes(), &no.0.to_be_bytes()].concat()
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// As it is hashed: capitals, without spaces and hyphens.
fn normalised(code: &str) -> Option<String> {
    let letters = code.chars().filter(|it| !matches!(it, ' ' | '-'));
    let code: String = letters.map(|it| it.to_ascii_uppercase()).take(CODE_CHARS + 1).collect();
    let is_code = code.len() == CODE_CHARS && code.bytes().all(|it| LETTERS.contains(&it));
    is_code.then_some(code)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MemberId;

    fn certificate(no: u64) -> (AccountId, LotNo) {
        (AccountId::wallet(MemberId([7; 16]), *b"EUR"), LotNo(no))
    }

    #[test]
    fn a_code_is_read_as_it_was_kept_and_only_in_its_place() {
        let key = CodeKey::of(&[1; 32]);
        let code = key.draw(7, certificate(1), 0);
        assert_eq!((code.len(), normalised(&code)), (CODE_CHARS, Some(code.clone())));
        let body = key.seal(&code, certificate(1));
        assert_eq!(key.open(&body, certificate(1)), Some(code.clone()));
        assert_eq!(key.open(&body, certificate(2)), None, "moved to another certificate");
        assert_eq!(CodeKey::of(&[2; 32]).open(&body, certificate(1)), None, "under another key");
        assert_eq!(listed_hash(&body).ok(), Some(key.hash_of(&code)));
        let text = code.as_bytes();
        assert!(!body.windows(4).any(|it| text.windows(4).any(|part| part == it)), "nothing of it is legible");
    }

    #[test]
    fn codes_differ_and_are_the_same_when_a_batch_is_run_again() {
        let key = CodeKey::of(&[1; 32]);
        let codes: std::collections::BTreeSet<_> = (0..1_000).map(|no| key.draw(7, certificate(no), 0)).collect();
        assert_eq!(codes.len(), 1_000);
        assert_eq!(key.draw(7, certificate(3), 0), key.draw(7, certificate(3), 0));
        assert_ne!(key.draw(7, certificate(3), 0), key.draw(8, certificate(3), 0));
        assert_ne!(key.draw(7, certificate(3), 0), key.draw(7, certificate(3), 1));
        let letters: std::collections::BTreeSet<char> = codes.iter().flat_map(|it| it.chars()).collect();
        assert_eq!(letters.len(), LETTERS.len(), "each letter is drawn");
    }

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        assert_eq!(normalised("k7mp-4xwt 9qra").as_deref(), Some("K7MP4XWT9QRA"));
        for wrong in ["", "K7MP4XWT9QR", "K7MP4XWT9QRAA", "K7MP4XWT9QR0", "K7MP4XWT9QRÄ"] {
            assert_eq!(normalised(wrong), None, "{wrong}");
        }
        assert_eq!(of_hex(&to_hex(&[9; 32])), Some([9; 32]));
        assert_eq!(of_hex(&"g".repeat(64)), None);
    }
}
