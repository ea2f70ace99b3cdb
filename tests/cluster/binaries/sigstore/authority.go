package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/digitorus/timestamp"
)

var (
	issuerFirst  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1} // as plain bytes
	issuerSecond = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8} // as a text of ASN.1
	sctList      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
	extendedUse  = asn1.ObjectIdentifier{2, 5, 29, 37}
	timeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// authority issues certificates for signers, with the word of a certificate log, and timestamps.
type authority struct {
	root, issuing, stamping pair
	certificateLog          *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	var made authority
	var err error
	if made.certificateLog, err = newKey(); err != nil {
		return nil, err
	}
	ca := func(name string, use ...x509.ExtKeyUsage) *x509.Certificate {
		template := dated(-time.Hour, 48*time.Hour)
		template.Subject = pkix.Name{CommonName: name, Organization: []string{"packhouse tests"}}
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		template.BasicConstraintsValid, template.IsCA, template.ExtKeyUsage = true, true, use
		return template
	}
	if made.root, err = issue(ca("root"), nil); err != nil {
		return nil, err
	}
	if made.issuing, err = issue(ca("issuing", x509.ExtKeyUsageCodeSigning), &made.root); err != nil {
		return nil, err
	}
	use, err := asn1.Marshal([]asn1.ObjectIdentifier{timeStamping})
	if err != nil {
		return nil, err
	}
	clock := dated(-time.Hour, 48*time.Hour)
	clock.Subject = pkix.Name{CommonName: "clock", Organization: []string{"packhouse tests"}}
	clock.KeyUsage = x509.KeyUsageDigitalSignature
	clock.ExtraExtensions = []pkix.Extension{{Id: extendedUse, Critical: true, Value: use}}
	made.stamping, err = issue(clock, &made.root)
	return &made, err
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func dated(from, until time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, NotBefore: now.Add(from), NotAfter: now.Add(until)}
}

func issue(template *x509.Certificate, parent *pair) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	if parent == nil {
		parent = &pair{template, key}
	}
	certificate, err := sign(template, parent, key.Public())
	return pair{certificate, key}, err
}

func sign(template *x509.Certificate, parent *pair, public crypto.PublicKey) (*x509.Certificate, error) {
	raw, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, public, parent.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(raw)
}

// claims of an identity token. Nobody checks who signed it. Those of our own ask for certificates that no honest
// authority gives.
type claims struct {
	Expired bool   `json:"expired"`
	Silent  bool   `json:"silent"` // no log was told of the certificate
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Email   string `json:"email"`
}

func readToken(header string) (claims, error) {
	var found claims
	parts := strings.Split(strings.TrimPrefix(header, "Bearer "), ".")
	if len(parts) != 3 {
		return found, errors.New("no identity token")
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return found, err
	}
	return found, json.Unmarshal(raw, &found)
}

// certify answers as Fulcio does: a certificate of ten minutes for whom the token names.
func (a *authority) certify(request *http.Request, body []byte) (string, map[string]string, []byte, error) {
	var asked struct {
		PublicKeyRequest struct {
			PublicKey struct {
				Content string `json:"content"`
			} `json:"publicKey"`
		} `json:"publicKeyRequest"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return "", nil, nil, err
	}
	who, err := readToken(request.Header.Get("Authorization"))
	if err != nil {
		return "", nil, nil, err
	}
	block, _ := pem.Decode([]byte(asked.PublicKeyRequest.PublicKey.Content))
	if block == nil {
		return "", nil, nil, errors.New("no public key in PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return "", nil, nil, err
	}
	leaf, err := a.leaf(who, public)
	if err != nil {
		return "", nil, nil, err
	}
	var chain []string
	for _, one := range []*x509.Certificate{leaf, a.issuing.certificate, a.root.certificate} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: one.Raw})))
	}
	content, err := asJSON(map[string]any{
		"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}},
	})
	return "application/json", nil, content, err
}

func (a *authority) leaf(who claims, public crypto.PublicKey) (*x509.Certificate, error) {
	template := dated(-time.Minute, 10*time.Minute)
	if who.Expired {
		template = dated(-20*time.Minute, -10*time.Minute)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	if who.Email != "" {
		template.EmailAddresses = []string{who.Email}
	} else {
		address, err := url.Parse(who.Subject)
		if err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{address}
	}
	text, err := asn1.MarshalWithParams(who.Issuer, "utf8")
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = []pkix.Extension{
		{Id: issuerFirst, Value: []byte(who.Issuer)},
		{Id: issuerSecond, Value: text},
	}
	// What the log of certificates signs is the certificate without that signature (RFC 6962, 3.2).
	before, err := sign(template, &a.issuing, public)
	if err != nil || who.Silent {
		return before, err
	}
	word, err := a.promise(before)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: sctList, Value: word})
	return sign(template, &a.issuing, public)
}

// promise is the extension with one signed certificate timestamp.
func (a *authority) promise(before *x509.Certificate) ([]byte, error) {
	milliseconds := uint64(time.Now().UnixMilli()) // #nosec G115 -- after 1970
	issuer := sha256.Sum256(a.issuing.certificate.RawSubjectPublicKeyInfo)
	var signed bytes.Buffer
	signed.Write([]byte{0, 0})
	signed.Write(binary.BigEndian.AppendUint64(nil, milliseconds))
	signed.Write([]byte{0, 1}) // of a certificate without the extension
	signed.Write(issuer[:])
	length := len(before.RawTBSCertificate)
	signed.Write([]byte{byte(length >> 16), byte(length >> 8), byte(length)})
	signed.Write(before.RawTBSCertificate)
	signed.Write([]byte{0, 0})
	digest := sha256.Sum256(signed.Bytes())
	signature, err := ecdsa.SignASN1(rand.Reader, a.certificateLog, digest[:])
	if err != nil {
		return nil, err
	}
	identifier, err := identifierOf(a.certificateLog.Public())
	if err != nil {
		return nil, err
	}
	one := append([]byte{0}, identifier...)
	one = binary.BigEndian.AppendUint64(one, milliseconds)
	one = append(one, 0, 0, 4, 3) // no extensions; SHA-256 with ECDSA
	one = append(lengthOf(one, signature), signature...)
	list := append(lengthOf(nil, one), one...)
	return asn1.Marshal(append(lengthOf(nil, list), list...))
}

func lengthOf(before, content []byte) []byte {
	return binary.BigEndian.AppendUint16(before, uint16(len(content))) // #nosec G115 -- some hundred bytes
}

// identifierOf is the digest by which logs are named.
func identifierOf(public crypto.PublicKey) ([]byte, error) {
	raw, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(raw)
	return digest[:], nil
}

// timestamp answers as a timestamp authority does (RFC 3161).
func (a *authority) timestamp(_ *http.Request, body []byte) (string, map[string]string, []byte, error) {
	asked, err := timestamp.ParseRequest(body)
	if err != nil {
		return "", nil, nil, err
	}
	given := timestamp.Timestamp{
		HashAlgorithm:     asked.HashAlgorithm,
		HashedMessage:     asked.HashedMessage,
		Nonce:             asked.Nonce,
		Time:              time.Now(),
		Policy:            asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2},
		AddTSACertificate: asked.Certificates,
	}
	content, err := given.CreateResponseWithOpts(a.stamping.certificate, a.stamping.key, crypto.SHA256)
	return "application/timestamp-reply", nil, content, err
}
