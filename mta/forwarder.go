package mta

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"dnsbld/listing"
)

// ForwarderConfig says whom to tell, and as whom.
type ForwarderConfig struct {
	URL      string // of the collector: https://HOST:PORT, with or without CollectPath
	Identity Identity
	Say      func(what string, err error) // that a new certificate is not used; required
}

// Forwarder tells a [Collector] on another machine of sessions. It may be used by several
// goroutines at a time, but a collector takes one request of a receiver after the other.
type Forwarder struct {
	url    string
	name   string
	client *http.Client
}

// NewForwarder returns a forwarder that has not connected yet.
func NewForwarder(c ForwarderConfig) (*Forwarder, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" && u.Path != CollectPath {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "url", Message: fmt.Sprintf("%s is not where sessions can be sent", listing.Quote(c.URL)),
			Hint: "write it as https://bl.example:10443"}
	}
	u.Path = CollectPath
	ring, err := c.Identity.again(c.Say)
	var name string
	if err == nil {
		name, err = certifiedName(ring.Get().pair.Leaf)
	}
	if err != nil {
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "certificate", Message: err.Error(), Hint: "PEM files: the certificate of this mail server, its key, and the authority of the other side's"}
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: 5 * time.Second, ResponseHeaderTimeout: collectAnswer,
		IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1,
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			k := ring.Get()
			d := tls.Dialer{NetDialer: dialer, Config: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: u.Hostname(), RootCAs: k.ca, Certificates: []tls.Certificate{k.pair}}}
			return d.DialContext(ctx, network, address)
		}}
	// A redirect would send sessions, and our certificate, to somebody whom the operator has not
	// named.
	never := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Forwarder{url: u.String(), name: name, client: &http.Client{Transport: transport, CheckRedirect: never}}, nil
}

// Name is the receiver that it reports for.
func (f *Forwarder) Name() string { return f.name }

// Send posts reports, one a line and MaxCollected octets at the most, and decodes the answer. A
// report that is sent twice counts once. listing.ErrUnavailable says that it is worth trying later;
// every other error lasts until somebody changes something.
func (f *Forwarder) Send(ctx context.Context, lines []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, collectAnswer+collectRead)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(lines))
	if err != nil {
		return fmt.Errorf("sending sessions: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Expect", "100-continue") // the collector can refuse our certificate before we send the body
	resp, err := f.client.Do(req)
	if err != nil {
		return connectError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxCollected))
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, answer)
	}
	if err != nil {
		return unavailable("its answer was lost: " + err.Error())
	}
	if resp.StatusCode != http.StatusOK {
		return answeredError(resp.StatusCode, body)
	}
	return nil
}

// answeredError is what a collector refused with.
func answeredError(status int, body []byte) error {
	var f collectFailure
	if json.Unmarshal(body, &f) != nil || f.Error.Code == "" {
		f.Error.Code, f.Error.Message, f.Error.Hint = "failed", "the answer was "+http.StatusText(status), "is this the collector of a dnsbld?"
	}
	e := &listing.Error{Kind: collectFailures().Kind(status), Code: f.Error.Code, Message: f.Error.Message, Hint: f.Error.Hint}
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		e.Kind = listing.ErrUnavailable
	}
	return e
}

// connectError tells a refusal, which lasts, from a connection that failed.
func connectError(err error) error {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var alert *net.OpError
	switch {
	case errors.As(err, &verification), errors.As(err, &authority):
		return &listing.Error{Kind: listing.ErrPolicy, Code: "untrusted", Message: "the other side cannot be believed: " + err.Error(),
			Hint: "its certificate must name it, be of the authority that was given, and not have expired"}
	case errors.As(err, &alert) && alert.Op == "remote error":
		return &listing.Error{Kind: listing.ErrPolicy, Code: "certificate-refused", Message: "the other side does not take our certificate: " + alert.Err.Error(),
			Hint: "it must be of the authority that the other side names, be for clients, and not have expired"}
	}
	return unavailable(err.Error())
}

// unavailable is a failure that may be over the next time.
func unavailable(message string) error {
	return &listing.Error{Kind: listing.ErrUnavailable, Code: "away", Message: "sessions cannot be sent: " + message, Hint: "they are kept, and sent later"}
}
