package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"dnsbld/files"
)

// certified is what a server with a certificate, a chain and its key, runs on. One
// that cannot be read at the start is a failure.
func certified(f Files, log *slog.Logger) (*tls.Config, error) {
	pair, err := files.ReadAgain(func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate: %w", err)
		}
		return &pair, nil
	}, func(err error) { log.Error("the new certificate is not used", "err", err) })
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get(), nil }}, err
}
