package main

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

const operator = "packhouse tests"

// trustedRoot is what a verifier needs to know of this server.
func trustedRoot(a *authority, l *ledger) ([]byte, error) {
	from, until := time.Now().Add(-time.Hour), time.Now().Add(48*time.Hour)
	transparency := func(base string, public crypto.PublicKey) (map[string]*root.TransparencyLog, error) {
		id, err := identifierOf(public)
		return map[string]*root.TransparencyLog{hex.EncodeToString(id): {
			BaseURL:             base,
			ID:                  id,
			ValidityPeriodStart: from,
			ValidityPeriodEnd:   until,
			HashFunc:            crypto.SHA256,
			PublicKey:           public,
			SignatureHashFunc:   crypto.SHA256,
		}}, err
	}
	logs, err := transparency("https://"+origin, l.key.Public())
	if err != nil {
		return nil, err
	}
	certificateLogs, err := transparency("https://ct.localhost", a.certificateLog.Public())
	if err != nil {
		return nil, err
	}
	made, err := root.NewTrustedRoot(
		root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root:                a.root.certificate,
			Intermediates:       []*x509.Certificate{a.issuing.certificate},
			ValidityPeriodStart: from,
			ValidityPeriodEnd:   until,
			URI:                 "https://fulcio.localhost",
		}},
		certificateLogs,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
			Root:                a.root.certificate,
			Leaf:                a.stamping.certificate,
			ValidityPeriodStart: from,
			ValidityPeriodEnd:   until,
			URI:                 "https://tsa.localhost",
		}},
		logs,
	)
	if err != nil {
		return nil, err
	}
	return made.MarshalJSON()
}

// signingConfig tells cosign where to sign. The first API of the log says when itself, the second leaves that to the
// timestamp authority.
func signingConfig(base string, version uint32) ([]byte, error) {
	service := func(address string, version uint32) map[string]any {
		return map[string]any{
			"url": address, "majorApiVersion": version, "operator": operator,
			"validFor": map[string]any{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
		}
	}
	anyOne := map[string]any{"selector": "ANY"}
	config := map[string]any{
		"mediaType":       "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":          []any{service(base, 1)},
		"rekorTlogUrls":   []any{service(base, version)},
		"rekorTlogConfig": anyOne,
		"tsaConfig":       anyOne,
	}
	if version == 2 {
		config["tsaUrls"] = []any{service(base+"/api/v1/timestamp", 1)}
	}
	return asJSON(config)
}
