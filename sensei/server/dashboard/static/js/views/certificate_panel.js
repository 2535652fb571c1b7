// The certificate of a validation, checked here.

import { download, get } from "../api.js";
import { verdictOn } from "../certificate.js";
import { fill, h, icon } from "../dom.js";
import { NOTHING, count, day, score, words } from "../format.js";
import { attempt, code, panel, problem } from "../widgets.js";

const TONES = { valid: "good", expired: "warn", revoked: "bad", invalid: "bad", unverifiable: "warn" };
const ATTESTED = {
  data_integrity: "Data is whole",
  schema_equivalence: "Structures agree",
  behavioral_equivalence: "Queries agree",
  audit_trail_complete: "The audit trail is complete",
};

/** Show the certificate, or why there is none. */
export async function showCertificate(place, validation, signal) {
  try {
    const certificate = await get(`/validations/${encodeURIComponent(validation.id)}/certificate`, { signal });
    // Keys need no credential, so none is sent.
    const { keys } = await get("/certificates/keys", { signal, key: null });
    const judged = await verdictOn(certificate, Array.isArray(keys) ? keys : []);
    if (!signal.aborted) fill(place, shown(certificate, judged));
  } catch (error) {
    if (signal.aborted) return;
    if (error.code === "certificate_not_found") fill(place, panel("Certificate", h("p", { class: "soft" }, error.message)));
    else fill(place, problem(error, () => showCertificate(place, validation, signal)));
  }
}

function shown(certificate, { verdict, reason, chain }) {
  const path = `/certificates/${encodeURIComponent(certificate.id)}/download`;
  const fact = (label, value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));
  const findings = certificate.findings ?? {};
  return h(
    "section",
    { class: `panel certificate ${TONES[verdict]}` },
    h(
      "div",
      { class: "certificate-head" },
      h("div", { class: "seal" }, icon(verdict === "valid" ? "check" : verdict === "unverifiable" || verdict === "expired" ? "warn" : "cross")),
      h("div", {}, h("h2", {}, `Certificate: ${verdict}`), h("p", { data: { verdict } }, reason)),
      h("button", { type: "button", onclick: (event) => attempt(event.currentTarget, () => download(path, {}, `${certificate.id}.json`)) }, icon("down"), "Download"),
    ),
    h(
      "ul",
      { class: "attested" },
      Object.entries(certificate.attestations ?? {}).map(([name, holds]) => h("li", { class: holds === true ? "good" : "bad" }, icon(holds === true ? "check" : "cross"), ATTESTED[name] ?? words(name))),
    ),
    h(
      "dl",
      { class: "facts" },
      fact("Id", h("code", {}, certificate.id)),
      fact("Confidence", score(certificate.confidence_score)),
      fact("Queries replayed", count(certificate.queries_replayed)),
      fact("Findings", ["pass", "info", "warning", "failure"].map((name) => `${count(findings[name] ?? 0)} ${name}`).join(", ")),
      fact("Issued", day(certificate.issued_at)),
      fact("Valid until", day(certificate.valid_until)),
      fact("Signed with", h("code", {}, certificate.public_key_id ?? NOTHING)),
    ),
    h(
      "details",
      {},
      h("summary", {}, `Evidence (hash chain ${chain === true ? "holds" : chain === false ? "is broken" : "not checked"})`),
      h("dl", { class: "digests" }, (certificate.artifacts ?? []).map(({ name, digest }) => fact(words(name), h("code", {}, digest))), fact("Merkle root", h("code", {}, certificate.hash_chain ?? NOTHING))),
      h("p", { class: "soft" }, "This page checks with the key that this server publishes. To check without the browser, download the certificate and run:"),
      code(`from pathlib import Path

from sensei import Client
from sensei.certificates import check

received = Path("${certificate.id}.json").read_bytes()
print(check(received, Client().certificates.keys()))`),
    ),
  );
}
