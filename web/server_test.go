package web

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/connlimit"
	"dnsbld/listing/desk"
)

// certify writes a certificate for 127.0.0.1 of a serial number.
func certify(t *testing.T, f Files, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "bl.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{f.Cert: {Type: "CERTIFICATE", Bytes: cert}, f.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		stamp := time.Now().Add(time.Duration(serial) * time.Second)
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	f := Files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	certify(t, f, 1)
	h := newHouse(t, func(c *Config) { c.TLS = f })
	h.base = strings.Replace(h.base, "http:", "https:", 1)
	h.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	a := h.get("/", "")
	a.has(t, 200)
	if a.header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security over TLS")
	}
	if a := newHouse(t).get("/", ""); a.header.Get("Strict-Transport-Security") != "" {
		t.Error("Strict-Transport-Security without TLS")
	}
}

// A renewed certificate is taken up without a restart; a broken one is not.
func TestCertificateIsReadAgain(t *testing.T) { synctest.Test(t, certificateIsReadAgain) }

func certificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	f := Files{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	if _, err := certified(f, nil); err == nil {
		t.Error("a certificate that is not there")
	}
	certify(t, f, 1)
	c, err := certified(f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		time.Sleep(time.Minute)
		pair, err := c.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	certify(t, f, 2)
	if n := serial(); n != 2 {
		t.Errorf("serial %d after the renewal", n)
	}
	if err := os.WriteFile(f.Cert, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := serial(); n != 2 {
		t.Errorf("serial %d after a broken renewal", n)
	}
}

// waiting is a desk that answers when the server is told to end.
type waiting struct {
	*counter
	asked chan struct{}
	end   context.Context
}

func (w waiting) About(ctx context.Context, a netip.Addr) (desk.About, error) {
	close(w.asked)
	<-w.end.Done()
	return w.counter.About(ctx, a)
}

// Requests in hand are finished when the server ends.
func TestServeDrains(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{})
	h.server.parts.Desk = waiting{h.desk, asked, ctx}
	done := make(chan error, 1)
	go func() { done <- h.server.Serve(ctx, l) }()
	got := make(chan string, 1)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /api/v1/ip/192.0.2.7 HTTP/1.1\r\nHost: bl.example\r\n\r\n")
	go func() {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		got <- line
	}()
	<-asked
	stop()
	if line := <-got; line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("got %q", line)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A client has no more connections than the configuration says, and all clients
// together have not. Whoever comes is answered: the one that is idle for longest ends.
func TestConnectionsAreLimited(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Limits.Connections, c.Limits.PerClient, c.TrustedProxies = 3, 2, nil })
	type browser struct {
		net.Conn
		*bufio.Reader
	}
	asks := func(b browser) error {
		if _, err := fmt.Fprint(b.Conn, "GET /robots.txt HTTP/1.1\r\nHost: bl.example\r\n\r\n"); err != nil {
			return err
		}
		answer, err := http.ReadResponse(b.Reader, nil)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
		}
		return err
	}
	dial := func(from byte) browser {
		t.Helper()
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, from)}}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		b := browser{conn, bufio.NewReader(conn)}
		if err := asks(b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	ended := func(b browser) {
		t.Helper()
		if err := asks(b); err == nil {
			t.Error("the connection is still open")
		}
	}
	first, second := dial(1), dial(1)
	if err := asks(first); err != nil {
		t.Fatal(err)
	}
	third := dial(1)
	ended(second)
	other, another := dial(2), dial(3)
	ended(first)
	for _, b := range []browser{third, other, another} {
		if err := asks(b); err != nil {
			t.Error(err)
		}
	}
	if got, want := h.server.Open(), (connlimit.Stats{Open: 3, Ended: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c := testConfig(t)
	c.Limits.PerClient, c.TrustedProxies, c.Limits.ExemptLoopback = 1, []netip.Prefix{netip.MustParsePrefix("127.0.0.4/32")}, false
	if err := h.server.Configure(c); err != nil {
		t.Fatal(err)
	}
	for _, proxy := range []browser{dial(4), dial(4)} {
		if err := asks(proxy); err != nil {
			t.Errorf("a trusted proxy: %v", err)
		}
	}
}

// A header that is too large, or no HTTP, ends the connection and nothing else.
func TestRubbishOnTheWire(t *testing.T) {
	h := newHouse(t)
	for _, rubbish := range []string{
		"GET / HTTP/1.1\r\nHost: bl.example\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET /\x00 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, rubbish)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil && !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Errorf("%.40q: %q", rubbish, line)
		}
		conn.Close()
	}
	h.get("/", "").has(t, 200)
}

func TestClientKey(t *testing.T) {
	for a, want := range map[string]string{"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8::7": "2001:db8::", "2001:db8:0:1::7": "2001:db8:0:1::"} {
		if got := client(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s is limited as %s, want %s", a, got, want)
		}
	}
}
