// Checks certificates: RFC 8785, Ed25519, RFC 6962, as the contract says.

/**
 * The verdict on a certificate: valid, expired, revoked, invalid or unverifiable, with a sentence that says why.
 * `chain` tells whether the artifacts give `hash_chain`: true, false, or null where that cannot be computed.
 */
export async function verdictOn(certificate, keys, now = new Date()) {
  const subtle = globalThis.crypto?.subtle;
  const chain = subtle ? await chainHolds(subtle, certificate) : null;
  const judge = (verdict, reason) => ({ verdict, reason, chain });
  const match = /^ed25519:([A-Za-z0-9+/]{86}==)$/.exec(certificate.signature ?? "");
  if (match === null) {
    return String(certificate.signature ?? "").startsWith("ed25519:")
      ? judge("invalid", "The signature is not 64 bytes of base64.")
      : judge("unverifiable", "There is no Ed25519 signature on it.");
  }
  const key = keys.find((one) => one.kid === certificate.public_key_id && one.kty === "OKP" && one.crv === "Ed25519");
  if (key === undefined) return judge("unverifiable", "The server does not publish the key that it names.");
  if (!subtle) {
    return judge("unverifiable", "Browsers check signatures only on pages that came over HTTPS or from this machine.");
  }
  let signed;
  try {
    signed = new TextEncoder().encode(signedText(certificate));
  } catch {
    return judge("invalid", "It cannot be written by RFC 8785, so nothing can have been signed.");
  }
  let good;
  try {
    const imported = await subtle.importKey("jwk", { kty: key.kty, crv: key.crv, x: key.x }, "Ed25519", false, ["verify"]);
    const signature = Uint8Array.from(atob(match[1]), (sign) => sign.charCodeAt(0));
    good = await subtle.verify("Ed25519", imported, signature, signed);
  } catch (error) {
    const unknown = error.name === "NotSupportedError";
    return judge("unverifiable", unknown ? "This browser does not know Ed25519." : "The published key cannot be used.");
  }
  if (!good) return judge("invalid", "The signature does not fit what the certificate says.");
  if (chain === false) return judge("invalid", "The hash chain does not fit the artifacts.");
  if (certificate.status === "revoked") return judge("revoked", "The server has revoked it.");
  const until = new Date(certificate.valid_until);
  if (certificate.status === "expired" || !(now < until)) return judge("expired", "Its time is up.");
  if (certificate.status !== "valid") return judge("invalid", "Its status is not one that is known.");
  return judge("valid", "Signature, hash chain and dates are right.");
}

/** What the signature covers: everything but `signature`. */
export function signedText(certificate) {
  return canonical(certificate, "signature");
}

/** JSON by RFC 8785. JSON.stringify writes numbers and strings as that wants; the order of members is ours. */
export function canonical(value, leftOut) {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(",")}]`;
  if (typeof value === "string" && /[\uD800-\uDFFF]/u.test(value)) throw new TypeError("half a surrogate pair");
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const names = Object.keys(value).filter((name) => name !== leftOut);
  // The default order is by UTF-16 code units, which is what the RFC asks for.
  names.sort();
  return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
}

async function chainHolds(subtle, certificate) {
  if (!Array.isArray(certificate.artifacts) || typeof certificate.hash_chain !== "string") return null;
  const digests = certificate.artifacts.map((artifact) => bytesOf(artifact.digest));
  if (digests.length === 0 || digests.includes(null)) return null;
  return `sha256:${hex(await merkleRoot(subtle, digests))}` === certificate.hash_chain;
}

async function merkleRoot(subtle, digests) {
  if (digests.length === 1) return hash(subtle, [0], digests[0]);
  let split = 1;
  while (split * 2 < digests.length) split *= 2;
  const [left, right] = await Promise.all([
    merkleRoot(subtle, digests.slice(0, split)),
    merkleRoot(subtle, digests.slice(split)),
  ]);
  return hash(subtle, [1], left, right);
}

async function hash(subtle, ...parts) {
  return new Uint8Array(await subtle.digest("SHA-256", Uint8Array.from(parts.flatMap((part) => [...part]))));
}

function bytesOf(digest) {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest ?? "");
  return match === null ? null : Uint8Array.from(match[1].match(/../g), (pair) => Number.parseInt(pair, 16));
}

function hex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
