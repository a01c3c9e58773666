package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// certificate is a chain and its key, read again now and then, so that renewing them
// takes no restart.
type certificate struct {
	files Files
	log   *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time
}

// lookAgain is how often the files are read.
const lookAgain = time.Minute

// loadCertificate reads a certificate; one that cannot be read at the start is a
// failure.
func loadCertificate(f Files, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: f, log: log}
	return c, c.read()
}

// config is what a server with the certificate runs on.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get is the certificate for a handshake. One that cannot be read leaves the
// one before it in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= lookAgain {
		if err := c.read(); err != nil {
			c.log.Error("the new certificate is not used", "err", err)
		}
	}
	return c.pair, nil
}

func (c *certificate) read() error {
	c.looked = time.Now()
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	c.pair = &pair
	return nil
}
