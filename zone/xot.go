package zone

import (
	"crypto/tls"
	"errors"
	"fmt"
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
