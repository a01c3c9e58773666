package mta

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"dnsbld/files"
	"dnsbld/listing"
)

// Identity is who one is to the other side, and whom one believes: files in PEM.
type Identity struct {
	Certificate string // the chain, one's own first
	Key         string
	CA          string // authorities of the other side's certificates
}

// keys are an identity as it was read.
type keys struct {
	pair tls.Certificate
	ca   *x509.CertPool
}

// load reads the files, and reports all that is wrong with them.
func (i Identity) load() (*keys, error) {
	pair, err := tls.LoadX509KeyPair(i.Certificate, i.Key)
	if err != nil {
		err = fmt.Errorf("reading the certificate and its key: %w", err)
	}
	pem, caErr := os.ReadFile(i.CA)
	if caErr != nil {
		return nil, errors.Join(err, fmt.Errorf("reading the authorities: %w", caErr))
	}
	k := &keys{pair, x509.NewCertPool()}
	if !k.ca.AppendCertsFromPEM(pem) {
		err = errors.Join(err, fmt.Errorf("reading the authorities: there is no certificate in %s", i.CA))
	}
	return k, err
}

// again reads the files, and again when they may have changed.
func (i Identity) again(say func(what string, err error)) (*files.Again[*keys], error) {
	return files.ReadAgain(i.load, func(err error) { say("the new certificate is not used", err) })
}

// tlsConfig takes whoever shows a certificate of our authorities. Sessions are not resumed: every
// connection shows it anew.
func (c *Collector) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		k := c.now.Load().keys.Get()
		return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{k.pair}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: k.ca, Time: c.parts.Now, SessionTicketsDisabled: true}, nil
	}}
}

// receiver is the one that a request's certificate names, if it may report. That is asked of every
// request: a connection can be older than a change of the configuration.
func (c *Collector) receiver(r *http.Request) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", &listing.Error{Kind: listing.ErrPolicy, Code: "no-certificate", Message: "there is no certificate", Hint: "show the mail server's"}
	}
	cert := r.TLS.VerifiedChains[0][0]
	name, err := certifiedName(cert)
	if err != nil {
		return "", err
	}
	if c.parts.Now().After(cert.NotAfter) {
		return "", &listing.Error{Kind: listing.ErrPolicy, Code: "certificate-expired", Message: "the certificate of " + listing.Quote(name) + " has expired",
			Hint: "renew it"}
	}
	for _, known := range c.now.Load().Receivers {
		if strings.EqualFold(known, name) {
			return known, nil
		}
	}
	return "", &listing.Error{Kind: listing.ErrPolicy, Code: "unknown-receiver", Message: "nothing is taken from " + listing.Quote(name),
		Hint: "an operator of this list names the mail servers that may report, in receivers of [sensor.collect]"}
}

// certifiedName is the one name of a certificate: its DNS name, or where it has none, the common
// name of its subject.
func certifiedName(cert *x509.Certificate) (string, error) {
	switch names := cert.DNSNames; {
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0 && cert.Subject.CommonName != "":
		return cert.Subject.CommonName, nil
	}
	return "", &listing.Error{Kind: listing.ErrPolicy, Code: "certificate-name", Message: fmt.Sprintf("the certificate has %d names", len(cert.DNSNames)),
		Hint: "a mail server's certificate has one DNS name, or none and a common name"}
}
