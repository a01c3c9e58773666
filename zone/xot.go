package zone

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// dot is the protocol that a client of transfers over TLS asks for by ALPN (RFC
// 9103, section 7.1).
const dot = "dot"

// TransferTLS is how transfers are given over TLS (RFC 9103): version 1.3 alone,
// and to nobody who does not ask for DNS. The files, in PEM, are read for each
// connection, so that a new certificate holds from the next transfer on.
func TransferTLS(certificate, key string) (*tls.Config, error) {
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate for transfers: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{dot},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if !slices.Contains(hello.SupportedProtos, dot) {
				return nil, errors.New("the client does not ask for DNS")
			}
			return nil, nil
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return load() },
	}, nil
}

// PrimaryTLS is how a primary is asked over TLS: version 1.3 alone, and one that shows
// a certificate for a name and speaks DNS. The file, in PEM, has the certificates of
// those who may have signed it, or the primary's own; without one the system's hold.
func PrimaryTLS(name, authorities string) (*tls.Config, error) {
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS13, NextProtos: []string{dot}}
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if s.NegotiatedProtocol != dot { // a server without ALPN chooses none
			return errors.New("the server does not choose the protocol \"dot\": no transfers are given there")
		}
		return nil
	}
	if authorities == "" {
		return c, nil
	}
	raw, err := os.ReadFile(authorities)
	if err != nil {
		return nil, err
	}
	if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate", authorities)
	}
	return c, nil
}
