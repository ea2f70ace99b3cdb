// local-sigstore plays the public part of Sigstore for tests, on loopback: a certificate authority that believes every
// identity token, a transparency log (both of its APIs) and a timestamp authority. cosign signs without a key against
// it, with no account and no network. Usage: local-sigstore HOST:PORT FOLDER; the folder gets trusted_root.json and
// signing configurations for both APIs of the log.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const mostBytes = 1 << 20

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: local-sigstore HOST:PORT FOLDER")
	}
	address, folder := os.Args[1], os.Args[2]
	authority := must(newAuthority())
	ledger := must(newLedger())
	for _, version := range []uint32{1, 2} {
		name := fmt.Sprintf("signing_config.v%d.json", version)
		save(folder, name, must(signingConfig("http://"+address, version)))
	}
	save(folder, "trusted_root.json", must(trustedRoot(authority, ledger)))

	serve("/api/v2/signingCert", authority.certify)
	serve("/api/v1/timestamp", authority.timestamp)
	serve("/api/v1/log/entries", ledger.addFirst)
	serve("/api/v2/log/entries", ledger.addSecond)
	server := &http.Server{Addr: address, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// An endpoint reads a request and gives the answer's content type, headers and body.
type endpoint func(request *http.Request, body []byte) (string, map[string]string, []byte, error)

func serve(path string, answer endpoint) {
	http.HandleFunc(path, func(writer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(io.LimitReader(request.Body, mostBytes))
		var kind string
		var headers map[string]string
		var content []byte
		if err == nil {
			kind, headers, content, err = answer(request, body)
		}
		if err != nil {
			log.Printf("%s: %v", path, err)
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		writer.Header().Set("Content-Type", kind)
		for name, value := range headers {
			writer.Header().Set(name, value)
		}
		if path != "/api/v2/signingCert" {
			writer.WriteHeader(http.StatusCreated)
		}
		_, _ = writer.Write(content)
	})
}

func save(folder, name string, content []byte) {
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func asJSON(value any) ([]byte, error) { return json.Marshal(value) }
