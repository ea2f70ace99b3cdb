package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/go-openapi/runtime"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	tiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1" // the kinds of entries that cosign writes
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	sum "golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// origin is the name of the log; its base URL in the trusted root has it as its host.
const origin = "rekor.localhost"

// ledger is a transparency log that forgets: each entry is the second of a tree of its own, which proves as much. (It is
// not the first, since what is 0 is left out where messages become JSON, and verifiers miss it.)
type ledger struct {
	key    *ecdsa.PrivateKey
	signer signature.SignerVerifier
	id     []byte
	first  []byte // of each tree
}

func newLedger() (*ledger, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	signer, err := signature.LoadECDSASignerVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	id, err := identifierOf(key.Public())
	return &ledger{key, signer, id, rfc6962.DefaultHasher.HashLeaf([]byte("first"))}, err
}

// addFirst answers as the first API of Rekor does.
func (l *ledger) addFirst(request *http.Request, body []byte) (string, map[string]string, []byte, error) {
	ctx := request.Context()
	proposed, err := models.UnmarshalProposedEntry(bytes.NewReader(body), runtime.JSONConsumer())
	if err != nil {
		return "", nil, nil, err
	}
	entry, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return "", nil, nil, err
	}
	canonical, err := types.CanonicalizeEntry(ctx, entry)
	if err != nil {
		return "", nil, nil, err
	}
	now := time.Now().Unix()
	promise, err := l.promise(canonical, now)
	if err != nil {
		return "", nil, nil, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(canonical)
	top := l.top(leaf)
	checkpoint, err := util.CreateAndSignCheckpoint(ctx, origin, 1, 2, top, l.signer)
	if err != nil {
		return "", nil, nil, err
	}
	name := hex.EncodeToString(leaf)
	content, err := asJSON(map[string]any{name: map[string]any{
		"body":           base64.StdEncoding.EncodeToString(canonical),
		"integratedTime": now,
		"logID":          hex.EncodeToString(l.id),
		"logIndex":       1,
		"verification": map[string]any{
			"signedEntryTimestamp": promise,
			"inclusionProof": map[string]any{
				"logIndex": 1, "treeSize": 2, "hashes": []string{hex.EncodeToString(l.first)},
				"rootHash": hex.EncodeToString(top), "checkpoint": string(checkpoint),
			},
		},
	}})
	headers := map[string]string{"ETag": name, "Location": "/api/v1/log/entries/" + name}
	return "application/json", headers, content, err
}

// top is the root of the tree with this leaf.
func (l *ledger) top(leaf []byte) []byte { return rfc6962.DefaultHasher.HashChildren(l.first, leaf) }

// promise is the signed entry timestamp.
func (l *ledger) promise(canonical []byte, now int64) ([]byte, error) {
	payload, err := asJSON(map[string]any{
		"body":           base64.StdEncoding.EncodeToString(canonical),
		"integratedTime": now,
		"logID":          hex.EncodeToString(l.id),
		"logIndex":       1,
	})
	if err != nil {
		return nil, err
	}
	sorted, err := jsoncanonicalizer.Transform(payload)
	if err != nil {
		return nil, err
	}
	return l.signer.SignMessage(bytes.NewReader(sorted))
}

// addSecond answers as the second API of Rekor does, which knows one kind of entry.
func (l *ledger) addSecond(request *http.Request, body []byte) (string, map[string]string, []byte, error) {
	var asked tiles.CreateEntryRequest
	if err := protojson.Unmarshal(body, &asked); err != nil {
		return "", nil, nil, err
	}
	wanted := asked.GetHashedRekordRequestV002()
	if wanted == nil {
		return "", nil, nil, errors.New("only hashedrekord 0.0.2")
	}
	serialized, err := protojson.Marshal(&tiles.Entry{
		Kind:       "hashedrekord",
		ApiVersion: "0.0.2",
		Spec: &tiles.Spec{Spec: &tiles.Spec_HashedRekordV002{HashedRekordV002: &tiles.HashedRekordLogEntryV002{
			Data:      &common.HashOutput{Algorithm: common.HashAlgorithm_SHA2_256, Digest: wanted.GetDigest()},
			Signature: wanted.GetSignature(),
		}}},
	})
	if err != nil {
		return "", nil, nil, err
	}
	canonical, err := jsoncanonicalizer.Transform(serialized)
	if err != nil {
		return "", nil, nil, err
	}
	top := l.top(rfc6962.DefaultHasher.HashLeaf(canonical))
	checkpoint, err := l.checkpoint(request.Context(), top)
	if err != nil {
		return "", nil, nil, err
	}
	content, err := protojson.Marshal(&rekor.TransparencyLogEntry{
		LogIndex:    1,
		LogId:       &common.LogId{KeyId: l.id},
		KindVersion: &rekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: &rekor.InclusionProof{
			LogIndex: 1, TreeSize: 2, RootHash: top, Hashes: [][]byte{l.first},
			Checkpoint: &rekor.Checkpoint{Envelope: checkpoint},
		},
		CanonicalizedBody: canonical,
	})
	return "application/json", nil, content, err
}

func (l *ledger) checkpoint(ctx context.Context, top []byte) (string, error) {
	signer, err := note.NewNoteSigner(ctx, origin, l.signer)
	if err != nil {
		return "", fmt.Errorf("signer of checkpoints: %w", err)
	}
	text := log.Checkpoint{Origin: origin, Size: 2, Hash: top}.Marshal()
	signed, err := sum.Sign(&sum.Note{Text: string(text)}, signer)
	return string(signed), err
}
